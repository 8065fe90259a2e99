// nmc_ddr_out: an output that changes with both edges: rise_i while the clock is high, fall_i while it is low, a cycle or
// two later, the same for all pins. NMC_ECP5 takes that part's own register.
`default_nettype none

module nmc_ddr_out (
    input  wire clk_i,
    input  wire rise_i,
    input  wire fall_i,
    output wire pin_o
);
`ifdef NMC_ECP5
  ODDRX1F u_ddr (
      .D0  (rise_i),
      .D1  (fall_i),
      .SCLK(clk_i),
      .RST (1'b0),
      .Q   (pin_o)
  );
`else
  reg [1:0] in_q;
  reg fall_q;
  always @(posedge clk_i) in_q <= {rise_i, fall_i};
  always @(negedge clk_i) fall_q <= in_q[0];
  assign pin_o = clk_i ? in_q[1] : fall_q;
`endif
endmodule

`default_nettype wire
