// nmc_net_rx: packets from a ring: UDP payload to the device, answers to ARP and ping, nothing of the rest.
//
// A packet is walked once to judge it, a byte a cycle, its checksums added up on the way, and again to deliver or to
// answer it. Taken are UDP datagrams without IP options or fragments to this address, or to all in reach, and this port; a datagram's
// payload is followed by a zero, so that one that is cut off ends there. An answer is the request with its addresses
// exchanged (RFC 826, 792): its bytes go where the answer has them.
`default_nettype none

module nmc_net_rx #(
    parameter        AddrBits = 12,  // of the ring
    parameter        End      = 2047,  // no packet is longer
    parameter [47:0] Mac      = 48'h026e6d630001,
    parameter [31:0] Ip       = 32'h0a000002,
    parameter [15:0] Port     = 16'd28269
) (
    input  wire                clk_i,
    input  wire                rst_i,           // synchronous, active high
    // from the ring
    input  wire                packet_i,
    output wire [AddrBits-1:0] addr_o,
    input  wire [8:0]          data_i,
    output wire                release_o,
    output wire [AddrBits:0]   next_o,
    // bytes to the device
    output wire                valid_o,
    input  wire                ready_i,
    output wire [7:0]          data_o,
    // who sent them: 12 bytes of hardware address, IP address and port, see nmc_net_tx
    output wire                peer_valid_o,
    input  wire                peer_ready_i,
    output wire [3:0]          peer_addr_o,
    output wire [7:0]          peer_data_o,
    // an answer, byte by byte in any order, its end mark last
    output wire                answer_valid_o,
    input  wire                answer_ready_i,
    output wire [10:0]         answer_addr_o,
    output wire [8:0]          answer_data_o,
    // dropped, a pulse each
    output wire                refused_o,       // malformed
    output wire                foreign_o,       // for another address, protocol or port
    output wire                busy_o
);
  localparam A = AddrBits;
  localparam [2:0] SIdle = 3'd0, SWalk = 3'd1, SFold = 3'd2, SJudge = 3'd3, SPeer = 3'd4, SGive = 3'd5, SAnswer = 3'd6;
  localparam [10:0] Header = 11'd42, Udp = 11'd28;  // bytes before the payload; those of them that IP counts

  reg  [2:0]  state_q;
  reg  [10:0] i_q, i_d;  // of the byte on data_i
  reg  [A:0]  base_q;  // where the packet starts
  reg  [A:0]  next_q;  // ... and the one behind it
  wire [A:0]  addr = base_q + {{(A - 10) {1'b0}}, i_d};
  assign addr_o = addr[A-1:0];
  assign next_o = next_q;

  // ---------------------------------------------------------------------------------------------------------------
  // What the packet is, found out in the walk.
  reg         own_q, all_q;  // to this hardware address, to all
  reg         arp_q, ip_q;  // a request for this address; IPv4
  reg         whole_q;  // a header that can be read, and no fragment
  reg         mine_q, any_q;  // to this IP address, or bytes of ones in it: to all, or all of a network
  reg         ping_q, udp_q, port_q;
  reg         sized_q;  // UDP and IP lengths agree
  reg         sum_q;  // it has a checksum
  reg         past_q;  // IP's last byte is behind
  reg         fold_q;
  reg  [10:0] end_q;  // where IP's bytes end
  reg  [7:0]  high_q;  // the byte before
  reg  [16:0] reply_q;  // checksum of ping's answer, the carry not gone around yet
  wire [7:0]  data = data_i[7:0];
  wire        mark = data_i[8] || i_q == End[10:0];
  wire        head = i_q[10:6] == 5'd0;
  wire [5:0]  h = i_q[5:0];
  wire [15:0] word = {high_q, data};
  wire        walk = state_q == SWalk && !mark;
  wire        over = past_q || (i_q == end_q && (!head || h >= 6'd34));  // there end_q is known

  function [7:0] mac(input [2:0] i);
    case (i)
      3'd0: mac = Mac[47:40];
      3'd1: mac = Mac[39:32];
      3'd2: mac = Mac[31:24];
      3'd3: mac = Mac[23:16];
      3'd4: mac = Mac[15:8];
      default: mac = Mac[7:0];
    endcase
  endfunction
  function [7:0] ip(input [1:0] i);  // counted from 2, as it lies in both headers
    case (i)
      2'd2: ip = Ip[31:24];
      2'd3: ip = Ip[23:16];
      2'd0: ip = Ip[15:8];
      default: ip = Ip[7:0];
    endcase
  endfunction
  reg [7:0] arp;  // what an ARP request has from 12 to 21
  always @(*)
    case (h[3:0])
      4'd12, 4'd0: arp = 8'h08;
      4'd13: arp = 8'h06;
      4'd15, 4'd5: arp = 8'h01;
      4'd2: arp = 8'h06;
      4'd3: arp = 8'h04;
      default: arp = 8'h00;
    endcase

  always @(posedge clk_i) begin
    if (state_q == SIdle) begin
      {own_q, all_q, arp_q, ip_q, whole_q, mine_q, any_q, ping_q, udp_q, port_q, sized_q} <= {11{1'b1}};
      {sum_q, past_q} <= 2'b00;
    end
    if (state_q == SWalk && over) past_q <= 1'b1;
    if (walk) begin
      high_q <= data;
      if (head) begin
        if (h < 6'd6 && data != mac(h[2:0])) own_q <= 1'b0;
        if (h < 6'd6 && data != 8'hff) all_q <= 1'b0;
        if (h >= 6'd12 && h <= 6'd21 && data != arp) arp_q <= 1'b0;
        if (h >= 6'd38 && h <= 6'd41 && data != ip(h[1:0])) arp_q <= 1'b0;
        if (h >= 6'd30 && h <= 6'd33 && data != ip(h[1:0])) mine_q <= 1'b0;
        if (h >= 6'd30 && h <= 6'd33 && data != ip(h[1:0]) && data != 8'hff) any_q <= 1'b0;
        case (h)
          6'd12: if (data != 8'h08) ip_q <= 1'b0;
          6'd13: if (data != 8'h00) ip_q <= 1'b0;
          6'd14: if (data != 8'h45) whole_q <= 1'b0;
          6'd16: if (data[7:3] != 5'd0) whole_q <= 1'b0;
          6'd17: begin
            if (word[10:5] == 6'd0 && word[4:0] < Udp[4:0]) whole_q <= 1'b0;
            end_q <= word[10:0] + 11'd14;
          end
          6'd20: if ((data & 8'hbf) != 8'h00) whole_q <= 1'b0;  // "do not fragment" may be set
          6'd21: if (data != 8'h00) whole_q <= 1'b0;
          6'd23: begin
            if (data != 8'h01) ping_q <= 1'b0;
            if (data != 8'h11) udp_q <= 1'b0;
          end
          6'd34: if (data != 8'h08) ping_q <= 1'b0;
          6'd35: if (data != 8'h00) ping_q <= 1'b0;
          6'd36: if (data != Port[15:8]) port_q <= 1'b0;
          6'd37: begin
            if (data != Port[7:0]) port_q <= 1'b0;
            reply_q <= {1'b0, word} + 17'h00800;  // of the first word, 16'h0800 becomes zero
          end
          6'd39: if (word != {5'd0, end_q - 11'd34}) sized_q <= 1'b0;
          6'd41: sum_q <= word != 16'd0;
          default: ;
        endcase
      end
    end
  end

  // IP's sum is of its header. UDP's is of addresses, protocol, UDP's length, and UDP: the first half of that is the
  // total length less 3. ICMP's is of ICMP.
  wire        fold = state_q == SFold;
  wire        less = head && (h == 6'd18 || h == 6'd19);
  wire [15:0] ip_sum, sum;
  nmc_sum u_ip_sum (
      .clk_i  (clk_i),
      .clear_i(state_q == SIdle),
      .valid_i(fold || (walk && head && h >= 6'd14 && h <= 6'd33)),
      .data_i (fold ? 8'd0 : data),
      .sum_o  (ip_sum)
  );
  nmc_sum u_sum (
      .clk_i  (clk_i),
      .clear_i(state_q == SIdle || (walk && head && h == 6'd33 && ping_q)),
      .valid_i(fold || (walk && !over && (!head || (h >= 6'd16 && h <= 6'd19) || h >= 6'd26))),
      .data_i (fold ? 8'd0 : !less ? data : h[0] ? 8'hfc : 8'hff),
      .sum_o  (sum)
  );
  wire ip_right = &ip_sum;
  wire right = &sum;

  // The verdict.
  wire to_us = own_q || all_q;
  wire for_us = to_us && ip_q && (mine_q || (any_q && all_q && udp_q)) && (udp_q ? port_q : ping_q && own_q);
  wire sound = whole_q && ip_right && past_q;
  wire asked = to_us && arp_q;
  wire pinged = for_us && sound && !udp_q && right;
  wire datagram = for_us && sound && udp_q && sized_q && (right || !sum_q);
  wire judge = state_q == SJudge;
  // What cannot be read may have been meant for anyone.
  assign refused_o = judge && to_us && ip_q && (!sound || (for_us && !pinged && !datagram));
  assign foreign_o = judge && !asked && !(to_us && ip_q && (!sound || for_us));

  // ---------------------------------------------------------------------------------------------------------------
  // What becomes of it.
  wire peer = state_q == SPeer;
  wire give = state_q == SGive;
  wire answer = state_q == SAnswer;
  wire [10:0] stop = arp_q ? Header : end_q;
  wire stopped = i_q == stop;
  wire step = peer ? peer_ready_i : give ? ready_i : answer && answer_ready_i;

  assign peer_valid_o = peer;
  assign peer_addr_o  = h[4] ? {2'b11, h[1:0]} : h[3:0];
  assign peer_data_o  = data;

  assign valid_o = give;
  assign data_o  = stopped ? 8'd0 : data;

  // Hardware addresses, and in an IP header or in an ARP packet the pairs of addresses.
  reg [10:0] move;
  wire [15:0] reply = reply_q[15:0] + {15'd0, reply_q[16]};
  reg [7:0]  byte_out;
  always @(*) begin
    move = 11'd0;
    byte_out = data;
    if (head && !stopped) begin
      if (h < 6'd6) move = 11'd6;
      else if (h < 6'd12) move = -11'd6;
      else if (arp_q) begin
        if (h >= 6'd32) move = -11'd10;
        else if (h >= 6'd22) move = 11'd10;
      end else begin
        if (h >= 6'd26 && h < 6'd30) move = 11'd4;
        else if (h >= 6'd30 && h < 6'd34) move = -11'd4;
      end
      if (h < 6'd6 || (arp_q && h >= 6'd32 && h < 6'd38)) byte_out = mac(h[2:0]);
      if (arp_q && h == 6'd21) byte_out = 8'h02;
      if (!arp_q) begin
        if (h == 6'd34) byte_out = 8'h00;
        if (h == 6'd36) byte_out = reply[15:8];
        if (h == 6'd37) byte_out = reply[7:0];
      end
    end
  end
  assign answer_valid_o = answer;
  assign answer_addr_o  = i_q + move;
  assign answer_data_o  = {stopped, byte_out};

  wire drop = judge && !(asked || pinged || datagram);
  wire done = step && stopped && (give || answer);
  assign release_o = drop || done;
  assign busy_o = state_q != SIdle || packet_i;

  always @(*) begin
    i_d = i_q;
    case (state_q)
      SWalk: i_d = i_q + 11'd1;
      SJudge: i_d = datagram ? 11'd6 : 11'd0;
      SPeer: if (step) i_d = h == 6'd11 ? 11'd26 : h == 6'd29 ? 11'd34 : h == 6'd35 ? Header : i_q + 11'd1;
      SGive, SAnswer: if (step) i_d = i_q + 11'd1;
      SIdle: i_d = 11'd0;
      default: ;
    endcase
  end

  initial begin
    state_q = SIdle;
    base_q  = {(A + 1) {1'b0}};
    next_q  = {(A + 1) {1'b0}};
    i_q     = 11'd0;
    fold_q  = 1'b0;
  end
  always @(posedge clk_i)
    if (rst_i) begin
      state_q <= SIdle;
      base_q  <= {(A + 1) {1'b0}};
      i_q     <= 11'd0;
    end else begin
      i_q <= i_d;
      case (state_q)
        SIdle: if (packet_i) state_q <= SWalk;
        SWalk:
        if (mark) begin
          state_q <= SFold;
          next_q  <= addr;
          fold_q  <= 1'b0;
        end
        SFold: begin
          fold_q <= 1'b1;
          if (fold_q) state_q <= SJudge;
        end
        SJudge: state_q <= datagram ? SPeer : asked || pinged ? SAnswer : SIdle;
        SPeer: if (step && h == 6'd35) state_q <= SGive;
        default: if (done) state_q <= SIdle;
      endcase
      if (release_o) base_q <= next_q;
    end

`ifdef FORMAL
  // formal: depth=2 cover=21 unroll=1 abstract=1 params="End=120"
  reg past_ok;
  initial past_ok = 1'b0;
  always @(posedge clk_i) past_ok <= 1'b1;

  // The ring: what stands at an address stays.
  always @(posedge clk_i) if (past_ok && !$past(state_q == SIdle) && $past(i_d) == i_q && $stable(i_q)) assume ($stable(data_i));

  // A packet has a header of Ethernet: nmc_eth_rx drops what is much longer than that still.
  always @(*) if (state_q == SWalk && i_q < 14) assume (!data_i[8]);

  // How far it is to the end. It falls with every cycle but those in which the other side is not ready: the machine always comes
  // back to rest, whatever the packet holds.
  reg [13:0] left;
  always @(*)
    case (state_q)
      SIdle: left = 14'd0;
      SGive, SAnswer: left = 14'd1 + {3'd0, stop - i_q};
      SPeer: left = 14'd3000 - {3'd0, i_q};
      SJudge: left = 14'd3000;
      SFold: left = 14'd3002 - {13'd0, fold_q};
      default: left = 14'd6000 - {3'd0, i_q};
    endcase
  wire waits = (peer || give || answer) && !step;
  always @(posedge clk_i)
    if (past_ok && !$past(rst_i)) begin
      if ($past(state_q != SIdle && !waits)) assert (left < $past(left));
      if ($past(waits)) assert ($stable(state_q) && $stable(i_q));
      if ($past(valid_o && !ready_i)) assert (valid_o && $stable(data_o));
      if ($past(answer_valid_o && !answer_ready_i)) assert (answer_valid_o && $stable(answer_addr_o) && $stable(answer_data_o));
      // A packet is released once, at its end.
      assert ($past(release_o) == (state_q == SIdle && $past(state_q) != SIdle));
      if ($past(state_q) == SIdle && state_q != SIdle) assert ($past(packet_i));
    end
  always @(*) begin
    assert (state_q <= SAnswer);
    if (state_q == SWalk) assert (i_q <= End);
    if (past_q && (state_q == SWalk || state_q == SFold || judge)) assert (end_q >= 11'd34 && end_q <= End);
    if (state_q == SWalk && past_q) assert (i_q > 11'd34 && end_q < i_q);
    if (whole_q && state_q == SWalk && i_q > 11'd17) assert (end_q >= Header || end_q < 11'd14);
    if (whole_q && past_q && (state_q == SFold || judge)) assert (end_q >= Header);
    if (state_q != SIdle && (state_q != SWalk || i_q > 11'd13)) assert (!(arp_q && ip_q));
    // Nothing of a packet gets anywhere that has not been found good.
    if (peer || give) assert (datagram && !arp_q && end_q >= Header && end_q <= End);
    if (answer) assert (asked || (pinged && end_q >= Header && end_q <= End));
    if (peer) assert ((i_q >= 11'd6 && i_q <= 11'd11) || (i_q >= 11'd26 && i_q <= 11'd29) || i_q == 11'd34 || i_q == 11'd35);
    if (give) assert (i_q >= Header && i_q <= stop);
    if (answer) assert (i_q <= stop && answer_addr_o <= stop);
    assert ({1'b0, refused_o} + {1'b0, foreign_o} + {1'b0, judge && !drop} == {1'b0, judge});
  end
  always @(posedge clk_i) begin
    cover (past_ok && $past(state_q) == SJudge && answer && arp_q);
    cover (past_ok && $past(refused_o) && state_q == SIdle);
    cover (past_ok && $past(foreign_o) && state_q == SIdle);
  end
`endif
endmodule

`default_nettype wire
