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
	eventDuration = 304000 // µs: three saccades; the few events after them, up to 336 ms, belong to the last moment
)

// eventLists are the members of the archive that name the recordings of a split and their classes.
var eventLists = map[Split]string{Train: "train1K.txt", Test: "test100.txt"}

// openEvents reads one split. An event's input is (row, column, polarity).
func openEvents(ctx context.Context, s *store, k spec, split Split) (*Set, error) {
	data, err := s.load(ctx, k, k.files[0])
	if err != nil {
		return nil, fmt.Errorf("dataset %s, %s: %w", k.name, split, err)
	}
	set, err := readEvents(data, split)
	if err != nil {
		return nil, fmt.Errorf("dataset %s, %s: %s: %w", k.name, split, k.files[0].name, err)
	}
	if len(set.labels) == 0 {
		return nil, fmt.Errorf("dataset %s, %s: no recordings", k.name, split)
	}
	set.Name, set.Split, set.Shape, set.Classes, set.Duration = k.name, split, Shape{eventSide, eventSide, 2}, k.classes, eventDuration
	if m := int(slices.Max(set.labels)); m >= k.classes {
		return nil, fmt.Errorf("dataset %s, %s: label %d, expected 0..%d", k.name, split, m, k.classes-1)
	}
	return set, nil
}

// readEvents reads recordings and labels of a split.
func readEvents(archive []byte, split Split) (*Set, error) {
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
	r := &Set{}
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
		recording, err := parseEvents(events)
		if err != nil {
			return nil, fmt.Errorf("%s.bs2: %w", f[0], err)
		}
		r.recordings = append(r.recordings, recording)
		r.labels = append(r.labels, byte(class))
	}
	return r, lines.Err()
}

// parseEvents reads the events of a recording.
func parseEvents(data []byte) ([]Event, error) {
	if len(data)%eventBytes != 0 {
		return nil, fmt.Errorf("%d bytes are not whole events of %d", len(data), eventBytes)
	}
	events := make([]Event, 0, len(data)/eventBytes)
	for e := range slices.Chunk(data, eventBytes) {
		col, row, polarity := int(e[0]), int(e[1]), int(e[2]>>7)
		if col >= eventSide || row >= eventSide {
			return nil, fmt.Errorf("an event at column %d, row %d, beyond %d×%d", col, row, eventSide, eventSide)
		}
		events = append(events, Event{uint16((row*eventSide+col)*2 + polarity), uint32(e[2]&127)<<16 | uint32(e[3])<<8 | uint32(e[4])})
	}
	return events, nil
}
