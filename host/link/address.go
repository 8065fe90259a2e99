package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/proto"
)

// Address names a device: what it is, and where. Fields that a kind does not have are zero.
type Address struct {
	Kind string // sim, verilator, serial, udp or raw

	Path string // serial: the port's file, or its name on Windows
	Baud int    // serial; 0: the build's

	Host string // udp: a name or an address; raw: an IPv4 address
	Port int    // udp, raw

	Interface string     // raw
	Local     netip.Addr // raw: what the host calls itself; the zero Addr: the link chooses
}

// A kind of device: how its address is written, what reads the part after the colon (nil: nothing stands there), and what
// makes the link (nil: it is no link of this package).
type kind struct {
	name, form, is string
	read           func(rest string, a *Address) error
	open           func(ctx context.Context, a Address) (host.Link, error)
}

// kinds in the order in which they are told.
var kinds = []kind{
	{"sim", "sim", "Go simulator", nil, nil},
	{"verilator", "verilator", "the Verilog engine", nil, nil},
	{"serial", "serial:PATH[@BAUD]", "a device on a serial port", readSerial, openSerial},
	{"udp", "udp:HOST[:PORT]", "a device on the network", readUDP, openUDP},
	{"raw", "raw:INTERFACE/ADDRESS[:PORT][/LOCAL]", "the same with Ethernet frames made here", readRaw, openRaw},
}

// Forms are how the addresses are written, each with what it is.
func Forms() []string {
	var f []string
	for _, k := range kinds {
		f = append(f, fmt.Sprintf("%s (%s)", k.form, k.is))
	}
	return f
}

// Usage lists the forms in a sentence.
func Usage() string {
	f := Forms()
	return strings.Join(f[:len(f)-1], ", ") + " or " + f[len(f)-1]
}

// Open makes the link to the device at an address. It does not ask whether the device answers.
func Open(ctx context.Context, a Address) (host.Link, error) {
	for _, k := range kinds {
		if k.name == a.Kind && k.open != nil {
			return k.open(ctx, a)
		}
	}
	return nil, fmt.Errorf("%v is reached by no link", a)
}

// Redial returns what a session asks for a new link when the old one has gone: the address is tried until it can be
// opened, or the context is done.
func Redial(a Address) func(context.Context) (host.Link, error) {
	return func(ctx context.Context) (host.Link, error) {
		for {
			l, err := Open(ctx, a)
			if err == nil {
				return l, nil
			}
			select {
			case <-ctx.Done():
				return nil, err
			case <-time.After(retry):
			}
		}
	}
}

// retry is the time between two attempts to open a link.
const retry = 200 * time.Millisecond

// Parse reads an address.
func Parse(s string) (Address, error) {
	name, rest, colon := strings.Cut(s, ":")
	at := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })
	if at < 0 {
		return Address{}, fmt.Errorf("no device %q; use %s", s, Usage())
	}
	k := kinds[at]
	a := Address{Kind: name}
	if k.read == nil {
		if colon {
			return Address{}, fmt.Errorf("device %q: nothing may follow %s", s, name)
		}
		return a, nil
	}
	err := errors.New("the rest is missing")
	if rest != "" {
		err = k.read(rest, &a)
	}
	if err != nil {
		return Address{}, fmt.Errorf("device %q: %w; write %s", s, err, k.form)
	}
	return a, nil
}

// String writes the address as Parse reads it.
func (a Address) String() string {
	port := ""
	if a.Port != proto.Port {
		port = ":" + strconv.Itoa(a.Port)
	}
	switch a.Kind {
	case "serial":
		if a.Baud == 0 {
			return "serial:" + a.Path
		}
		return fmt.Sprintf("serial:%s@%d", a.Path, a.Baud)
	case "udp":
		if strings.Contains(a.Host, ":") {
			return "udp:[" + a.Host + "]" + port
		}
		return "udp:" + a.Host + port
	case "raw":
		s := fmt.Sprintf("raw:%s/%s%s", a.Interface, a.Host, port)
		if a.Local.IsValid() {
			s += "/" + a.Local.String()
		}
		return s
	}
	return a.Kind
}

// Network says whether the device is reached over a network.
func (a Address) Network() bool { return a.Kind == "udp" || a.Kind == "raw" }

func readSerial(rest string, a *Address) error {
	a.Path = rest
	path, baud, ok := cutLast(rest, "@")
	if !ok {
		return nil
	}
	n, err := strconv.Atoi(baud)
	switch {
	case path == "":
		return errors.New("the port is missing")
	case err != nil || n < 1:
		return fmt.Errorf("baud %q is not a number above 0", baud)
	}
	a.Path, a.Baud = path, n
	return nil
}

func readUDP(rest string, a *Address) error {
	a.Host, a.Port = rest, proto.Port
	// One colon stands before a port; more than one without brackets is an IPv6 address.
	if strings.HasPrefix(rest, "[") && strings.HasSuffix(rest, "]") {
		a.Host = rest[1 : len(rest)-1]
	} else if strings.HasPrefix(rest, "[") || strings.Count(rest, ":") == 1 {
		host, port, err := net.SplitHostPort(rest)
		if err != nil {
			return fmt.Errorf("%q is no host and port", rest)
		}
		a.Host = host
		if a.Port, err = readPort(port); err != nil {
			return err
		}
	}
	if a.Host == "" {
		return errors.New("the host is missing")
	}
	return nil
}

func readRaw(rest string, a *Address) error {
	part := strings.Split(rest, "/")
	if len(part) < 2 || len(part) > 3 || part[0] == "" {
		return errors.New("interface and address are needed")
	}
	a.Interface = part[0]
	host, port, ok := strings.Cut(part[1], ":")
	a.Port = proto.Port
	var err error
	if ok {
		if a.Port, err = readPort(port); err != nil {
			return err
		}
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !ip.Is4() {
		return fmt.Errorf("%q is no IPv4 address", host)
	}
	a.Host = ip.String()
	if len(part) == 3 {
		if a.Local, err = netip.ParseAddr(part[2]); err != nil || !a.Local.Is4() {
			return fmt.Errorf("%q is no IPv4 address", part[2])
		}
	}
	return nil
}

func readPort(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("port %q is not a number from 1 to 65535", s)
	}
	return int(n), nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
