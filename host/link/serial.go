package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync/atomic"

	"go.bug.st/serial"

	"github.com/nmc-fpga/nmc/host"
)

// openSerial opens a serial port for nobody else: eight data bits, no parity, one stop bit, no flow control.
func openSerial(_ context.Context, a Address) (host.Link, error) {
	if a.Baud == 0 {
		return nil, fmt.Errorf("the baud of serial port %s is not known; write serial:%s@BAUD", a.Path, a.Path)
	}
	p, err := serial.Open(a.Path, &serial.Mode{BaudRate: a.Baud, DataBits: 8})
	if err != nil {
		return nil, refused(a, err)
	}
	// Bytes from before are no replies to what is asked now; those that cannot be dropped are told by their numbers.
	_ = p.ResetInputBuffer()
	return NewStream(&port{Port: p, path: a.Path}), nil
}

// refused says why a port could not be opened, and what to do.
func refused(a Address, err error) error {
	var known *serial.PortError
	code := serial.PortErrorCode(-1)
	if errors.As(err, &known) {
		code = known.Code()
	}
	switch {
	case code == serial.PortNotFound || errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("no serial port %s; nmc devices lists those that there are", a.Path)
	case code == serial.PermissionDenied || errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("serial port %s may not be opened by this user; join the group that owns it, dialout on most systems: sudo usermod -aG dialout $USER, then log in again", a.Path)
	case code == serial.PortBusy:
		return fmt.Errorf("serial port %s is in use; end the other program that has it open", a.Path)
	case code == serial.InvalidSpeed:
		return fmt.Errorf("serial port %s cannot have %d baud; use a rate that both it and the device have", a.Path, a.Baud)
	case code == serial.InvalidSerialPort:
		return fmt.Errorf("%s is no serial port: %w", a.Path, err)
	}
	return fmt.Errorf("serial port %s: %w", a.Path, err)
}

// port is an open serial port whose errors say which.
type port struct {
	serial.Port
	path   string
	closed atomic.Bool
}

func (p *port) Read(b []byte) (int, error) {
	n, err := p.Port.Read(b)
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, p.gone(err)
}

func (p *port) Write(b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var k int
		k, err = p.Port.Write(b[n:])
		n += k
	}
	return n, p.gone(err)
}

func (p *port) gone(err error) error {
	switch {
	case err == nil:
		return nil
	case p.closed.Load():
		return fmt.Errorf("serial port %s is closed", p.path)
	}
	return fmt.Errorf("serial port %s is gone: %w", p.path, err)
}

func (p *port) Close() error {
	p.closed.Store(true)
	return p.Port.Close()
}
