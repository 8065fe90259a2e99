package dataset

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
)

// N-MNIST (Orchard, Jayawant, Cohen, Thakor, Frontiers in Neuroscience 9, 2015) was recorded by moving an event camera in front of MNIST's
// digits: 34×34 pixels, two polarities, three saccades of 100 ms. An event has five bytes: column, row, then polarity and the time
// in microseconds, most significant bit first.
const (
	eventSide     = 34
	eventBytes    = 5
	eventSteps    = 8     // time steps of a sample: the bits of a byte
	eventDuration = 38000 // µs of a step: 8 of them hold a recording; what comes later belongs to the last
)

// eventLists are the members of the archive that name the recordings of a split and their classes.
var eventLists = map[Split]string{Train: "train1K.txt", Test: "test100.txt"}

// openEvents reads one split. Element (row, column, polarity) of a sample has a bit for each time step, the most significant one
// for the first: whether there was an event.
func openEvents(ctx context.Context, s *store, k spec, split Split) (*Set, error) {
	data, err := s.load(ctx, k, k.files[0])
	if err != nil {
		return nil, fmt.Errorf("dataset %s, %s: %w", k.name, split, err)
	}
	set, err := readEvents(data, split)
	if err != nil {
		return nil, fmt.Errorf("dataset %s, %s: %s: %w", k.name, split, k.files[0].name, err)
	}
	return New(k.name, split, Shape{eventSide, eventSide, 2}, k.classes, set.images, set.labels)
}

type recordings struct{ images, labels []byte }

func readEvents(archive []byte, split Split) (*recordings, error) {
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, err
	}
	members := map[string][]byte{}
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if members[path.Base(h.Name)], err = io.ReadAll(t); err != nil {
			return nil, err
		}
	}
	list, ok := members[eventLists[split]]
	if !ok {
		return nil, fmt.Errorf("no %s in it", eventLists[split])
	}
	r := &recordings{}
	lines := bufio.NewScanner(bytes.NewReader(list))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		class, err := strconv.ParseUint(f[len(f)-1], 10, 8)
		if len(f) != 2 || err != nil {
			return nil, fmt.Errorf("%s: %q is no number of a recording and its class", eventLists[split], lines.Text())
		}
		events, ok := members[f[0]+".bs2"]
		if !ok {
			return nil, fmt.Errorf("%s names %s.bs2, which is not in it", eventLists[split], f[0])
		}
		if r.images, err = appendEvents(r.images, events); err != nil {
			return nil, fmt.Errorf("%s.bs2: %w", f[0], err)
		}
		r.labels = append(r.labels, byte(class))
	}
	return r, lines.Err()
}

// appendEvents appends the sample of a recording.
func appendEvents(dst, events []byte) ([]byte, error) {
	if len(events)%eventBytes != 0 {
		return nil, fmt.Errorf("%d bytes are not whole events of %d", len(events), eventBytes)
	}
	at := len(dst)
	dst = append(dst, make([]byte, eventSide*eventSide*2)...)
	for e := range slices.Chunk(events, eventBytes) {
		col, row, polarity := int(e[0]), int(e[1]), int(e[2]>>7)
		if col >= eventSide || row >= eventSide {
			return nil, fmt.Errorf("an event at column %d, row %d, beyond %d×%d", col, row, eventSide, eventSide)
		}
		micros := int(e[2]&127)<<16 | int(e[3])<<8 | int(e[4])
		step := min(micros/eventDuration, eventSteps-1)
		dst[at+(row*eventSide+col)*2+polarity] |= 1 << (eventSteps - 1 - step)
	}
	return dst, nil
}
