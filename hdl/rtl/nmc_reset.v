// nmc_reset: a reset for another clock, which may stand still: it begins at once and ends two edges after arst_i has.
`default_nettype none

module nmc_reset (
    input  wire clk_i,
    input  wire arst_i,  // asynchronous, active high
    output wire rst_o    // synchronous to clk_i when it ends
);
  reg [1:0] rst_q;
  initial rst_q = 2'b11;
  always @(posedge clk_i or posedge arst_i)
    if (arst_i) rst_q <= 2'b11;
    else rst_q <= {rst_q[0], 1'b0};
  assign rst_o = rst_q[1];
endmodule

`default_nettype wire
