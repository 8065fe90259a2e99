package train

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/snapshot"
)

// Job is what training depends on beside the build: resumed with another, it would not come to the same digest.
type Job struct {
	Data    string `json:"data"`
	Samples int    `json:"samples"` // an epoch
	Seed    uint64 `json:"seed"`    // of order and encoder
	Encoder string `json:"encoder"`
	Jitter  int    `json:"jitter"` // pixels
	Flip    bool   `json:"flip,omitempty"`
}

// Checkpoint is a moment of training: who, how far, and what was learned.
type Checkpoint struct {
	ImageID manifest.Hex `json:"image_id"`
	HwID    manifest.Hex `json:"hw_id"`
	Job     Job          `json:"job"`
	State   State        `json:"state"`

	Device *snapshot.State `json:"-"`
}

// Learned returns the samples learned so far, of all epochs; 0 without a checkpoint.
func (c *Checkpoint) Learned() int {
	if c == nil {
		return 0
	}
	return c.State.Epoch*c.Job.Samples + c.State.Index
}

// A checkpoint file is a line that names the format, a line of JSON, the device's state as package snapshot encodes it,
// and the SHA-256 of everything before.
const checkpointMagic = "nmc checkpoint 1\n"

// Encode returns the file's bytes: the same checkpoint gives the same bytes.
func (c *Checkpoint) Encode() []byte {
	head, err := json.Marshal(c)
	if err != nil {
		panic(err) // plain data always marshals
	}
	b := append([]byte(checkpointMagic), head...)
	b = append(b, '\n')
	b = append(b, c.Device.Encode()...)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// DecodeCheckpoint reads a checkpoint of a device of the configuration.
func DecodeCheckpoint(b []byte, cfg device.Config) (*Checkpoint, error) {
	rest, ok := bytes.CutPrefix(b, []byte(checkpointMagic))
	if !ok {
		return nil, errors.New("not a checkpoint of this version of nmc")
	}
	if len(rest) < sha256.Size {
		return nil, errors.New("checkpoint is cut off; resume from an earlier one")
	}
	body := b[:len(b)-sha256.Size]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], b[len(body):]) {
		return nil, errors.New("checkpoint is damaged: its checksum is wrong; resume from an earlier one")
	}
	head, state, ok := bytes.Cut(rest[:len(rest)-sha256.Size], []byte{'\n'})
	if !ok {
		return nil, errors.New("checkpoint has no header")
	}
	c := new(Checkpoint)
	d := json.NewDecoder(bytes.NewReader(head))
	d.DisallowUnknownFields()
	if err := d.Decode(c); err != nil {
		return nil, fmt.Errorf("checkpoint's header: %w", err)
	}
	var err error
	if c.Device, err = snapshot.Decode(state, cfg); err != nil {
		return nil, err
	}
	return c, nil
}

// Save writes the checkpoint to a file, which holds the old or the new one whole at every moment.
func (c *Checkpoint) Save(path string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(c.Encode()); err != nil {
		return err
	}
	// On the disk before it takes the old one's name: a power cut must not leave an empty file.
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// LoadCheckpoint reads a checkpoint file for a build and a job. One of another build or job is an error that says what
// differs.
func LoadCheckpoint(path string, m *manifest.Manifest, job Job) (*Checkpoint, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no checkpoint to resume from; train without --resume", path)
	}
	if err != nil {
		return nil, err
	}
	c, err := DecodeCheckpoint(b, m.Device)
	if err == nil {
		err = c.fits(m, job)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

func (c *Checkpoint) fits(m *manifest.Manifest, job Job) error {
	for _, x := range []struct {
		what      string
		was, want any
	}{
		{"image_id", c.ImageID, m.ImageID},
		{"hw_id", c.HwID, m.HwID},
		{"data", c.Job.Data, job.Data},
		{"samples an epoch", c.Job.Samples, job.Samples},
		{"seed", c.Job.Seed, job.Seed},
		{"encoder", c.Job.Encoder, job.Encoder},
		{"jitter", c.Job.Jitter, job.Jitter},
		{"flip", c.Job.Flip, job.Flip},
	} {
		if x.was != x.want {
			return fmt.Errorf("checkpoint was taken with %s %v, this is %v; resume with what it was taken with, or train without --resume", x.what, x.was, x.want)
		}
	}
	return nil
}
