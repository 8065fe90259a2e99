// nmc_siphash: SipHash-2-4 (Aumasson, Bernstein, 2012) of a prefix of four bytes and a stream of bytes, as they come.
//
// A byte a cycle is taken without a pause: a word of eight takes six cycles. After end_i the hash is there at done_o, some
// thirty cycles later, and stays until start_i.
`default_nettype none

module nmc_siphash #(
    parameter [127:0] Key = 128'd0  // first byte lowest
) (
    input  wire        clk_i,
    input  wire        start_i,   // a new message; takes precedence
    input  wire [31:0] prefix_i,  // its first four bytes, lowest first
    input  wire        valid_i,
    input  wire [ 7:0] data_i,
    input  wire        end_i,     // pulse: that was the last byte; none may come before the next start
    output wire        done_o,    // pulse
    output wire [63:0] hash_o
);
  localparam [3:0] Idle = 4'd0, Mix = 4'd1, Fold = 4'd6, Final = 4'd7;

  reg [63:0] v0_q, v1_q, v2_q, v3_q;
  reg [55:0] word_q;  // the last bytes, the latest at the top
  reg [ 2:0] count_q;  // bytes of the word that is coming in
  reg [ 7:0] length_q;  // bytes of the message, modulo 256
  reg [63:0] m_q;  // the word that is being worked in
  reg [ 3:0] step_q;  // Idle, Mix, 4 half rounds, Fold, Final, 8 half rounds
  reg        pad_q;  // the message has ended: zeros and its length complete the last word
  reg        last_q;  // ... and that is the word worked in
  reg        done_q;

  wire       idle = step_q == Idle;
  wire       pad = pad_q && idle && !last_q;
  wire       take = valid_i || pad;
  wire [7:0] byte_in = !pad ? data_i : count_q == 3'd7 ? length_q : 8'd0;
  wire       full = take && count_q == 3'd7;

  // Half a round: two sums, the words that go into them turned and added without carry. The second half exchanges v1 and v3.
  wire        half = step_q[0];  // the second
  wire [63:0] x = half ? v3_q : v1_q;
  wire [63:0] y = half ? v1_q : v3_q;
  wire [63:0] a = v0_q + x;
  wire [63:0] b = v2_q + y;
  wire [63:0] x_turned = half ? {x[42:0], x[63:43]} : {x[50:0], x[63:51]};  // left by 21, 13
  wire [63:0] y_turned = half ? {y[46:0], y[63:47]} : {y[47:0], y[63:48]};  // left by 17, 16

  assign done_o = done_q;
  assign hash_o = v0_q ^ v1_q ^ v2_q ^ v3_q;

  always @(posedge clk_i) begin
    done_q <= 1'b0;
    if (take) count_q <= count_q + 3'd1;
    if (valid_i) length_q <= length_q + 8'd1;
    if (end_i) pad_q <= 1'b1;
    if (pad && full) last_q <= 1'b1;
    case (step_q)
      Idle: if (full) step_q <= Mix;
      Fold: step_q <= last_q ? Final : Idle;
      default: step_q <= step_q + 4'd1;  // after the last of the final rounds it is Idle
    endcase
    if (step_q == 4'd15) begin
      done_q <= 1'b1;
      pad_q  <= 1'b0;
      last_q <= 1'b0;
    end
    if (start_i) begin
      count_q  <= 3'd4;
      length_q <= 8'd4;
      step_q   <= Idle;
      pad_q    <= 1'b0;
      last_q   <= 1'b0;
      done_q   <= 1'b0;
    end
  end

`ifndef FORMAL  // the proof is of the control alone: sums would only slow it down
  always @(posedge clk_i) begin
    if (take) word_q <= {byte_in, word_q[55:8]};
    if (full) m_q <= {byte_in, word_q};
    case (step_q)
      Idle: ;
      Mix: v3_q <= v3_q ^ m_q;
      Fold: v0_q <= v0_q ^ m_q;
      Final: v2_q <= v2_q ^ 64'hff;
      default: begin
        v0_q <= half ? a : {a[31:0], a[63:32]};
        v2_q <= half ? {b[31:0], b[63:32]} : b;
        v1_q <= half ? y_turned ^ b : x_turned ^ a;
        v3_q <= half ? x_turned ^ a : y_turned ^ b;
      end
    endcase
    if (start_i) begin
      v0_q   <= 64'h736f6d6570736575 ^ Key[63:0];
      v1_q   <= 64'h646f72616e646f6d ^ Key[127:64];
      v2_q   <= 64'h6c7967656e657261 ^ Key[63:0];
      v3_q   <= 64'h7465646279746573 ^ Key[127:64];
      word_q <= {prefix_i, 24'd0};
    end
  end
`endif

`ifdef FORMAL
  // formal: depth=3 cover=26
  // The words are worked in as fast as they come, and a message that has ended gives its hash.
  reg [5:0] wait_q;
  initial begin
    wait_q = 6'd0;
    pad_q  = 1'b0;
    last_q = 1'b0;
    step_q = 4'd0;
    count_q = 3'd0;
    done_q = 1'b0;
  end
  always @(posedge clk_i)
    if (start_i || !pad_q) wait_q <= 6'd0;
    else wait_q <= wait_q + 6'd1;
  always @(*) begin
    if (pad_q) assume (!valid_i && !end_i);
    if (end_i) assume (!valid_i);
    // A word is never lost: it is whole only when the one before has been worked in.
    if (full) assert (idle);
    if (!last_q && !idle) assert ({1'b0, count_q} < step_q && step_q <= Fold);
    // It ends: within thirty cycles.
    if (last_q) assert (pad_q && !idle);
    if (pad_q) assert (wait_q <= 6'd29);
    if (pad_q && !last_q) assert (wait_q <= (idle ? 6'd7 + {3'd0, count_q} : {2'd0, step_q}));
    if (pad_q && last_q) assert (wait_q <= 6'd14 + {2'd0, step_q});
  end
  always @(posedge clk_i) cover (done_o);
`endif
endmodule

`default_nettype wire
