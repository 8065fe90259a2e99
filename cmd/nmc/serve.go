package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nmc-fpga/nmc"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/link"
	"github.com/nmc-fpga/nmc/testbench/verilator"
)

// A served device is what serve answers when it ends. Times are the device's own.
type served struct {
	Link     string  `json:"link"`      // kind
	BytesIn  uint64  `json:"bytes_in"`  // that the device got; of Ethernet, frames with all that is in them
	BytesOut uint64  `json:"bytes_out"` // that it said
	Lost     uint64  `json:"lost"`      // of these, said when nobody listened; of Ethernet, frames that were none
	Cycles   uint64  `json:"cycles"`
	Seconds  float64 `json:"seconds"`
	// ShareIn and ShareOut are the bytes of the time that the line could have carried.
	ShareIn  float64 `json:"share_in"`
	ShareOut float64 `json:"share_out"`

	between [2]uint64 // bytes' times that frames take beside their bytes, in and out
}

// overhead is what a frame takes of Ethernet beside its bytes: preamble and gap.
const overhead = 8 + 12

// count reads a line of counts.
func (s *served) count(line string) error {
	n := []any{&s.Cycles, &s.BytesIn, &s.BytesOut, &s.Lost}
	if s.Link == device.Ethernet {
		n = append(n, &s.between[0], &s.between[1])
	}
	_, err := fmt.Sscan(line, n...)
	s.between[0] *= overhead
	s.between[1] *= overhead
	return err
}

func newServe(a *app) *cobra.Command {
	var pty, tap string
	cmd := &cobra.Command{
		Use:   "serve BUILD",
		Short: "Run the Verilog of a build, pins and all, as a device that others can reach",
		Long: `Run the Verilog of a build, pins and all, as a device that others can reach. A host cannot tell it from a board but by its
speed: the link keeps its rate in the device's time, which goes on only while there is something to do.

A serial line (kind "uart") is on a pseudo-terminal; its path is printed, and --pty gives it a second one. In another shell:

  nmc train BUILD --on serial:PATH

Ethernet (kind "ethernet") is on a network interface of this machine, --tap, made if it is not there, which takes root or
CAP_NET_ADMIN. It answers ARP and ping. Give the interface an address, or put it on a bridge, and in another shell:

  nmc train BUILD --on udp:ADDRESS

Ctrl-C ends it, and what the device has learned is gone.`,
		Args: func(cmd *cobra.Command, args []string) error { return oneBuild("serve", args) },
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := openBuild(args[0])
			if err != nil {
				return err
			}
			l := b.manifest.Device.Link
			switch {
			case l.Kind == "":
				return fmt.Errorf("%s has no link; give it one in net.toml, such as [device.link] with kind = \"uart\", clock = 24_000_000 and baud = 3_000_000, and compile again", b.path)
			case l.Kind == device.UART && cmd.Flags().Changed("tap"):
				return fmt.Errorf("%s has a serial line and no network; leave --tap out", b.path)
			case l.Kind == device.UART:
				return a.serveUART(cmd.Context(), b, pty)
			case l.Kind != device.Ethernet:
				return fmt.Errorf("%s: a link of kind %q cannot be served", b.path, l.Kind)
			case cmd.Flags().Changed("pty"):
				return fmt.Errorf("%s has a network and no serial line; leave --pty out", b.path)
			case tap == "":
				return fmt.Errorf("%s has Ethernet; name the network interface that it shall be: nmc serve %s --tap tap0", b.path, args[0])
			case len(tap) > 15 || strings.ContainsAny(tap, "/ \t%:"):
				return fmt.Errorf("--tap %q is no name of an interface; use one of at most 15 letters and digits, such as tap0", tap)
			case l.PHY != device.PHYs[0]:
				return fmt.Errorf("%s: its PHY is joined by %s, of which there is no simulation; set phy = %q in [device.link] and compile again", b.path, l.PHY, device.PHYs[0])
			}
			return a.serveEthernet(cmd.Context(), b, tap)
		},
	}
	cmd.Flags().StringVar(&pty, "pty", "", "serial line: make a symbolic link of this path to the pseudo-terminal")
	cmd.Flags().StringVar(&tap, "tap", "", "Ethernet: the network interface, such as tap0")
	return cmd
}

