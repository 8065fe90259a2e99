// nmc_adder: a sum of which each bit has four operands, as the look-up table in front of a carry takes them where it has as many
// inputs: then what is done to the operands costs no cells and no time.
//
//   sum = a + (b & d)          where Gated is 1; c is not used
//   sum = (a ^ b) + (c ^ d)    where it is 0
`default_nettype none

module nmc_adder #(
    parameter Width = 16,
    parameter Gated = 0
) (
    input  wire [Width-1:0] a_i,
    input  wire [Width-1:0] b_i,
    input  wire [Width-1:0] c_i,
    input  wire [Width-1:0] d_i,
    output wire [Width-1:0] sum_o
);
`ifdef NMC_ECP5
  // A bit's table says of {d, c, b, a} whether a carry passes; that of {b, a} alone, its lowest four entries, whether there is one
  // if none passes: a where b & d is the same, and a ^ b where c ^ d is.
  localparam [15:0] Table = Gated != 0 ? 16'h66aa : 16'h6996;
  localparam Pairs = (Width + 1) / 2;
  wire [2*Pairs-1:0] a = {{2 * Pairs - Width{1'b0}}, a_i};
  wire [2*Pairs-1:0] b = {{2 * Pairs - Width{1'b0}}, b_i};
  wire [2*Pairs-1:0] c = Gated != 0 ? {2 * Pairs{1'b1}} : {{2 * Pairs - Width{1'b0}}, c_i};
  wire [2*Pairs-1:0] d = {{2 * Pairs - Width{1'b0}}, d_i};
  wire [2*Pairs-1:0] sum;
  wire [Pairs:0] carry;
  assign carry[0] = 1'b0;
  assign sum_o = sum[Width-1:0];
  genvar p;
  generate
    for (p = 0; p < Pairs; p = p + 1) begin : g_pair
      CCU2C #(
          .INIT0(Table), .INIT1(Table), .INJECT1_0("NO"), .INJECT1_1("NO")
      ) u_pair (
          .CIN(carry[p]), .COUT(carry[p+1]),
          .A0(a[2*p]), .B0(b[2*p]), .C0(c[2*p]), .D0(d[2*p]), .S0(sum[2*p]),
          .A1(a[2*p+1]), .B1(b[2*p+1]), .C1(c[2*p+1]), .D1(d[2*p+1]), .S1(sum[2*p+1])
      );
    end
  endgenerate
`else
  assign sum_o = Gated != 0 ? a_i + (b_i & d_i) : (a_i ^ b_i) + (c_i ^ d_i);
`endif
endmodule

`default_nettype wire
