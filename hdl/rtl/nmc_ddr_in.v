// nmc_ddr_in: an input that changes with both edges. A cycle later: rise_o of a rising edge, fall_o of the falling one
// behind it. NMC_ECP5 takes that part's own register.
`default_nettype none

module nmc_ddr_in (
    input  wire clk_i,
    input  wire pin_i,
    output wire rise_o,
    output wire fall_o
);
`ifdef NMC_ECP5
  IDDRX1F u_ddr (
      .D   (pin_i),
      .SCLK(clk_i),
      .RST (1'b0),
      .Q0  (rise_o),
      .Q1  (fall_o)
  );
`else
  reg rise_q, fall_q;
  reg [1:0] out_q;
  always @(posedge clk_i) rise_q <= pin_i;
  always @(negedge clk_i) fall_q <= pin_i;
  always @(posedge clk_i) out_q <= {rise_q, fall_q};
  assign {rise_o, fall_o} = out_q;
`endif
endmodule

`default_nettype wire
