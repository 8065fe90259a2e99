// nmc_mix: fixed.Mix, the mixing function of the draws, without its first step, a multiplication by 513, for a fast clock.
//
//   z = first ^ first >> 11; z = z·8193; mix = z ^ z >> 16
`default_nettype none

module nmc_mix (
    input  wire [31:0] first_i,
    output wire [31:0] mix_o
);
  wire [31:0] sum;
  nmc_adder #(
      .Width(32)
  ) u_sum (
      .a_i(first_i), .b_i({11'd0, first_i[31:11]}), .c_i({first_i[18:0], 13'd0}), .d_i({first_i[29:11], 13'd0}), .sum_o(sum)
  );
  assign mix_o = sum ^ {16'd0, sum[31:16]};
endmodule

`default_nettype wire
