// adder_cells: nmc_adder of a part's cells has the sums of its text.
`default_nettype none

module adder_cells #(
    parameter Width = 5  // odd: the last cell is half used
) (
    input wire [Width-1:0] a_i,
    input wire [Width-1:0] b_i,
    input wire [Width-1:0] c_i,
    input wire [Width-1:0] d_i
);
  wire [Width-1:0] gated, mixed;
  nmc_adder #(
      .Width(Width), .Gated(1)
  ) u_gated (
      .a_i(a_i), .b_i(b_i), .c_i(c_i), .d_i(d_i), .sum_o(gated)
  );
  nmc_adder #(
      .Width(Width), .Gated(0)
  ) u_mixed (
      .a_i(a_i), .b_i(b_i), .c_i(c_i), .d_i(d_i), .sum_o(mixed)
  );
`ifdef FORMAL
  // formal: depth=1 cover=1 unroll=1 cells=ecp5
  always @(*) begin
    assert (gated == a_i + (b_i & d_i));
    assert (mixed == (a_i ^ b_i) + (c_i ^ d_i));
    cover (gated == 5'd1 && mixed == 5'd30 && a_i == 5'd19);
  end
`endif
endmodule

`default_nettype wire
