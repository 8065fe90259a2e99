package linktest

import (
	"errors"
	"io"
	"net"
	"sync"
)

// Network is a device on a UDP port of this machine: a byte stream, such as a device on pipes, behind a network that
// treats datagrams as badly as asked. The device can be taken away and come back.
type Network struct {
	conn     *net.UDPConn
	open     func() (io.ReadWriteCloser, error)
	down, up *Faulty

	wmu  sync.Mutex // for one write to the device at a time
	mu   sync.Mutex // guards dev, host
	dev  io.ReadWriteCloser
	host *net.UDPAddr // that was heard last
	wg   sync.WaitGroup
}

// NewNetwork opens a device and puts it on the port address (such as 127.0.0.1:0).
func NewNetwork(address string, seed uint64, f Faults, open func() (io.ReadWriteCloser, error)) (*Network, error) {
	at, err := net.ResolveUDPAddr("udp", address)
	if err != nil {
		return nil, err
	}
	n := &Network{open: open}
	if n.conn, err = net.ListenUDP("udp", at); err != nil {
		return nil, err
	}
	_ = n.conn.SetReadBuffer(4 << 20)
	n.down = NewFaulty(seed, 1, f, func(b []byte) {
		n.mu.Lock()
		dev := n.dev
		n.mu.Unlock()
		n.wmu.Lock()
		defer n.wmu.Unlock()
		if dev != nil {
			dev.Write(b) // of a device that has ended nobody is told
		}
	})
	n.up = NewFaulty(seed, 2, f, func(b []byte) {
		n.mu.Lock()
		host := n.host
		n.mu.Unlock()
		if host != nil {
			n.conn.WriteToUDP(b, host)
		}
	})
	if err := n.Restart(); err != nil {
		n.conn.Close()
		return nil, err
	}
	n.wg.Go(func() {
		buf := make([]byte, 2048)
		for {
			k, from, err := n.conn.ReadFromUDP(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil || k == 0 {
				continue // of a host that has gone
			}
			n.mu.Lock()
			n.host = from
			n.mu.Unlock()
			n.down.Put(buf[:k])
		}
	})
	return n, nil
}

// Address is the device's, as host:port.
func (n *Network) Address() string { return n.conn.LocalAddr().String() }

// Cut takes the device away: it ends, and nothing answers.
func (n *Network) Cut() {
	n.mu.Lock()
	dev := n.dev
	n.dev = nil
	n.mu.Unlock()
	if dev != nil {
		dev.Close()
	}
}

// Restart takes the device away and opens it anew.
func (n *Network) Restart() error {
	n.Cut()
	dev, err := n.open()
	if err != nil {
		return err
	}
	n.mu.Lock()
	n.dev = dev
	n.mu.Unlock()
	n.wg.Go(func() {
		var u units
		buf := make([]byte, 4096)
		for {
			k, err := dev.Read(buf)
			for _, f := range u.cut(buf[:k]) {
				n.up.Put(f)
			}
			if err != nil {
				return
			}
		}
	})
	return nil
}

// Hits returns how often each fault has struck, in either direction.
func (n *Network) Hits() map[string]int { return sum(n.down.Hits(), n.up.Hits()) }

// Close ends device and network.
func (n *Network) Close() error {
	n.Cut()
	err := n.conn.Close()
	n.wg.Wait()
	return err
}
