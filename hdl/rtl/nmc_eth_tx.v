// nmc_eth_tx: packets from a ring as Ethernet frames: preamble, start delimiter, at least Least bytes, check
// sequence, gap.
//
// The byte on data_o is taken with take_i, and so is a byte's time of the gap, when valid_o is low. Behind a packet's last
// byte in the ring is an end mark. Everything is a register away from everything, for 125 MHz.
`default_nettype none

module nmc_eth_tx #(
    parameter       AddrBits = 11,  // of the ring
    parameter [5:0] Least    = 6'd60  // bytes of a frame without its check sequence
) (
    input  wire                clk_i,      // the PHY's
    input  wire                rst_i,      // synchronous, active high
    // from the ring
    input  wire                packet_i,
    output wire [AddrBits-1:0] addr_o,
    input  wire [8:0]          data_i,
    output wire                release_o,
    output wire [AddrBits:0]   next_o,
    // bytes
    input  wire                take_i,
    output reg                 valid_o,
    output reg  [7:0]          data_o
);
  localparam A = AddrBits;
  localparam [2:0] SGap = 3'd0, SPreamble = 3'd1, SData = 3'd2, SPad = 3'd3, SFcs = 3'd4;
  localparam [5:0] Preamble = 6'd7, Fcs = 6'd4, Gap = 6'd12;

  reg  [2:0]  state_q;
  reg  [5:0]  count_q;  // bytes of this state so far, the one on data_o included; in SPad those of SData, too
  reg         most_q;  // count_q is Least; a register, as are the next ones, since finding out takes too long
  reg         run_q;  // in SData, or at the end of SPreamble: bytes are read
  reg         last_q;  // in SData, next_q is the end mark: data_o is the packet's last byte
  reg  [A:0]  ptr_q;  // its byte is on data_i
  reg  [A:0]  succ_q;  // the one behind it
  reg  [7:0]  next_q;  // the byte before that: reading takes long
  reg  [31:0] crc_q;  // of what came before data_o
  wire [31:0] crc;
  wire        load = take_i && run_q && !last_q;
  wire [A:0]  ptr_d = load ? succ_q : ptr_q;

  assign addr_o    = ptr_d[A-1:0];
  assign release_o = take_i && last_q;
  assign next_o    = ptr_q;

  nmc_eth_fcs u_fcs (
      .crc_i (crc_q),
      .data_i(data_o),
      .crc_o (crc)
  );

  initial begin
    state_q = SGap;
    count_q = 6'd0;
    most_q  = 1'b0;
    run_q   = 1'b0;
    last_q  = 1'b0;
    ptr_q   = {(A + 1) {1'b0}};
    succ_q  = {{A{1'b0}}, 1'b1};
    valid_o = 1'b0;
  end
  always @(posedge clk_i)
    if (rst_i) begin
      state_q <= SGap;
      count_q <= 6'd0;
      most_q  <= 1'b0;
      run_q   <= 1'b0;
      last_q  <= 1'b0;
      ptr_q   <= {(A + 1) {1'b0}};
      succ_q  <= {{A{1'b0}}, 1'b1};
      valid_o <= 1'b0;
    end else begin
      ptr_q <= ptr_d;
      if (load) succ_q <= succ_q + {{A{1'b0}}, 1'b1};
      if (take_i) begin
        if (!most_q) count_q <= count_q + 6'd1;
        if (count_q == Least - 6'd1) most_q <= 1'b1;
        // A packet's first byte is no mark, and behind a mark nothing is read.
        if (last_q || state_q == SPreamble && count_q == Preamble) last_q <= 1'b0;
        else if (load) last_q <= data_i[8];
        case (state_q)
          SPreamble: begin
            if (count_q == Preamble - 6'd1) run_q <= 1'b1;
            if (count_q == Preamble + 6'd1) begin
              state_q <= SData;
              count_q <= 6'd1;
            end
          end
          SData, SPad: begin
            if (last_q) begin
              state_q <= SPad;
              run_q   <= 1'b0;
            end
            if ((last_q || state_q == SPad) && most_q) begin
              state_q <= SFcs;
              count_q <= 6'd1;
              most_q  <= 1'b0;
            end
          end
          SFcs:
          if (count_q == Fcs) begin
            state_q <= SGap;
            count_q <= 6'd1;
            valid_o <= 1'b0;
          end
          default:
          if (count_q >= Gap && packet_i) begin
            state_q <= SPreamble;
            count_q <= 6'd1;
            most_q  <= 1'b0;
            valid_o <= 1'b1;
          end
        endcase
      end
    end
  always @(posedge clk_i)
    if (take_i) begin
      if (load) next_q <= data_i[7:0];
      crc_q <= crc;
      case (state_q)
        SPreamble: begin
          data_o <= count_q < Preamble ? 8'h55 : count_q == Preamble ? 8'hd5 : next_q;
          crc_q  <= 32'hffffffff;
        end
        SData, SPad: begin
          data_o <= last_q || state_q == SPad ? 8'd0 : next_q;
          if ((last_q || state_q == SPad) && most_q) begin
            data_o <= ~crc[7:0];
            crc_q  <= {8'd0, crc[31:8]};
          end
        end
        SFcs: begin
          data_o <= ~crc_q[7:0];
          crc_q  <= {8'd0, crc_q[31:8]};
        end
        default: data_o <= 8'h55;
      endcase
    end

`ifdef FORMAL
  // formal: depth=4 cover=48 abstract=1 params="AddrBits=5 Least=14"
  reg past_ok;
  initial past_ok = 1'b0;
  always @(posedge clk_i) past_ok <= 1'b1;

  // Where the packet starts.
  reg  [A:0] from;
  initial from = {(A + 1) {1'b0}};
  wire [A:0] size = ptr_q - from;
  always @(posedge clk_i) begin
    if (rst_i) from <= {(A + 1) {1'b0}};
    else if (release_o) from <= next_o;
  end
  always @(*) begin
    assert (state_q <= SFcs);
    assert (valid_o == (state_q != SGap));
    assert (count_q <= Least);
    assert (most_q == (count_q == Least) && succ_q == ptr_q + 1'b1);
    assert (run_q == (state_q == SData || state_q == SPreamble && count_q >= Preamble));
    if (last_q) assert (state_q == SData);
    if (state_q == SFcs) assert (count_q >= 1 && count_q <= Fcs);
    if (state_q == SPreamble) assert (count_q >= 1 && count_q <= Preamble + 1);
    if (state_q == SData || state_q == SPad) assert (count_q >= 1);
    // Bytes are read one after the other, and the mark is not passed: with it, next_o is where the next packet starts.
    if (state_q == SPreamble) assert (size == (count_q == Preamble + 1 ? 1 : 0));
    if (state_q == SData && count_q != Least) assert (size == {{(A - 4) {1'b0}}, count_q[4:0]} + 1);
    if (state_q == SGap || state_q == SPad || state_q == SFcs) assert (size == 0);
  end
  always @(posedge clk_i)
    if (past_ok && !$past(rst_i)) begin
      // Nothing moves unless it is taken; a frame has no holes.
      if ($past(!take_i)) assert ($stable(valid_o) && $stable(data_o) && $stable(ptr_q));
      if ($past(valid_o) && !valid_o) assert ($past(take_i && state_q == SFcs && count_q == Fcs));
      // A frame of Least bytes at least, and a gap of 12 at least.
      if (state_q == SFcs && $past(state_q) != SFcs) assert ($past(count_q) == Least);
      if (state_q == SPreamble && $past(state_q) == SGap) assert ($past(count_q) >= Gap);
      if ($past(release_o)) assert (state_q == SPad || state_q == SFcs);
    end
  always @(posedge clk_i) begin
    cover (past_ok && $past(valid_o) && !valid_o);
    cover (release_o && count_q == Least);
  end
`endif
endmodule

`default_nettype wire
