package board

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"

	"github.com/nmc-fpga/nmc/firmware/device"
)

// ConstraintFile is the name of the constraint file that a flow takes.
func (b *Board) ConstraintFile() string {
	return TopModule + map[string]string{"ice40": ".pcf", "ecp5": ".lpf", "xc7": ".xdc"}[b.Family.Flow]
}

// Hurries says whether the board's clock is one that place and route has to work for. Where it is not, the router of an ECP5 takes no slow
// wire up again, and is asked for a clock beyond its reach; that the latter matters has not been shown (docs/decisions/0009-clock.md).
func (b *Board) Hurries() bool { return b.Clock.CoreHz >= 40_000_000 }

// asks is the clock of the device, MHz, that the router of an ECP5 is asked for where mhz would do.
func (b *Board) asks(mhz float64) float64 {
	const beyond = 50
	if b.Hurries() {
		return mhz
	}
	return beyond
}

// Constraints writes the constraint file of a device on this board: where the pins are, what they are like, how fast the clocks.
func (b *Board) Constraints(c device.Config) ([]byte, error) {
	l, err := b.link(c)
	if err != nil {
		return nil, err
	}
	var w bytes.Buffer
	fmt.Fprintf(&w, "# %s: pins of %s. Made by nmc build of its %s.\n", b.ConstraintFile(), b.Title, File)
	var clocks []string
	for _, s := range b.pinsOf(l) {
		if s.hz != 0 {
			clocks = append(clocks, s.port)
		}
		switch b.Family.Flow {
		case "ice40":
			pull := "no"
			if s.Pull == "up" {
				pull = "yes"
			}
			fmt.Fprintf(&w, "set_io -pullup %s %s %s\n", pull, s.port, s.Site)
			if s.hz != 0 {
				fmt.Fprintf(&w, "set_frequency %s %g\n", s.port, float64(s.hz)/1e6)
			}
		case "ecp5":
			fmt.Fprintf(&w, "LOCATE COMP \"%s\" SITE \"%s\";\n", s.port, s.Site)
			fmt.Fprintf(&w, "IOBUF PORT \"%s\" IO_TYPE=%s PULLMODE=%s", s.port, cmp.Or(s.IO, b.Family.IO), cmp.Or(strings.ToUpper(s.Pull), "NONE"))
			if s.Drive != 0 {
				fmt.Fprintf(&w, " DRIVE=%d", s.Drive)
			}
			if s.Slew != "" {
				fmt.Fprintf(&w, " SLEWRATE=%s", strings.ToUpper(s.Slew))
			}
			fmt.Fprintf(&w, ";\n")
			if s.hz != 0 {
				mhz := float64(s.hz) / 1e6
				if s.port == clockPort && b.Clock.CoreHz == b.Clock.Hz {
					mhz = b.asks(mhz)
				}
				fmt.Fprintf(&w, "FREQUENCY PORT \"%s\" %g MHZ;\n", s.port, mhz)
			}
		case "xc7":
			fmt.Fprintf(&w, "set_property -dict {PACKAGE_PIN %s IOSTANDARD %s", s.Site, cmp.Or(s.IO, b.Family.IO))
			if s.Pull != "" {
				fmt.Fprintf(&w, " PULLTYPE PULL%s", strings.ToUpper(s.Pull))
			}
			if s.Drive != 0 {
				fmt.Fprintf(&w, " DRIVE %d", s.Drive)
			}
			if s.Slew != "" {
				fmt.Fprintf(&w, " SLEW %s", strings.ToUpper(s.Slew))
			}
			fmt.Fprintf(&w, "} [get_ports {%s}]\n", s.port)
			if s.hz != 0 {
				fmt.Fprintf(&w, "create_clock -name %s -period %.3f [get_ports {%s}]\n", s.port, 1e9/float64(s.hz), s.port)
			}
		}
	}
	// The router takes wires for fast enough that are a little too slow: it is asked for more than is wanted.
	if b.Family.Flow == "ecp5" && b.Clock.CoreHz != b.Clock.Hz {
		const more = 1.015
		fmt.Fprintf(&w, "FREQUENCY NET \"core_clk\" %.4g MHZ;\n", b.asks(more*float64(b.Clock.CoreHz)/1e6))
	}
	// A ring or two flip-flops stand between any two clocks, and between what is made of them; the other routers time no such paths.
	if b.Family.Flow == "xc7" && len(clocks) > 1 {
		w.WriteString("set_clock_groups -asynchronous")
		for _, c := range clocks {
			fmt.Fprintf(&w, " -group [get_clocks -include_generated_clocks {%s}]", c)
		}
		w.WriteString("\n")
	}
	return w.Bytes(), nil
}
