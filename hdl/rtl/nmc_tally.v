// nmc_tally: events that wait to be counted elsewhere, one valid and ready for each. It holds 2^Width - 1; more are forgotten.
`default_nettype none

module nmc_tally #(
    parameter Width = 8
) (
    input  wire clk_i,
    input  wire rst_i,    // synchronous, active high
    input  wire event_i,
    output wire valid_o,
    input  wire ready_i
);
  reg [Width-1:0] count_q;
  wire take = valid_o && ready_i;
  wire put = event_i && !(&count_q);
  assign valid_o = count_q != {Width{1'b0}};

  initial count_q = {Width{1'b0}};
  always @(posedge clk_i)
    if (rst_i) count_q <= {Width{1'b0}};
    else if (put != take) count_q <= count_q + {{(Width - 1) {take}}, 1'b1};

`ifdef FORMAL
  // formal: depth=6 cover=12 params="Width=2"
  // Every event is offered once, but those that come when it is full.
  reg [7:0] events, taken;
  initial {events, taken} = 16'd0;
  always @(posedge clk_i)
    if (rst_i) {events, taken} <= 16'd0;
    else begin
      if (event_i && !(&count_q)) events <= events + 8'd1;
      if (take) taken <= taken + 8'd1;
    end
  wire [7:0] waiting = events - taken;
  always @(*) assert (waiting == {{(8 - Width) {1'b0}}, count_q});
  always @(posedge clk_i) begin
    cover (&count_q);
    cover (taken == 8'd3 && !valid_o);
    cover (event_i && take);
  end
`endif
endmodule

`default_nettype wire
