// nmc_pulse: pulses of one clock to another, none lost as long as they come in no faster than they go out.
//
// Their number crosses in Gray code, two bits of it: so up to three may be under way.
`default_nettype none

module nmc_pulse (
    input  wire clk_i,     // of what comes in
    input  wire rst_i,     // synchronous, active high
    input  wire pulse_i,
    input  wire oclk_i,    // of what goes out
    input  wire orst_i,    // synchronous, active high
    output wire pulse_o
);
  reg [1:0] in_q;  // Gray: 00 01 11 10
  reg [1:0] meta_q, seen_q, out_q;
  assign pulse_o = seen_q != out_q;

  initial in_q = 2'd0;
  always @(posedge clk_i)
    if (rst_i) in_q <= 2'd0;
    else if (pulse_i) in_q <= {in_q[0], !in_q[1]};
  initial {meta_q, seen_q, out_q} = 6'd0;
  always @(posedge oclk_i)
    if (orst_i) {meta_q, seen_q, out_q} <= 6'd0;
    else begin
      meta_q <= in_q;
      seen_q <= meta_q;
      if (pulse_o) out_q <= {out_q[0], !out_q[1]};
    end
endmodule

`default_nettype wire
