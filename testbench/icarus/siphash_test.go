package icarus_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dchest/siphash"
)

// TestSipHash hashes messages of every length up to forty, a byte a cycle and with pauses, one after the other.
func TestSipHash(t *testing.T) {
	needTools(t)
	r := rand.New(rand.NewPCG(1, 2))
	key := make([]byte, 16)
	for i := range key {
		key[i] = byte(r.Uint32())
	}
	var v strings.Builder
	var want []string
	for length := range 41 {
		prefix := r.Uint32()
		message := make([]byte, length)
		for i := range message {
			message[i] = byte(r.Uint32())
		}
		fmt.Fprintf(&v, "    start(32'h%08x);\n", prefix)
		for _, b := range message {
			if length%3 == 1 && r.IntN(4) == 0 {
				fmt.Fprintf(&v, "    repeat (%d) @(posedge clk);\n", 1+r.IntN(9))
			}
			fmt.Fprintf(&v, "    put(8'h%02x);\n", b)
		}
		v.WriteString("    finish;\n")
		le := []byte{byte(prefix), byte(prefix >> 8), byte(prefix >> 16), byte(prefix >> 24)}
		h := siphash.New(key)
		h.Write(le)
		h.Write(message)
		want = append(want, fmt.Sprintf("%016x", h.Sum64()))
	}
	var k strings.Builder
	for i := range key {
		fmt.Fprintf(&k, "%02x", key[len(key)-1-i])
	}
	tb := fmt.Sprintf(`module tb;
  reg clk = 0;
  always #5 clk = !clk;
  reg start_i = 0, valid_i = 0, end_i = 0;
  reg [31:0] prefix_i = 0;
  reg [7:0] data_i = 0;
  wire done_o;
  wire [63:0] hash_o;
  nmc_siphash #(.Key(128'h%s)) dut (.clk_i(clk), .start_i(start_i), .prefix_i(prefix_i), .valid_i(valid_i),
    .data_i(data_i), .end_i(end_i), .done_o(done_o), .hash_o(hash_o));
  task start(input [31:0] p); begin start_i <= 1; prefix_i <= p; @(posedge clk); start_i <= 0; end endtask
  task put(input [7:0] b); begin valid_i <= 1; data_i <= b; @(posedge clk); valid_i <= 0; end endtask
  task finish; begin end_i <= 1; @(posedge clk); end_i <= 0; while (!done_o) @(posedge clk); $display("%%h", hash_o); end endtask
  initial begin
    @(posedge clk);
%s    $finish;
  end
  initial #1000000 $display("timeout");
endmodule
`, k.String(), v.String())
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tb.v"), []byte(tb), 0o644); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "tb")
	if said, err := exec.Command("iverilog", "-g2005", "-o", program, filepath.Join(dir, "tb.v"), "../../hdl/rtl/nmc_siphash.v").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	said, err := exec.Command(program).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	got := strings.Fields(string(said))
	if len(got) < len(want) {
		t.Fatalf("%d hashes, want %d:\n%s", len(got), len(want), said)
	}
	for i, w := range want {
		if got[i] != w {
			t.Errorf("message of %d bytes: %s, want %s", i, got[i], w)
		}
	}
}
