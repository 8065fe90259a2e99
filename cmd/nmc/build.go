package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/firmware/image"
)

// A build is what the verbs that run something work on.
type build struct {
	path     string // as given: a build folder or a net.toml
	net      string // the net.toml that it was made from
	manifest *manifest.Manifest
	image    *image.Image
	top      []byte
}

// openBuild reads a build folder, or compiles a net.toml without writing anything.
func openBuild(path string) (*build, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no such build folder or net.toml; make one with nmc compile, or start a project with nmc new", path)
	}
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		if filepath.Ext(path) != ".toml" {
			return nil, fmt.Errorf("%s is neither a build folder nor a .toml file", path)
		}
		b, err := compile(path, compiler.Options{})
		if err != nil {
			return nil, err
		}
		return &build{path: path, net: path, manifest: b.Manifest, image: b.Image, top: b.Top}, nil
	}
	m, err := manifest.Read(path)
	if err != nil {
		return nil, err
	}
	mend := fmt.Sprintf("compile again with nmc compile %s -o %s", filepath.Join(path, manifest.NetFile), path)
	read := func(name string) ([]byte, error) {
		b, err := os.ReadFile(filepath.Join(path, name))
		if err != nil {
			return nil, fmt.Errorf("the build is not whole: %w; %s", err, mend)
		}
		return b, nil
	}
	file := filepath.Join(path, manifest.ImageFile)
	raw, err := read(manifest.ImageFile)
	if err != nil {
		return nil, err
	}
	img, err := image.Decode(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; %s", file, err, mend)
	}
	if id := manifest.Hex(img.ID()); id != m.ImageID {
		return nil, fmt.Errorf("%s has image_id %v, but the manifest beside it is of %v: they are of different builds; %s", file, id, m.ImageID, mend)
	}
	if img.Config != m.Device.Engine() {
		return nil, fmt.Errorf("%s is for hw_id %016x, but the manifest beside it is for %v; %s", file, img.Config.ID(), manifest.Hex(m.Device.Engine().ID()), mend)
	}
	top, err := read(manifest.TopFile)
	if err != nil {
		return nil, err
	}
	return &build{path: path, net: filepath.Join(path, manifest.NetFile), manifest: m, image: img, top: top}, nil
}

// learns is an error for a build that answers alone.
func (b *build) learns() error {
	if !b.manifest.Answers {
		return nil
	}
	return fmt.Errorf("%s answers and does not learn: its net.toml says learning = false in [device]; remove that, or answer with nmc eval %s", b.path, b.path)
}

// oneBuild wants exactly one build.
func oneBuild(verb string, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("nmc %s: name one build folder or net.toml, such as: nmc %s build", verb, verb)
	}
	return nil
}
