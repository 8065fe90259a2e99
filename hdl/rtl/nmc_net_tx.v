// nmc_net_tx: bytes of the device into UDP datagrams, and answers of nmc_net_rx, as packets into a ring.
//
// A datagram ends with a zero byte or after Most bytes and goes to the peer heard last. Its payload is put where it belongs,
// then the header before it, its checksums last, when all that they cover has been added up. An answer is put between two
// datagrams.
`default_nettype none

module nmc_net_tx #(
    parameter        AddrBits = 11,  // of the ring, at least 11
    parameter        Most     = 512,  // bytes of payload
    parameter [47:0] Mac      = 48'h026e6d630001,
    parameter [31:0] Ip       = 32'h0a000002,
    parameter [15:0] Port     = 16'd28269
) (
    input  wire                clk_i,
    input  wire                rst_i,           // synchronous, active high
    // bytes from the device
    input  wire                valid_i,
    output wire                ready_o,
    input  wire [7:0]          data_i,
    // the peer, its bytes in a row: hardware address at 6..11, IP address at 14, 15, 12, 13, port at 2, 3
    input  wire                peer_valid_i,
    output wire                peer_ready_o,
    input  wire [3:0]          peer_addr_i,
    input  wire [7:0]          peer_data_i,
    // an answer, its end mark last
    input  wire                answer_valid_i,
    output wire                answer_ready_o,
    input  wire [10:0]         answer_addr_i,
    input  wire [8:0]          answer_data_i,
    // to the ring
    output wire                we_o,
    output wire [AddrBits-1:0] addr_o,
    output wire [8:0]          data_o,
    output wire                commit_o,
    input  wire [AddrBits:0]   tail_i,
    output wire                busy_o
);
  localparam A = AddrBits;
  localparam [2:0] SIdle = 3'd0, SFill = 3'd1, SHead = 3'd2, SFold = 3'd3, SSums = 3'd4, SMark = 3'd5, SAnswer = 3'd6;
  localparam [10:0] Header = 11'd42;

  reg  [2:0]  state_q;
  reg  [A:0]  base_q;  // where the packet starts
  reg  [10:0] n_q;  // its bytes
  reg  [5:0]  h_q;  // of its header
  wire [A:0]  level = base_q - tail_i;
  wire        room = level[A:9] == {(A - 8) {1'b0}};  // for the longest packet
  wire        head = state_q == SHead;
  wire        hold = peer_valid_i && h_q == 6'd0;  // the header has one peer or the other
  wire        fold = state_q == SFold;
  wire        sums = state_q == SSums;

  // The peer.
  reg  [7:0] peer[0:15];
  wire [3:0] peer_at = h_q < 6'd6 ? h_q[3:0] + 4'd6 : h_q[5] && h_q[2] ? {2'b00, 1'b1, h_q[0]} : {2'b11, h_q[1:0]};
  wire [7:0] peer_byte = peer[peer_at];
  assign peer_ready_o = !head || h_q == 6'd0;
  always @(posedge clk_i) if (peer_valid_i && peer_ready_o) peer[peer_addr_i] <= peer_data_i;

  // The header, but for its checksums: constants, the peer, and lengths.
  reg [9:0] rom;
  always @(*)
    case (h_q)
      6'd6: rom = {2'b00, Mac[47:40]};
      6'd7: rom = {2'b00, Mac[39:32]};
      6'd8: rom = {2'b00, Mac[31:24]};
      6'd9: rom = {2'b00, Mac[23:16]};
      6'd10: rom = {2'b00, Mac[15:8]};
      6'd11: rom = {2'b00, Mac[7:0]};
      6'd12: rom = 10'h008;  // IPv4
      6'd14: rom = 10'h045;
      6'd16, 6'd17, 6'd38, 6'd39: rom = 10'h100;  // lengths
      6'd20: rom = 10'h040;  // not to be fragmented, so the number before it may be any
      6'd22: rom = 10'h040;  // hops
      6'd23: rom = 10'h011;  // UDP
      6'd26: rom = {2'b00, Ip[31:24]};
      6'd27: rom = {2'b00, Ip[23:16]};
      6'd28: rom = {2'b00, Ip[15:8]};
      6'd29: rom = {2'b00, Ip[7:0]};
      6'd34: rom = {2'b00, Port[15:8]};
      6'd35: rom = {2'b00, Port[7:0]};
      6'd0, 6'd1, 6'd2, 6'd3, 6'd4, 6'd5, 6'd30, 6'd31, 6'd32, 6'd33, 6'd36, 6'd37: rom = 10'h200;
      default: rom = 10'h000;
    endcase
  wire [10:0] length = n_q - (h_q[5] ? 11'd34 : 11'd14);  // of UDP, of IP
  wire [7:0]  size = h_q[0] ? length[7:0] : {5'd0, length[10:8]};
  wire [7:0]  field = rom[9] ? peer_byte : rom[8] ? size : rom[7:0];

  // Sums as in nmc_net_rx.
  wire        take = valid_i && ready_o;
  wire        pad = head && h_q == 6'd0 && n_q[0] && !hold;  // the payload's last word
  wire        less = h_q == 6'd18 || h_q == 6'd19;
  wire [15:0] ip_sum, sum;
  nmc_sum u_ip_sum (
      .clk_i  (clk_i),
      .clear_i(state_q == SIdle),
      .valid_i(fold || (head && h_q >= 6'd14 && h_q <= 6'd33)),
      .data_i (fold ? 8'd0 : field),
      .sum_o  (ip_sum)
  );
  nmc_sum u_sum (
      .clk_i  (clk_i),
      .clear_i(rst_i || (state_q == SIdle && !take) || commit_o),
      .valid_i(take || pad || fold || (head && ((h_q >= 6'd16 && h_q <= 6'd19) || h_q >= 6'd26))),
      .data_i (take ? data_i : pad || fold ? 8'd0 : !less ? field : h_q[0] ? 8'hfc : 8'hff),
      .sum_o  (sum)
  );
  // No checksum is written as zero.
  wire [15:0] check = h_q[4] ? ~ip_sum : &sum ? sum : ~sum;

  wire answer = state_q == SAnswer && answer_valid_i;
  assign answer_ready_o = state_q == SAnswer;
  assign ready_o  = (state_q == SIdle && room && !answer_valid_i) || state_q == SFill;
  wire [10:0] at = answer ? answer_addr_i : head || sums ? {5'd0, h_q} : n_q;
  wire [A:0] to = base_q + {{(A - 10) {1'b0}}, at};
  assign addr_o   = to[A-1:0];
  assign data_o   = answer ? answer_data_i : state_q == SMark ? 9'h100 :
      {1'b0, head ? field : sums ? (h_q[0] ? check[7:0] : check[15:8]) : data_i};
  assign we_o     = take || head || sums || commit_o || answer;
  assign commit_o = state_q == SMark || (answer && answer_data_i[8]);
  assign busy_o   = state_q != SIdle || level != {(A + 1) {1'b0}};  // until all is on the line

  wire whole = take && (data_i == 8'd0 || n_q == Header + Most[10:0] - 11'd1);

  initial begin
    state_q = SIdle;
    base_q  = {(A + 1) {1'b0}};
    n_q     = Header;
    h_q     = 6'd0;
  end
  always @(posedge clk_i)
    if (rst_i) begin
      state_q <= SIdle;
      base_q  <= {(A + 1) {1'b0}};
      n_q     <= Header;
      h_q     <= 6'd0;
    end else begin
      if (take) n_q <= n_q + 11'd1;
      if (commit_o) begin
        base_q <= to + {{A{1'b0}}, 1'b1};
        n_q    <= Header;
      end
      case (state_q)
        SIdle:
        if (whole) state_q <= SHead;
        else if (take) state_q <= SFill;
        else if (answer_valid_i && room) state_q <= SAnswer;
        SFill: if (whole) state_q <= SHead;
        SHead: begin
          if (!hold) h_q <= h_q + 6'd1;
          if (h_q == 6'd41) {state_q, h_q} <= {SFold, 6'd60};
        end
        SFold: begin  // four zeros
          h_q <= h_q + 6'd1;
          if (h_q == 6'd63) {state_q, h_q} <= {SSums, 6'd24};
        end
        SSums: begin  // at 24, 25, 40, 41
          h_q <= h_q == 6'd25 ? 6'd40 : h_q + 6'd1;
          if (h_q == 6'd41) {state_q, h_q} <= {SMark, 6'd0};
        end
        SMark: state_q <= SIdle;
        default: if (commit_o) state_q <= SIdle;
      endcase
    end

`ifdef FORMAL
  // formal: depth=2 cover=20 unroll=1 abstract=1 params="Most=3"
  reg past_ok;
  initial past_ok = 1'b0;
  always @(posedge clk_i) past_ok <= 1'b1;

  // What is on the line takes its time, and an answer is no longer than a frame; nmc_net_rx ends it with its mark.
  (* anyseq *) reg [A:0] step;
  reg  [A:0] tail;
  initial tail = {(A + 1) {1'b0}};
  always @(posedge clk_i)
    if (rst_i) tail <= {(A + 1) {1'b0}};
    else tail <= tail + step;
  always @(*) begin
    assume (tail_i == tail && step <= level);
    if (answer_valid_i) assume (answer_addr_i <= 11'd1514);
  end

  // Nothing is written over that is not on the line yet.
  wire [A:0] above = to - base_q;
  localparam [A:0] Depth = 1 << A;
  always @(*) begin
    assert (state_q <= SAnswer);
    assert (level <= Depth);
    if (state_q != SIdle || take) assert (level < 512);
    if (we_o) assert (level + above < Depth);
    if (state_q == SFill) assert (n_q > Header && n_q < Header + Most);
    if (head || fold || sums || state_q == SMark) assert (n_q > Header && n_q <= Header + Most);
    if (state_q == SIdle || state_q == SAnswer) assert (n_q == Header);
    if (state_q == SIdle || state_q == SFill || state_q == SMark || state_q == SAnswer) assert (h_q == 6'd0);
    if (head) assert (h_q <= 6'd41);
    if (fold) assert (h_q >= 6'd60);
    if (sums) assert (h_q == 6'd24 || h_q == 6'd25 || h_q == 6'd40 || h_q == 6'd41);
    // The header has one peer: it does not change between the first byte of it and the last.
    if (head && h_q != 6'd0) assert (!peer_ready_o);
    if (commit_o) assert (we_o && data_o[8]);
    if (!answer && we_o) assert (data_o[8] == commit_o);
  end
  // It moves on but where it waits for the device, for the rest of a peer, or for the rest of an answer.
  wire waits = state_q == SIdle || (state_q == SFill && !take) || (head && hold) || (state_q == SAnswer && !answer);
  reg [7:0] left;
  always @(*)
    case (state_q)
      SFill: left = 8'd200 - n_q[7:0];
      SHead: left = 8'd120 - {2'd0, h_q};
      SFold: left = 8'd75 - {4'd0, h_q[3:0]};
      SSums: left = 8'd50 - {2'd0, h_q};
      SMark: left = 8'd1;
      default: left = 8'd0;
    endcase
  always @(posedge clk_i)
    if (past_ok && !$past(rst_i)) begin
      if ($past(!waits && state_q != SAnswer)) assert (left < $past(left));
      if ($past(state_q) == SMark) assert (state_q == SIdle);
      if ($past(commit_o)) assert (base_q - $past(to) == {{A{1'b0}}, 1'b1} && state_q == SIdle);
      else assert ($stable(base_q));
    end
  always @(posedge clk_i) begin
    cover (head && h_q == 6'd14 && n_q == Header + Most);
    cover (head && hold && peer_ready_o);
    cover (past_ok && $past(state_q) == SAnswer && state_q == SIdle);
  end
`endif
endmodule

`default_nettype wire
