// nmc_cobs_enc: COBS encoder for frames of 1 to 254 bytes, with the delimiter after them.
//
// The frame is encoded in place while it is filled: a nonzero byte is stored, a zero byte instead completes the
// length byte before it, so each byte costs one write. After last_i the frame is sent and the next one waits.
`default_nettype none

module nmc_cobs_enc (
    input  wire       clk_i,
    input  wire       rst_i,    // synchronous, active high
    // frame
    input  wire       valid_i,
    output wire       ready_o,
    input  wire [7:0] data_i,
    input  wire       last_i,
    // encoded bytes
    output wire       valid_o,
    input  wire       ready_i,
    output wire [7:0] data_o
);
  localparam [1:0] Fill = 2'd0, Close = 2'd1, Load = 2'd2, Send = 2'd3;

  reg [1:0] state_q;
  reg [7:0] end_q;  // where the next byte goes
  reg [7:0] pos_q;  // filling: the open length byte; sending: the byte on the output
  reg [7:0] pos_d;

  wire       take = valid_i && ready_o;
  wire       zero = data_i == 8'd0;
  wire       seal = take ? zero : state_q == Close;  // write the length byte
  wire       sent = valid_o && ready_i;
  wire       done = pos_q == end_q;  // the delimiter is on the output
  wire [7:0] stored;

  assign ready_o = state_q == Fill;
  assign valid_o = state_q == Send;
  assign data_o  = done ? 8'd0 : stored;

  always @(*) begin
    pos_d = pos_q;
    case (state_q)
      Fill: if (take && zero) pos_d = end_q;
      Close: pos_d = 8'd0;
      Send: if (sent) pos_d = done ? 8'd0 : pos_q + 8'd1;
      default: ;
    endcase
  end

  nmc_byte_ram #(
      .Depth(256)
  ) u_ram (
      .clk_i  (clk_i),
      .we_i   (take || state_q == Close),
      .waddr_i(seal ? pos_q : end_q),
      .wdata_i(seal ? end_q - pos_q : data_i),
      .raddr_i(pos_d),
      .rdata_o(stored)
  );

  initial begin
    state_q = Fill;
    end_q   = 8'd1;
    pos_q   = 8'd0;
  end
  always @(posedge clk_i)
    if (rst_i) begin
      state_q <= Fill;
      end_q   <= 8'd1;
      pos_q   <= 8'd0;
    end else begin
      pos_q <= pos_d;
      case (state_q)
        Fill:
        if (take) begin
          end_q <= end_q + 8'd1;
          if (last_i) state_q <= Close;
        end
        Close: state_q <= Load;
        Load: state_q <= Send;  // the first byte is being read
        default:
        if (sent && done) begin
          state_q <= Fill;
          end_q   <= 8'd1;
        end
      endcase
    end

`ifdef FORMAL
  reg past_ok;
  initial past_ok = 1'b0;
  always @(posedge clk_i) past_ok <= 1'b1;

  // formal: depth=6 cover=11 abstract=1
  // The sender keeps frames to 254 bytes.
  always @(*) if (valid_i && end_q == 8'd254) assume (last_i);

  always @(*) begin
    assert (pos_q <= end_q);
    assert (end_q != 8'd0);
    if (state_q == Fill) assert (pos_q < end_q && end_q <= 8'd254);
    if (state_q == Close) assert (pos_q < end_q);
    if (state_q == Load) assert (pos_q == 8'd0);
    // The length byte that is written is never zero: only the delimiter is.
    if (seal && (take || state_q == Close)) assert (end_q - pos_q != 8'd0);
  end
  // A stalled byte holds still.
  always @(posedge clk_i)
    if (past_ok && !$past(rst_i) && $past(valid_o && !ready_i))
      assert (valid_o && data_o == $past(data_o));
  always @(posedge clk_i) begin
    cover (valid_o && ready_i && done && end_q == 8'd3);
    cover (past_ok && $past(valid_o && !ready_i) && valid_o && ready_i);
  end
`endif
endmodule

`default_nettype wire
