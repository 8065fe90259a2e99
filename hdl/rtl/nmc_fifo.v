// nmc_fifo: first-in first-out queue in block RAM; an item can be taken two cycles after it was put.
//
// level_o counts the items inside, those on their way to the output included.
`default_nettype none

module nmc_fifo #(
    parameter Width = 8,
    parameter Depth = 512  // items, a power of two, at least 4
) (
    input  wire                   clk_i,
    input  wire                   rst_i,    // synchronous, active high
    // in
    input  wire                   valid_i,
    output wire                   ready_o,
    input  wire [Width-1:0]       data_i,
    // out
    output wire                   valid_o,
    input  wire                   ready_i,
    output wire [Width-1:0]       data_o,
    // items inside
    output wire [$clog2(Depth):0] level_o
);
  localparam A = $clog2(Depth);

  reg [A:0] put_q;  // items put so far, modulo 2·Depth
  reg [A:0] seen_q;  // ... as the read port sees them
  reg [A:0] take_q;

  wire put = valid_i && ready_o;
  wire take = valid_o && ready_i;
  wire [A:0] take_d = take_q + {{A{1'b0}}, take};

  assign level_o = put_q - take_q;
  assign ready_o = !level_o[A];
  assign valid_o = seen_q != take_q;

  initial begin
    put_q  = {(A + 1) {1'b0}};
    seen_q = {(A + 1) {1'b0}};
    take_q = {(A + 1) {1'b0}};
  end
  always @(posedge clk_i)
    if (rst_i) begin
      put_q  <= {(A + 1) {1'b0}};
      seen_q <= {(A + 1) {1'b0}};
      take_q <= {(A + 1) {1'b0}};
    end else begin
      put_q  <= put_q + {{A{1'b0}}, put};
      seen_q <= put_q;
      take_q <= take_d;
    end

  (* no_rw_check *)
  reg [Width-1:0] mem[0:Depth-1];
  reg [Width-1:0] data_q;
  always @(posedge clk_i) begin
    if (put) mem[put_q[A-1:0]] <= data_i;
    data_q <= mem[take_d[A-1:0]];
  end
  assign data_o = data_q;

`ifdef FORMAL
  // formal: depth=12 cover=16 params="Width=2 Depth=4"
  reg past_ok;
  initial past_ok = 1'b0;
  always @(posedge clk_i) past_ok <= 1'b1;

  // The counters never drift apart by more than the depth, and the reader never passes the writer.
  wire [A:0] seen = seen_q - take_q;
  wire [A:0] lag = put_q - seen_q;
  always @(*) begin
    assert (level_o <= Depth);
    assert (seen <= level_o);
    assert (lag <= 1);
  end

  // One item, chosen by the solver, comes out as it went in: the item put when the counter was `which`.
  (* anyconst *) reg [A:0] which;
  (* anyconst *) reg [Width-1:0] value;
  reg inside;
  initial inside = 1'b0;
  wire [A:0] age = put_q - which;  // items put since, the watched one included
  always @(posedge clk_i)
    if (rst_i) inside <= 1'b0;
    else begin
      if (put && put_q == which && data_i == value) inside <= 1'b1;
      if (take && take_q == which) inside <= 1'b0;
    end
  always @(*)
    if (inside) begin
      assert (age != 0 && age <= level_o);
      assert (mem[which[A-1:0]] == value);
      if (valid_o && take_q == which) assert (data_o == value);
    end
  always @(posedge clk_i)
    if (past_ok && !$past(rst_i) && $past(valid_o && !ready_i)) assert (valid_o && $stable(data_o));
  always @(posedge clk_i) begin
    cover (level_o == Depth);
    cover (past_ok && $past(level_o == Depth) && take && put);
    cover (inside && take && take_q == which && which[A]);
  end
`endif
endmodule

`default_nettype wire
