package link

import (
	"net/netip"
	"testing"

	"github.com/nmc-fpga/nmc/host/proto"
)

func TestParse(t *testing.T) {
	local := netip.MustParseAddr("10.0.0.9")
	for _, c := range []struct {
		s    string
		want Address
		form string // as String writes it; "": as it was
	}{
		{"sim", Address{Kind: "sim"}, ""},
		{"verilator", Address{Kind: "verilator"}, ""},
		{"serial:/dev/ttyUSB1", Address{Kind: "serial", Path: "/dev/ttyUSB1"}, ""},
		{"serial:/dev/ttyUSB1@115200", Address{Kind: "serial", Path: "/dev/ttyUSB1", Baud: 115200}, ""},
		{"serial:/tmp/a@b/pty@9600", Address{Kind: "serial", Path: "/tmp/a@b/pty", Baud: 9600}, ""},
		{"serial:COM3", Address{Kind: "serial", Path: "COM3"}, ""},
		{"udp:10.0.0.2", Address{Kind: "udp", Host: "10.0.0.2", Port: proto.Port}, ""},
		{"udp:board.lan:7", Address{Kind: "udp", Host: "board.lan", Port: 7}, ""},
		{"udp:fe80::1%eth0", Address{Kind: "udp", Host: "fe80::1%eth0", Port: proto.Port}, "udp:[fe80::1%eth0]"},
		{"udp:[fe80::1]", Address{Kind: "udp", Host: "fe80::1", Port: proto.Port}, ""},
		{"udp:[fe80::1]:9", Address{Kind: "udp", Host: "fe80::1", Port: 9}, ""},
		{"raw:eth0/10.0.0.2", Address{Kind: "raw", Interface: "eth0", Host: "10.0.0.2", Port: proto.Port}, ""},
		{"raw:eth0/10.0.0.2:7/10.0.0.9", Address{Kind: "raw", Interface: "eth0", Host: "10.0.0.2", Port: 7, Local: local}, ""},
	} {
		got, err := Parse(c.s)
		if err != nil || got != c.want {
			t.Errorf("%s: %+v, %v, want %+v", c.s, got, err, c.want)
		}
		form := c.form
		if form == "" {
			form = c.s
		}
		if got.String() != form {
			t.Errorf("%s is written %s, want %s", c.s, got, form)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ s, want string }{
		{"fpga", `no device "fpga"; use ` + Usage()},
		{"", `no device ""; use ` + Usage()},
		{"sim:3", `device "sim:3": nothing may follow sim`},
		{"serial", `device "serial": the rest is missing; write serial:PATH[@BAUD]`},
		{"serial:", `device "serial:": the rest is missing; write serial:PATH[@BAUD]`},
		{"serial:@9600", `device "serial:@9600": the port is missing; write serial:PATH[@BAUD]`},
		{"serial:/dev/ttyUSB1@fast", `device "serial:/dev/ttyUSB1@fast": baud "fast" is not a number above 0; write serial:PATH[@BAUD]`},
		{"serial:/dev/ttyUSB1@0", `device "serial:/dev/ttyUSB1@0": baud "0" is not a number above 0; write serial:PATH[@BAUD]`},
		{"udp:10.0.0.2:0", `device "udp:10.0.0.2:0": port "0" is not a number from 1 to 65535; write udp:HOST[:PORT]`},
		{"udp:10.0.0.2:http", `device "udp:10.0.0.2:http": port "http" is not a number from 1 to 65535; write udp:HOST[:PORT]`},
		{"udp::9", `device "udp::9": the host is missing; write udp:HOST[:PORT]`},
		{"udp:[fe80::1", `device "udp:[fe80::1": "[fe80::1" is no host and port; write udp:HOST[:PORT]`},
		{"raw:eth0", `device "raw:eth0": interface and address are needed; write raw:INTERFACE/ADDRESS[:PORT][/LOCAL]`},
		{"raw:/10.0.0.2", `device "raw:/10.0.0.2": interface and address are needed; write raw:INTERFACE/ADDRESS[:PORT][/LOCAL]`},
		{"raw:eth0/board", `device "raw:eth0/board": "board" is no IPv4 address; write raw:INTERFACE/ADDRESS[:PORT][/LOCAL]`},
		{"raw:eth0/10.0.0.2:x", `device "raw:eth0/10.0.0.2:x": port "x" is not a number from 1 to 65535; write raw:INTERFACE/ADDRESS[:PORT][/LOCAL]`},
		{"raw:eth0/10.0.0.2/me", `device "raw:eth0/10.0.0.2/me": "me" is no IPv4 address; write raw:INTERFACE/ADDRESS[:PORT][/LOCAL]`},
	} {
		if _, err := Parse(c.s); err == nil || err.Error() != c.want {
			t.Errorf("%q: error %v, want %s", c.s, err, c.want)
		}
	}
}
