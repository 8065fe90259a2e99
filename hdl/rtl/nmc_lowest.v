// nmc_lowest: the lowest lane that is set, half of the word by half; without any it is the last one.
`default_nettype none

module nmc_lowest #(
    parameter Lanes = 4,
    parameter LaneBits = 3  // $clog2(Lanes) + 1
) (
    input  wire [   Lanes-1:0] set_i,
    output wire [LaneBits-1:0] lane_o
);
  wire [63:0] p64 = {{64 - Lanes{1'b0}}, set_i};
  wire n32 = Lanes > 32 && p64[31:0] == 32'd0;
  wire [31:0] p32 = n32 ? p64[63:32] : p64[31:0];
  wire n16 = Lanes > 16 && p32[15:0] == 16'd0;
  wire [15:0] p16 = n16 ? p32[31:16] : p32[15:0];
  wire n8 = Lanes > 8 && p16[7:0] == 8'd0;
  wire [7:0] p8 = n8 ? p16[15:8] : p16[7:0];
  wire n4 = Lanes > 4 && p8[3:0] == 4'd0;
  wire [2:0] p4 = n4 ? p8[6:4] : p8[2:0];
  wire n2 = Lanes > 2 && p4[1:0] == 2'd0;
  wire n1 = Lanes > 1 && !(n2 ? p4[2] : p4[0]);
  wire [6:0] lane = {1'b0, n32, n16, n8, n4, n2, n1};
  assign lane_o = lane[LaneBits-1:0];
endmodule

`default_nettype wire
