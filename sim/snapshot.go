package sim

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/firmware/isa"
)

// A snapshot is, little-endian:
//
//	magic "nmcS"  version:2  hw_id:8  body, deflated  crc32:4 over everything before it
//
// The body is state, then weights, vectors, program and tables.
const (
	snapshotMagic   = "nmcS"
	snapshotVersion = 1
	snapshotHeader  = len(snapshotMagic) + 2 + 8
	snapshotTrailer = 4
)

// state is all of a machine's state beside the memories.
type state struct {
	Regs     [64]int32
	ImageID  uint64
	Skip     uint16
	InBase   uint32
	InStride uint32
	Key      fixed.Key
	Digest   uint64
	Overflow uint32
	Retired  uint32
	Last     uint64
}

// Snapshot returns the whole state: memories, registers, key, digest, counters and the number of the last commit. No
// result may be outstanding.
func (m *Machine) Snapshot() ([]byte, error) {
	if len(m.results) > 0 {
		return nil, fmt.Errorf("sim: snapshot: %d results are outstanding; take them with Result first", len(m.results))
	}
	var out bytes.Buffer
	out.WriteString(snapshotMagic)
	out.Write(binary.LittleEndian.AppendUint16(nil, snapshotVersion))
	out.Write(binary.LittleEndian.AppendUint64(nil, m.cfg.ID()))
	z, err := flate.NewWriter(&out, flate.BestSpeed)
	if err != nil {
		return nil, fmt.Errorf("sim: snapshot: %w", err)
	}
	for _, part := range []any{
		state{m.regs, m.imageID, m.skip, m.inBase, m.inStride, m.key, m.digest, m.overflow, m.retired, m.last},
		m.weights, m.vectors, m.program, m.tables,
	} {
		if err := binary.Write(z, binary.LittleEndian, part); err != nil {
			return nil, fmt.Errorf("sim: snapshot: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("sim: snapshot: %w", err)
	}
	return binary.LittleEndian.AppendUint32(out.Bytes(), crc32.ChecksumIEEE(out.Bytes())), nil
}

// Restore sets the whole state from a snapshot of a machine of the same configuration and drops outstanding results.
// On an error the machine is as before.
func (m *Machine) Restore(data []byte) error {
	if len(data) < snapshotHeader+snapshotTrailer || string(data[:len(snapshotMagic)]) != snapshotMagic {
		return errors.New("sim: restore: not a snapshot: it does not start with " + snapshotMagic)
	}
	body := data[:len(data)-snapshotTrailer]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(data[len(body):]) {
		return errors.New("sim: restore: the checksum is wrong: the snapshot is truncated or damaged")
	}
	if v := binary.LittleEndian.Uint16(data[len(snapshotMagic):]); v != snapshotVersion {
		return fmt.Errorf("sim: restore: snapshot version %d, this build reads %d", v, snapshotVersion)
	}
	if id := binary.LittleEndian.Uint64(data[len(snapshotMagic)+2:]); id != m.cfg.ID() {
		return fmt.Errorf("sim: restore: the snapshot is of hw_id %016x, this machine is %016x; restore into the configuration that it was taken from", id, m.cfg.ID())
	}
	var s state
	weights, vectors := make([]int16, len(m.weights)), make([]int16, len(m.vectors))
	program, tables := make([]isa.Word, len(m.program)), make([]uint32, len(m.tables))
	z := flate.NewReader(bytes.NewReader(body[snapshotHeader:]))
	for _, part := range []any{&s, weights, vectors, program, tables} {
		if err := binary.Read(z, binary.LittleEndian, part); err != nil {
			return fmt.Errorf("sim: restore: the body is damaged: %w", err)
		}
	}
	if n, err := z.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		return errors.New("sim: restore: the body is longer than the state")
	}
	m.regs, m.imageID, m.skip, m.inBase, m.inStride = s.Regs, s.ImageID, s.Skip, s.InBase, s.InStride
	m.key, m.digest, m.overflow, m.retired, m.last = s.Key, s.Digest, s.Overflow, s.Retired, s.Last
	copy(m.weights, weights)
	copy(m.vectors, vectors)
	copy(m.program, program)
	copy(m.tables, tables)
	clear(m.decoded)
	m.results = m.results[:0]
	return nil
}
