package capture

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"github.com/nmc-fpga/nmc/host/proto"
)

// Frame is one frame of a capture.
type Frame struct {
	Packet int // number in the file, from 1, as Wireshark counts
	Time   time.Time
	Reply  bool
	Bytes  []byte // decoded, its CRC checked
}

// Reader reads the frames of a capture file, pcap or pcapng: one that a Writer wrote, or one of a network that other
// traffic shares. What is no frame is left out.
type Reader struct {
	source interface {
		ReadPacketData() ([]byte, gopacket.CaptureInfo, error)
	}
	of     layers.LinkType
	packet int
	dec    *proto.Decoder
	ready  []Frame
}

// NewReader begins to read a file.
func NewReader(r io.Reader) (*Reader, error) {
	b := bufio.NewReader(r)
	c := &Reader{dec: proto.NewDecoder(proto.MinReply, 1<<16)}
	magic, _ := b.Peek(4)
	if bytes.Equal(magic, []byte{0x0a, 0x0d, 0x0d, 0x0a}) {
		ng, err := pcapgo.NewNgReader(b, pcapgo.DefaultNgReaderOptions)
		if err != nil {
			return nil, fmt.Errorf("not a pcapng file: %w", err)
		}
		c.source, c.of = ng, ng.LinkType()
		return c, nil
	}
	p, err := pcapgo.NewReader(b)
	if err != nil {
		return nil, fmt.Errorf("not a pcap file: %w", err)
	}
	c.source, c.of = p, p.LinkType()
	return c, nil
}

// Next returns the next frame; io.EOF after the last. A file that was cut off, as by a crash, ends with its last whole
// packet.
func (c *Reader) Next() (Frame, error) {
	for len(c.ready) == 0 {
		data, ci, err := c.source.ReadPacketData()
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		if err != nil {
			return Frame{}, err
		}
		c.packet++
		payload := c.payload(data)
		c.dec.Feed(payload, func(f []byte) {
			c.ready = append(c.ready, Frame{c.packet, ci.Timestamp, f[0]&proto.ReplyBit != 0, bytes.Clone(f)})
		})
		c.dec.End()
	}
	f := c.ready[0]
	c.ready = c.ready[1:]
	return f, nil
}

func (c *Reader) payload(data []byte) []byte {
	if c.of == linkType {
		return data[min(1, len(data)):]
	}
	p := gopacket.NewPacket(data, c.of, gopacket.DecodeOptions{Lazy: true, NoCopy: true})
	if udp, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP); ok {
		return udp.Payload
	}
	return nil
}