// serveUART runs the device on a pseudo-terminal.
func (a *app) serveUART(ctx context.Context, b *build, symlink string) error {
	l := b.manifest.Device.Link
	args := []string{"--baud", strconv.Itoa(l.Baud), "--pty"}
	if symlink != "" {
		args = append(args, "--symlink", symlink)
	}
	return a.serve(ctx, b, args, float64(l.Baud)/10, func(word, rest string) {
		if word != "pty" {
			return
		}
		path := rest
		if symlink != "" {
			path = symlink
		}
		a.note("%s has a serial line of %d baud on %s; nmc train %s --on serial:%s\n", b.manifest.Name, l.Baud, rest, b.path, path)
	})
}

// noRight is the status of the device's program when the system does not let it have an interface.
const noRight = 3

// serveEthernet runs the device on a network interface.
func (a *app) serveEthernet(ctx context.Context, b *build, tap string) error {
	l := b.manifest.Device.Link
	own, near := neighbour(l.IP)
	err := a.serve(ctx, b, []string{"--tap", tap}, 100e6/8, func(word, rest string) {
		if word == "tap" {
			on := link.Address{Kind: "udp", Host: l.IP, Port: l.Port}
			a.note("%s is on interface %s as %s; once the interface is up and has an address, such as with\n"+
				"  ip address add %s dev %s && ip link set %s up\nping %s answers, and: nmc train %s --on %s\n",
				b.manifest.Name, rest, own, near, rest, rest, l.IP, b.path, on)
		}
	})
	var e *verilator.Ended
	var exit *exec.ExitError
	if errors.As(err, &e) && errors.As(err, &exit) && exit.ExitCode() == noRight {
		return fmt.Errorf("no right to have the network interface %s (%s); run nmc serve as root, or give the interface to yourself first: "+
			"sudo ip tuntap add dev %s mode tap user \"$USER\"", tap, e.Said, tap)
	}
	return err
}

// neighbour returns an address and one beside it, with the bits of a network that has both.
func neighbour(ip string) (own, near string) {
	a, err := netip.ParseAddr(ip)
	if err != nil || !a.Is4() {
		return ip, ip
	}
	b := a.As4()
	if b[3] != 1 {
		b[3] = 1
	} else {
		b[3] = 2
	}
	return ip, netip.AddrFrom4(b).String() + "/24"
}

// serve runs the device until the context is done or its program ends. What it says goes to told; bytes are what the line
// carries in a second.
func (a *app) serve(ctx context.Context, b *build, args []string, bytes float64, told func(word, rest string)) error {
	l := b.manifest.Device.Link
	binary, err := verilator.BuildPins(ctx, nmc.HDL, b.top, b.manifest.Device, a.stderr)
	if err != nil {
		return err
	}
	cmd := exec.Command(binary, append([]string{"--clock", strconv.Itoa(l.Clock)}, args...)...)
	ownGroup(cmd)
	running, err := verilator.Serve(cmd, told)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-running.Done():
		return cmp.Or(running.Close(), errors.New("the device ended, and nobody asked it to"))
	}
	counts, err := running.Counts()
	if err = errors.Join(err, running.Close()); err != nil {
		return err
	}
	out := served{Link: l.Kind}
	if err := out.count(counts); err != nil {
		return fmt.Errorf("the device counts %q: %w", counts, err)
	}
	if out.Seconds = float64(out.Cycles) / float64(l.Clock); out.Seconds > 0 {
		out.ShareIn, out.ShareOut = float64(out.BytesIn+out.between[0])/bytes/out.Seconds, float64(out.BytesOut+out.between[1])/bytes/out.Seconds
	}
	a.answer = out
	a.say("%d bytes in, %d out in %.3f s of the device's time: %.1f%% and %.1f%% of what the line carries\n",
		out.BytesIn, out.BytesOut, out.Seconds, 100*out.ShareIn, 100*out.ShareOut)
	return nil
}
