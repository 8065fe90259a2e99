// nmc_permute: fixed.Permute, one of its 12 rounds a cycle. x = ((x>>>8) + y) ^ i, y = (y<<<3) ^ x.
`default_nettype none

module nmc_permute (
    input  wire        clk_i,
    input  wire        rst_i,
    input  wire        load_x_i,
    input  wire [31:0] x_i,
    input  wire        load_y_i,  // and start
    input  wire [31:0] y_i,
    output wire        busy_o,
    output reg  [31:0] x_o,
    output reg  [31:0] y_o
);
  localparam Rounds = 4'd12;

  reg [3:0] round;
  assign busy_o = round != Rounds;
  wire [31:0] x_next = ({x_o[7:0], x_o[31:8]} + y_o) ^ {28'd0, round};

  always @(posedge clk_i) begin
    if (load_x_i) x_o <= x_i;
    else if (busy_o) x_o <= x_next;
    if (load_y_i) y_o <= y_i;
    else if (busy_o) y_o <= {y_o[28:0], y_o[31:29]} ^ x_next;
    if (rst_i) round <= Rounds;
    else if (load_y_i) round <= 4'd0;
    else if (busy_o) round <= round + 4'd1;
  end
endmodule

`default_nettype wire
