package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// attempts is how often a download that brought nothing new is tried again; pause is the wait between.
const attempts = 3

var pause = 500 * time.Millisecond

// download gets one file over HTTP into dir. The bytes so far lie in name.part, across breaks and runs, and are asked
// for from there on; the file gets its name when its SHA-256 is right. A wrong one leaves nothing.
func (s *store) download(ctx context.Context, url, dir string, f file, progress func(string, int64, int64)) error {
	part, err := os.OpenFile(filepath.Join(dir, f.name+".part"), os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return err
	}
	defer part.Close()
	began, err := part.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	sum := ""
	for resumed := began > 0; ; resumed = false {
		if err := s.pull(ctx, url, part, f, progress); err != nil {
			return err
		}
		if sum, err = sumOf(part); err != nil {
			return err
		}
		if f.accept(sum) == nil {
			return commit(part, filepath.Join(dir, f.name))
		}
		if err := part.Truncate(0); err != nil {
			return err
		}
		if !resumed { // else the old part may have been at fault: once more, from the start
			break
		}
	}
	if err := os.Remove(part.Name()); err != nil {
		return err
	}
	return f.accept(sum)
}

// pull appends to part until the server has no more.
func (s *store) pull(ctx context.Context, url string, part *os.File, f file, progress func(string, int64, int64)) error {
	var last error
	for left := attempts; left > 0; left-- {
		before, err := part.Seek(0, io.SeekEnd)
		if err != nil {
			return err
		}
		if before >= f.largest() {
			return nil // complete, or too much: the sum decides
		}
		err = s.request(ctx, url, part, before, f, progress)
		if err == nil {
			return nil
		}
		var status statusError
		if ctx.Err() != nil || errors.As(err, &status) && !status.temporary() {
			return err
		}
		last = err
		if after, err := part.Seek(0, io.SeekEnd); err == nil && after > before {
			left = attempts + 1
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
	return fmt.Errorf("%w; what arrived is kept, the next fetch goes on from there", last)
}

// request asks for the bytes from offset on and appends them; nil when all of them came.
func (s *store) request(ctx context.Context, url string, part *os.File, offset int64, f file, progress func(string, int64, int64)) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	// Without this the transport would ask for gzip and unpack what is to stay packed.
	req.Header.Set("Accept-Encoding", "identity")
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusPartialContent:
		var from int64
		if _, err := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-", &from); err != nil || from != offset {
			return fmt.Errorf("answered range %q, asked for bytes from %d", resp.Header.Get("Content-Range"), offset)
		}
	case http.StatusOK: // the server does not resume
		if err := restart(part); err != nil {
			return err
		}
		offset = 0
	case http.StatusRequestedRangeNotSatisfiable:
		if offset > 0 { // its file ends where ours does
			return nil
		}
		return statusError(resp.StatusCode)
	default:
		return statusError(resp.StatusCode)
	}
	total := int64(0)
	if resp.ContentLength > 0 {
		total = offset + resp.ContentLength
	}
	w := &meter{ctx: ctx, w: part, file: f.name, done: offset, total: total, progress: progress}
	n, err := io.Copy(w, io.LimitReader(resp.Body, f.largest()-offset+1))
	if err != nil {
		return fmt.Errorf("broke off after %d bytes: %w", offset+n, err)
	}
	return nil
}

func restart(part *os.File) error {
	if err := part.Truncate(0); err != nil {
		return err
	}
	_, err := part.Seek(0, io.SeekStart)
	return err
}

func sumOf(f *os.File) (string, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// statusError is an answer other than the file.
type statusError int

func (e statusError) Error() string {
	return fmt.Sprintf("answered %d %s", int(e), http.StatusText(int(e)))
}

func (e statusError) temporary() bool { return e >= 500 || e == http.StatusTooManyRequests }
