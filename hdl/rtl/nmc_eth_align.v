// nmc_eth_align: nibbles or pairs of bits from a PHY to bytes.
//
// The start delimiter 8'hd5 tells where bytes begin; it is the first byte given out. What is left of a byte when the
// carrier goes is dropped.
`default_nettype none

module nmc_eth_align #(
    parameter Width = 4  // bits a cycle: 4 or 2
) (
    input  wire             clk_i,
    // from the PHY
    input  wire             active_i,
    input  wire             error_i,
    input  wire [Width-1:0] data_i,
    // bytes
    output reg              active_o,
    output reg              valid_o,
    output reg              error_o,
    output reg  [7:0]       data_o
);
  localparam Steps = 8 / Width;

  reg       begun_q;
  reg [1:0] step_q;
  wire [7:0] data = {data_i, data_o[7:Width]};
  wire start = !begun_q && data == 8'hd5;

  initial {active_o, valid_o, error_o, data_o, begun_q, step_q} = 14'd0;
  always @(posedge clk_i) begin
    active_o <= active_i;
    error_o  <= active_i && error_i;
    if (active_i) data_o <= data;
    else data_o <= 8'd0;
    valid_o <= active_i && (start || (begun_q && step_q == Steps[1:0] - 2'd1));
    begun_q <= active_i && (begun_q || start);
    step_q  <= active_i && begun_q && step_q != Steps[1:0] - 2'd1 ? step_q + 2'd1 : 2'd0;
  end

`ifdef FORMAL
  // formal: depth=8 cover=16
  // Since the delimiter, as many bytes as there are whole ones, each of the last bits that came.
  reg [5:0] parts;
  reg [7:0] last;
  reg       open;
  initial {parts, last, open} = 15'd0;
  always @(posedge clk_i)
    if (!active_i) {parts, last, open} <= 15'd0;
    else begin
      last <= {data_i, last[7:Width]};
      if (!open && {data_i, last[7:Width]} == 8'hd5) open <= 1'b1;
      if (open) parts <= parts + 6'd1;
    end
  always @(*) begin
    assert (open == begun_q);
    assert (last == data_o);
    if (open) assert (valid_o == (parts % Steps == 0) && step_q == parts % Steps);
    else assert (!valid_o && step_q == 2'd0 && parts == 6'd0);
    if (valid_o) assert (active_o);
  end
  always @(posedge clk_i) begin
    cover (valid_o && parts == 2 * Steps && data_o == 8'h42);
    cover (open && !active_i && step_q != 2'd0);
  end
`endif
endmodule

`default_nettype wire
