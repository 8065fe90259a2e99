// nmc_stage: a register where the clock is to be fast (Swift), a wire where cells are to be few: q is d, a cycle later or now.
`default_nettype none

// A condition that changes nothing: with it a simulator moves words that are used, without it they take fewer cells.
`ifdef NMC_FAST
`define NMC_SPARE(condition) (condition)
`else
`define NMC_SPARE(condition) (1'b1 || (condition))
`endif

module nmc_stage #(
    parameter Width = 16,
    parameter Swift = 0
) (
    input  wire             clk_i,
    input  wire             rst_i,   // 0 where only events must be known
    input  wire             use_i,   // q is used in the next cycle, or later
    input  wire [Width-1:0] d_i,
    output wire [Width-1:0] q_o
);
  generate
    if (Swift != 0) begin : g_register
      reg [Width-1:0] q;
      always @(posedge clk_i)
        if (rst_i) q <= {Width{1'b0}};
        else if (`NMC_SPARE(use_i)) q <= d_i;
      assign q_o = q;
    end else begin : g_wire
      assign q_o = d_i;
    end
  endgenerate
endmodule

`undef NMC_SPARE
`default_nettype wire
