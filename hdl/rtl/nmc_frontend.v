// nmc_frontend: the protocol of docs/protocol.md between a byte stream and the engine. Equal to package host/proto.
//
// A frame is stored whole and checked before anything of it is obeyed. A byte-serial machine then walks it: one adder,
// one RAM for session, control space, reply and reply cache. A step that moves on in frame or RAM takes two cycles, for
// the RAMs to read, one through the CRC five, and to enter a state takes two. What is compared, or pushed into a reply, stands one
// more: whether it is zero comes out of a register. Swift, the bytes read pass a register, and all that waits for them waits
// a cycle longer.
// A request that must wait for the engine stays in the frame buffer and is walked again after the reply of the run. A
// sample's elements reach the engine one byte in two cycles (Swift: three). While a reply is sent nothing is served, but a frame comes in.
//
// Counters here choose between a sum and a value to load. Where the choice is also the sum's second operand, an iCE40
// does both in one cell.
`default_nettype none

module nmc_frontend #(
    parameter        Lanes      = 4,      // reported by hello
    parameter        FrameBytes = 1024,   // largest decoded frame
    parameter        AddrBytes  = 4,      // bytes of a halfword address, 2..4
    parameter        Swift      = 0,      // registers for a fast clock
    parameter        Keyed      = 0,      // frames but hello need a tag
    parameter [127:0] Key       = 128'd0, // ... made with it, first byte lowest
    parameter [63:0] HwId       = 64'd0,
    parameter [31:0] Boot       = 32'd0   // 0: as long as it took to the first hello, on top of what it was
) (
    input  wire        clk_i,
    input  wire        rst_i,         // synchronous, active high
    // bytes from the host
    input  wire        rx_valid_i,
    output wire        rx_ready_o,
    input  wire [7:0]  rx_data_i,
    // bytes to the host
    output wire        tx_valid_o,
    input  wire        tx_ready_i,
    output wire [7:0]  tx_data_o,
    // engine memory, halfwords; data read come with ready or later
    output wire        mem_valid_o,
    input  wire        mem_ready_i,
    output wire        mem_write_o,
    output wire [2:0]  mem_space_o,
    output wire [31:0] mem_addr_o,
    output wire [15:0] mem_wdata_o,
    input  wire        mem_rvalid_i,
    input  wire [15:0] mem_rdata_i,
    // engine runs
    output wire        run_valid_o,
    input  wire        run_ready_i,
    output wire [2:0]  run_entry_o,
    output wire [15:0] run_label_o,
    output wire [31:0] run_limit_o,
    output wire [31:0] run_input_o,
    output wire        skip_o,
    input  wire        done_i,        // pulse
    // results of the last run, steady until the next
    input  wire        stopped_i,
    input  wire [63:0] digest_i,
    input  wire [7:0]  counters_i,       // cycles, overflow, retired, then cycles again: bytes, the next with
    output wire        counters_next_o,
    // what the link counts, one valid and ready for each of its counters
    input  wire [3:0]  count_valid_i,
    output wire [3:0]  count_ready_o,
    // anything left to do
    output wire        busy_o
);
  localparam Fp = $clog2(FrameBytes + 1);  // bits of a position in a frame

  // The byte RAM: a reply, 256 bytes, and these. Control space first: halfword a at bytes 2a, 2a+1.
  localparam [7:0] SkipAt = 8'd8, BaseAt = 8'd12, StrideAt = 8'd16, DigestAt = 8'd24, BadAt = 8'd32;
  // ... then cycles at 36, overflows at 40, retired at 44, the link's four from 48 on
  localparam [7:0] BootAt = 8'd64, SessionAt = 8'd68, LastAt = 8'd72, PartsAt = 8'd80;
  localparam [7:0] HeadAt = 8'd84;  // head of the running commit's reply
  localparam [7:0] BufferAt = 8'd88;  // first element of the sample's buffer
  localparam [1:0] CacheAt = 2'b10;  // 32 bytes for even commits, 32 for odd ones, the results at the end
  localparam [7:0] IdentityAt = 8'd245;  // version, lanes, hw_id; the image id follows at 0
  localparam [7:0] Version = Keyed != 0 ? 8'h81 : 8'h01;
  localparam [15:0] LaneCount = Lanes[15:0];
  localparam [127:0] Identity = {HwId, LaneCount, Version, 40'd0};

  localparam [2:0] OpHello = 3'd1, OpOpen = 3'd2, OpWrite = 3'd3, OpRead = 3'd4, OpSample = 3'd5, OpCommit = 3'd6;
  localparam [2:0] Ok = 3'd0, BadSession = 3'd1, BadOrder = 3'd2, Missing = 3'd3, Bad = 3'd4;
  localparam [2:0] Vectors = 3'd1, Registers = 3'd4, Control = 3'd5;
  localparam [4:0] AddrLast = AddrBytes[4:0] - 5'd1;

  // ---------------------------------------------------------------------------------------------------------------
  // Frames in.
  wire          frame_valid;  // a frame is waiting or being served
  wire          frame_checked;  // its tag is being checked
  wire          frame_bad;  // ... and must be dropped
  wire [Fp-1:0] body_end;  // where its CRC starts
  wire [7:0]    frame, frame_read;  // the byte at fp_q
  reg  [Fp-1:0] fp_q;
  wire          ack;

  wire          booted;  // the boot number is known
  wire [31:0]   boot;

  wire rx_valid, rx_ready;
  wire [7:0] rx_data;
  generate
    if (Swift != 0) begin : gen_rx_slice
      nmc_skid #(
          .Width(8)
      ) u_slice (
          .clk_i(clk_i), .rst_i(rst_i), .valid_i(rx_valid_i), .ready_o(rx_ready_o), .data_i(rx_data_i),
          .valid_o(rx_valid), .ready_i(rx_ready), .data_o(rx_data)
      );
    end else begin : gen_rx_wire
      assign {rx_valid, rx_ready_o, rx_data} = {rx_valid_i, rx_ready, rx_data_i};
    end
  endgenerate
  nmc_frame_rx #(
      .FrameBytes(FrameBytes),
      .Keyed     (Keyed),
      .Key       (Key)
  ) u_rx (
      .clk_i  (clk_i),
      .rst_i  (rst_i),
      .booted_i(booted),
      .boot_i (boot),
      .valid_i(rx_valid),
      .ready_o(rx_ready),
      .data_i (rx_data),
      .busy_o (frame_checked),
      .valid_o(frame_valid),
      .ready_i(ack),
      .bad_o  (frame_bad),
      .body_o (body_end),
      .addr_i (fp_q[$clog2(FrameBytes)-1:0]),
      .data_o (frame_read)
  );
  nmc_stage #(
      .Width(8), .Swift(Swift)
  ) u_frame (
      .clk_i(clk_i), .rst_i(1'b0), .use_i(1'b1), .d_i(frame_read), .q_o(frame)
  );

  // ---------------------------------------------------------------------------------------------------------------
  // The byte machine: y = a + b + carry.
  localparam BNotRam = 0, BAddr = 1, BDevice = 2, BWord = 3, BCrc = 4, BPart = 5, BTiny = 6;

  // States. Most take a number of steps and go on to the one that follows them here.
  localparam [5:0] SInit = 6'd0, SIdle = 6'd1, SBad = 6'd2;
  // until the first hello, time into the boot number; header: CRC, then session and number
  localparam [5:0] SBoot = 6'd3, SVerify = 6'd4, SSeal = 6'd5, SVerdict = 6'd6, SOp = 6'd7, SSession = 6'd8,
      SNumber = 6'd9, SServe = 6'd10, SWait = 6'd11;
  // open, read, write
  localparam [5:0] SOpen = 6'd12, SSpace = 6'd13, SAddr = 6'd14, SCount = 6'd15, SLow = 6'd16, SHigh = 6'd17;
  // sample
  localparam [5:0] SPart = 6'd18, SKind = 6'd19, SBase = 6'd20, SStride = 6'd21, SKeep = 6'd22, SOffset = 6'd23,
      SEvent = 6'd24, SRecall = 6'd25, SPlace = 6'd26, SSpike = 6'd27, SNote = 6'd28;
  // commit
  localparam [5:0] SEntry = 6'd29, SParts = 6'd30, SLabel = 6'd31, SLimit = 6'd32, SNeed = 6'd33, SCheck = 6'd34,
      SInput = 6'd35, SCopy = 6'd36, SClear = 6'd37, SRun = 6'd38;
  // replies
  localparam [5:0] SHead = 6'd39, SStatus = 6'd40, SIdentity = 6'd41, SSince = 6'd42, SEcho = 6'd43,
      SCached = 6'd44, SExpected = 6'd45, SArrived = 6'd46, SCrc = 6'd47, SClose = 6'd48, SSend = 6'd49,
      SAsk = 6'd50, SAnswer = 6'd51, SRdLow = 6'd52, SRdHigh = 6'd53;
  // the end of a run: its results are kept, in the control space and in the reply cache, then sent from there
  localparam [5:0] SDone = 6'd54, SPoint = 6'd55, STotal = 6'd56, SFlags = 6'd57, SResults = 6'd58;
  // one more for a counter of the link
  localparam [5:0] SLink = 6'd59;
  localparam [59:0] One = 1;

  reg [59:0] at_q, at_d;  // one bit a state
  reg [7:0] ram_q;  // address in the byte RAM; its byte is on `ram`
  reg       enter_q, enter_d;  // first cycle in a state: its addresses and its count are loaded, nothing else happens
  reg       hold_q;  // the addresses have just changed: the RAMs read
  reg       moved_q;  // ... in this cycle; Swift, in the next what they read goes into its register
  wire      moves;
  reg [6:0] cnt_q;  // steps left in this state
  reg [2:0] op_q;
  reg [2:0] status_q, status_d;
  reg       carry_q, carry_d;
  reg [8*AddrBytes-1:0] addr_q;  // engine address, or the input offset of a run
  reg [15:0] word_q;  // halfword on its way, or the label of a run
  reg [2:0]  entry_q;
  reg [2:0]  space_q;
  reg        bytes_q, events_q;  // kind of a sample, else halfwords
  reg [5:0]  part_q;  // part of a sample; parts still to be checked of a commit
  reg        skip_q;
  reg        booted_q;
  reg        running_q;  // a run is accepted and its reply not yet sent
  reg        done_q;  // ... and it has ended
  reg        report_q;  // the reply being built is that of the run

  // Comparison results: session, number less the last completed one.
  reg        same_q, newer_q;
  reg        parity_q;  // of the number
  reg        some_q;  // number is not 0
  reg        zeros_q, ones_q;  // all bits of the difference but the lowest two
  reg [1:0]  low_q;  // its lowest two bits
  reg        below_q;

  wire [7:0] ram, ram_read;
  wire [31:0] crc;
  wire       crc_ready, crc_wrong;
  wire       last = cnt_q == 7'd0;
  wire       at_end;
  nmc_stage #(
      .Width(1), .Swift(Swift)
  ) u_at_end (
      .clk_i(clk_i), .rst_i(1'b0), .use_i(1'b1), .d_i(fp_q == body_end), .q_o(at_end)
  );

  // Bytes of the engine's results. Where they are kept is laid out so that a few address bits choose, and that counters
  // follow each other as they come: in the control space digest at words 6 and 7, cycles at 1, overflow at 2, retired at
  // 3; in the reply cache cycles at 4, overflow at 5, digest at 6 and 7.
  function [7:0] pick(input [31:0] word, input [1:0] i);
    pick = i[1] ? (i[0] ? word[31:24] : word[23:16]) : (i[0] ? word[15:8] : word[7:0]);
  endfunction
  wire [2:0] word_at = ram_q[4:2];
  reg [7:0] digest;  // it does not change while a reply is made, and the address has not in the cycle before
  always @(posedge clk_i) digest <= word_at[0] ? pick(digest_i[63:32], ram_q[1:0]) : pick(digest_i[31:0], ram_q[1:0]);
  wire counts = !(word_at[2] && word_at[1]);
  wire [7:0] device = counts ? counters_i : digest;
  wire adds = ram_q[5] && !ram_q[2];  // the counters of bad frames, which stays as it is, and of all overflows

  // What each state does to its byte.
  reg       a_frame, a_ram;
  reg [6:0] b_sel;  // one of B...
  reg       carry;
  reg       mark;  // the top bit of y is set
  reg [2:0] tiny;  // for BTiny
  reg       push;  // y goes into the reply
  reg       store;  // y goes into the RAM
  reg       shift;  // y goes into addr from the top
  reg       mem;  // an element goes to or comes from the engine
  reg       check;  // y goes into the CRC
  reg       fstep, rstep;  // next frame byte, next RAM byte

  wire is_control = space_q == Control;
  wire writable;

  always @(*) begin
    a_frame = 1'b0;
    a_ram   = 1'b0;
    b_sel   = 7'd0;
    carry   = 1'b0;
    mark    = 1'b0;
    tiny    = 3'd0;
    push    = 1'b0;
    store   = 1'b0;
    shift   = 1'b0;
    mem     = 1'b0;
    check   = 1'b0;
    fstep   = 1'b0;
    rstep   = 1'b0;
    (* parallel_case *) case (1'b1)
      at_q[SInit]: begin
        carry   = ram_q == SkipAt;
        store   = ram_q[7:2] != BootAt[7:2];
        rstep   = 1'b1;
      end
      at_q[SBad], at_q[SLink]: begin
        a_ram = 1'b1;
        carry = carry_q;
        store = 1'b1;
        rstep = 1'b1;
      end
      at_q[SBoot]: begin
        a_ram = Boot == 32'd0;
        b_sel[BCrc] = 1'b1;
        check = 1'b1;
        carry = carry_q;
        store = 1'b1;
        rstep = 1'b1;
      end
      at_q[SVerify], at_q[SSeal], at_q[SLimit]: begin
        a_frame = 1'b1;
        check   = 1'b1;
        fstep   = 1'b1;
      end
      at_q[SSession], at_q[SNumber]: begin
        a_frame = 1'b1;
        b_sel[BNotRam] = 1'b1;
        carry   = carry_q;
        fstep   = 1'b1;
        rstep   = 1'b1;
      end
      at_q[SOpen]: begin  // session, then zeros over the last number and the parts
        a_frame = cnt_q[3:2] == 2'd3;
        store   = 1'b1;
        fstep   = 1'b1;
        rstep   = 1'b1;
      end
      at_q[SSpace], at_q[SPart], at_q[SKind], at_q[SEntry], at_q[SParts]: fstep = 1'b1;
      at_q[SLabel]: begin
        a_frame = 1'b1;
        fstep   = 1'b1;
      end
      at_q[SAddr]: begin
        a_frame = 1'b1;
        shift   = {1'b0, cnt_q[1:0]} + AddrBytes[2:0] > 3'd3;
        fstep   = 1'b1;
      end
      at_q[SLow]: begin
        a_frame = 1'b1;
        store   = writable && !at_end;
        fstep   = 1'b1;
        rstep   = 1'b1;
      end
      at_q[SHigh]: begin
        a_frame = !bytes_q;
        store   = writable;
        mem     = !is_control && !(bytes_q && at_end);
        fstep   = 1'b1;
        rstep   = 1'b1;
      end
      at_q[SBase], at_q[SRecall]: begin
        a_ram = 1'b1;
        shift = 1'b1;
        rstep = 1'b1;
      end
      at_q[SInput]: begin
        a_ram = parity_q;
        shift = 1'b1;
        rstep = 1'b1;
      end
      at_q[SStride]: begin
        a_ram = parity_q;
        b_sel[BAddr] = 1'b1;
        carry = carry_q;
        shift = 1'b1;
        rstep = 1'b1;
      end
      at_q[SKeep]: begin
        b_sel[BAddr] = 1'b1;
        store = 1'b1;
        shift = 1'b1;
        rstep = 1'b1;
      end
      at_q[SOffset], at_q[SPlace]: begin  // two bytes of the frame, then zeros
        a_frame = {1'b0, cnt_q[1:0]} + 3'd1 >= AddrLast[2:0];
        fstep   = {1'b0, cnt_q[1:0]} + 3'd1 >= AddrLast[2:0];
        b_sel[BAddr] = 1'b1;
        carry   = carry_q;
        shift   = 1'b1;
      end
      at_q[SEvent]: carry = 1'b1;  // the element's value
      at_q[SSpike]: mem = 1'b1;
      at_q[SNote]: begin
        a_ram = 1'b1;
        b_sel[BPart] = 1'b1;
        store   = 1'b1;
      end
      at_q[SCheck]: b_sel[BPart] = 1'b1;
      at_q[SCopy]: begin
        a_frame = 1'b1;
        store   = 1'b1;
        fstep   = 1'b1;
        rstep   = 1'b1;
      end
      at_q[SClear]: begin
        store = 1'b1;
        rstep = 1'b1;
      end
      at_q[SHead]: begin
        a_frame = !report_q;
        a_ram   = report_q;
        mark    = cnt_q[1];  // bit 7 of the first byte
        push    = 1'b1;
        fstep   = 1'b1;
        rstep   = 1'b1;
      end
      at_q[SStatus]: begin
        b_sel[BTiny] = 1'b1;
        tiny = status_q;
        push  = 1'b1;
      end
      at_q[SIdentity], at_q[SSince], at_q[SCached], at_q[SArrived]: begin
        a_ram = 1'b1;
        push  = 1'b1;
        rstep = 1'b1;
      end
      at_q[SExpected]: begin  // last + 1, + 1 if a run is accepted; of a run's end, last
        a_ram = 1'b1;
        b_sel[BTiny] = 1'b1;
        tiny = {2'd0, running_q && !report_q && cnt_q == 7'd5};
        carry = carry_q;
        push  = 1'b1;
        rstep = 1'b1;
      end
      at_q[SEcho]: begin
        a_frame = 1'b1;
        push    = 1'b1;
        fstep   = 1'b1;
      end
      at_q[SAsk]: mem = !is_control;
      at_q[SRdLow], at_q[SRdHigh]: begin
        a_ram = is_control;
        b_sel[BWord] = !is_control;
        push  = !report_q;
        store = report_q;
        rstep = 1'b1;
      end
      at_q[SCrc]: begin
        b_sel[BCrc] = 1'b1;
        push  = 1'b1;
      end
      at_q[SClose]: push = 1'b1;  // a zero, then the delimiter
      at_q[SSend]: rstep = 1'b1;
      at_q[SDone]: begin
        a_ram = 1'b1;
        carry = carry_q;
        store = 1'b1;
        rstep = 1'b1;
      end
      at_q[SPoint]: begin  // addr = halfword 4: register 2
        b_sel[BTiny] = 1'b1;
        tiny = {cnt_q[1:0] == AddrLast[1:0], 2'd0};
        shift = 1'b1;
      end
      at_q[STotal]: begin
        a_ram = adds;
        b_sel[BDevice] = !(adds && !ram_q[3]);
        carry = adds && carry_q;
        store = 1'b1;
        rstep = 1'b1;
      end
      at_q[SFlags]: begin
        carry = stopped_i;
        store = 1'b1;
        rstep = 1'b1;
      end
      at_q[SResults]: begin
        b_sel[BDevice] = 1'b1;
        store = 1'b1;
        rstep = 1'b1;
      end
      default: ;
    endcase
    if (hold_q) begin
      shift = 1'b0;
      mem   = 1'b0;
    end
  end

  wire [7:0] a = (a_frame ? frame : 8'd0) | (a_ram ? ram : 8'd0);
  wire [7:0] left = Boot == 32'd0 || !at_q[SBoot] ? crc[7:0] : pick(Boot, ram_q[1:0]);
  // What of the RAM's zeros is added: all for a difference, a part's to note or to miss it.
  wire [7:0] zeros = {8{b_sel[BNotRam]}} | ({8{b_sel[BPart]}} & (8'd1 << part_q[2:0]));
  wire [7:0] b =
      (~ram & zeros) | ({8{b_sel[BAddr]}} & addr_q[7:0]) | ({8{b_sel[BDevice]}} & device) |
      ({8{b_sel[BWord]}} & word_q[7:0]) | ({8{b_sel[BCrc]}} & left) | {5'd0, {3{b_sel[BTiny]}} & tiny};
  // The bit below is where the carry comes from: one chain.
  wire [9:0] sum = {1'b0, a, 1'b1} + {1'b0, b, carry};
  wire [7:0] y = {sum[8] || mark, sum[7:1]};

  // The writable bytes of the control space are those below 20.
  assign writable = is_control && ram_q[7:5] == 3'd0 && !(ram_q[4] && ram_q[3:2] != 2'd0);

  // The step is taken.
  reg leave;  // for `target`, below
  wire settle, checks;
  nmc_stage #(
      .Width(2), .Swift(Swift)
  ) u_waits (
      .clk_i(clk_i), .rst_i(rst_i), .use_i(1'b1),
      .d_i({push || at_q[SSession] || at_q[SNumber], check || at_q[SVerdict]}), .q_o({settle, checks})
  );
  wire go = mem ? mem_ready_i : at_q[SSend] ? tx_ready_i : settle ? crc_ready && settled_q : crc_ready || !checks;
  wire act = go && !hold_q;
  // Swift, a state that is entered waits a step's time, too: what it waits for comes out of registers. SAnswer does not: what it waits
  // for may be there at once, and for one cycle.
  assign moves = enter_d || enter_q || (act && (fstep || rstep || Swift != 0 && leave && !(at_q[SAsk] && !is_control)));
  // A byte of a reply, or one that is compared, stands a cycle longer: what it is comes out of registers.
  reg settled_q, few_q, even_q, many_q, odd_q;  // y is steady; its upper six and lower two bits are 0, are ones
  wire zero = few_q && even_q;
  always @(posedge clk_i) begin
    settled_q <= settle && crc_ready && !hold_q && !settled_q && !rst_i;
    few_q <= y[7:2] == 6'd0;
    many_q <= y[7:2] == 6'h3f;
    even_q <= y[1:0] == 2'd0;
    odd_q <= y[1:0] == 2'd3;
  end
  assign counters_next_o = act && counts && b_sel[BDevice];

  // ---------------------------------------------------------------------------------------------------------------
  // The link's counters take their turn: the first that has something to count is taken when its state begins.
  wire       counting = |count_valid_i;
  wire [1:0] counter = count_valid_i[0] ? 2'd0 : count_valid_i[1] ? 2'd1 : count_valid_i[2] ? 2'd2 : 2'd3;
  wire       counted = enter_q && at_q[SLink];
  assign count_ready_o = {4{counted}} & (4'd1 << counter);

  // What each state starts with. The count is of further steps.
  reg       ram_load, fp_load, carry_load;
  reg [7:0] ram_first;
  reg [4:0] fp_first;
  reg [4:0] cnt_first;
  always @(*) begin
    ram_load   = !(at_q[SNumber] || at_q[SLow] || at_q[SResults]);  // these go on where they are
    ram_first  = 8'd0;
    fp_load    = 1'b0;
    // Where nothing is loaded, a bit that no state sets: else that bit alone would be a register with a reset, which on an iCE40
    // stands in another tile and breaks the carry chain.
    fp_first   = 5'd8;
    cnt_first  = 5'd0;
    carry_load = 1'b0;
    (* parallel_case *) case (1'b1)
      at_q[SBad]: {ram_first, cnt_first, carry_load} = {BadAt, 5'd3, 1'b1};
      at_q[SLink]: {ram_first, cnt_first, carry_load} = {4'b0011, counter, 2'b00, 5'd3, 1'b1};
      at_q[SBoot]: {ram_first, cnt_first} = {BootAt, 5'd3};
      at_q[SVerify]: {fp_load, fp_first} = {1'b1, 5'd0};
      at_q[SSeal]: cnt_first = 5'd2;
      at_q[SOp]: {fp_load, fp_first} = {1'b1, 5'd0};
      at_q[SSession]: begin
        {fp_load, fp_first} = {1'b1, 5'd3};
        {ram_first, cnt_first, carry_load} = {SessionAt, 5'd3, 1'b1};
      end
      at_q[SNumber]: {cnt_first, carry_load} = {5'd5, 1'b1};
      at_q[SOpen]: begin
        {fp_load, fp_first} = {1'b1, 5'd3};
        {ram_first, cnt_first} = {SessionAt, 5'd15};
      end
      at_q[SAddr]: cnt_first = 5'd3;
      at_q[SCount]: ram_first = {2'b00, addr_q[4:0], 1'b0};
      at_q[SBase]: {ram_first, cnt_first} = {BaseAt, AddrLast};
      at_q[SStride], at_q[SInput]: {ram_first, cnt_first} = {StrideAt, AddrLast};
      at_q[SKeep], at_q[SRecall]: {ram_first, cnt_first} = {BufferAt, AddrLast};
      at_q[SOffset], at_q[SPlace], at_q[SPoint]: cnt_first = AddrLast;
      at_q[SNote], at_q[SCheck]: ram_first = {PartsAt[7:2], part_q[4:3]};
      at_q[SLabel]: cnt_first = 5'd1;
      at_q[SLimit]: cnt_first = 5'd3;
      at_q[SClear], at_q[SArrived]: {ram_first, cnt_first} = {PartsAt, 5'd3};
      at_q[SCopy], at_q[SHead]: begin
        {fp_load, fp_first} = {1'b1, 5'd0};
        {ram_first, cnt_first} = {HeadAt, 5'd2};
      end
      at_q[SStatus]: begin  // a read's count and control address
        {fp_load, fp_first} = {1'b1, 5'd18};
        ram_first = {2'b00, addr_q[4:0], 1'b0};
      end
      at_q[SIdentity]: {ram_first, cnt_first} = {IdentityAt, 5'd18};
      at_q[SSince]: {ram_first, cnt_first} = {BootAt, 5'd13};
      at_q[SEcho]: {fp_load, fp_first, cnt_first} = {1'b1, 5'd7, 5'd5};
      at_q[SCached]: {ram_first, cnt_first} = {CacheAt, parity_q, 5'd7, 5'd24};
      at_q[SExpected], at_q[SDone]: {ram_first, cnt_first, carry_load} =
          {LastAt, 5'd5, at_q[SDone] || !report_q};
      at_q[SClose]: cnt_first = 5'd1;
      at_q[STotal]: {ram_first, cnt_first} = {DigestAt, 5'd23};
      at_q[SFlags]: {ram_first, cnt_first} = {CacheAt, parity_q, 5'd7, 5'd5};
      at_q[SResults]: cnt_first = 5'd15;
      at_q[SCrc]: cnt_first = 5'd3;
      default: ;
    endcase
  end

  // What follows a state.
  wire d0 = zeros_q && low_q == 2'd0;
  wire d1 = zeros_q && low_q == 2'd1;
  wire next = zeros_q && low_q == (running_q ? 2'd2 : 2'd1);
  wire old = below_q || d0 || (running_q && d1);
  wire cached = some_q && (d0 || (below_q && ones_q && low_q == 2'd3));

  // Comparisons with constants are spelled out: they take a few gates, not a carry chain each.
  wire [4:0] tail = body_end[4:0];
  wire       far = body_end[Fp-1:5] != 0;  // the CRC not counted, 32 bytes or more
  wire length_ok =
      op_q == OpHello || op_q == OpOpen ? !far && tail == 5'd13 :
      op_q == OpWrite ? !tail[0] && (far || (tail[4] && tail[3:1] != 3'd0)) :  // 18 or more, even
      op_q == OpRead ? !far && tail == 5'd19 :
      op_q == OpSample ? far || (tail[4] && tail[3:0] != 4'd0) :  // 17 or more
      op_q == OpCommit ? !far && tail == 5'd21 : 1'b0;

  reg       quick;  // ... which needs no first cycle
  reg       accept;  // the frame is served
  reg [2:0] verdict;  // status of the reply, if it is not ok
  reg [59:0] target;
  always @(*) begin
    leave   = last;
    quick   = 1'b0;
    accept  = 1'b0;
    verdict = Ok;
    target  = 60'd0;
    (* parallel_case *) case (1'b1)
      at_q[SInit]: begin
        target = One << SIdle;
        leave  = &ram_q[6:0];  // what is below the cache
        quick  = 1'b1;
      end
      at_q[SIdle]: begin
        leave   = done_q || counting || frame_valid;
        target  = done_q ? (One << SDone) : counting ? (One << SLink) : frame_bad ? (One << SBad) : booted_q ? (One << SVerify) : (One << SBoot);
      end
      at_q[SBad]: begin
        target = One << SIdle;
        quick  = 1'b1;
        accept = last;
      end
      at_q[SVerify]: begin
        target = One << SSeal;
        leave  = at_end;
      end
      at_q[SVerdict]: begin
        target = One << SOp;
        if (crc_wrong) target = One << SBad;
      end
      at_q[SOp]: begin
        target = One << SSession;
        if (frame[7:3] != 5'd0) verdict = Bad;
      end

      at_q[SServe]: begin  // the frame byte is the body's first
          target = One << SHead;
          if (status_q == Bad || !length_ok) verdict = Bad;
          else
            case (op_q)
              OpHello: ;
              OpOpen:
              if (!same_q) begin
                if (!newer_q) verdict = BadSession;
                else target = running_q ? (One << SWait) : (One << SOpen);
              end
              OpRead: target = running_q ? (One << SWait) : (One << SSpace);
              default:
              if (!same_q) verdict = BadSession;
              else if (op_q != OpSample && next && running_q || op_q == OpWrite && running_q) target = One << SWait;
              else if (next)
                target = op_q == OpCommit ? (One << SEntry) : op_q == OpSample ? (One << SPart) : (One << SSpace);
              else if (op_q == OpCommit && running_q && d1) begin  // its reply comes
                accept = 1'b1;
                target = One << SIdle;
                quick  = 1'b1;
              end else if (op_q == OpCommit ? !cached : !old) verdict = BadOrder;
            endcase
      end
      at_q[SWait]: begin
        leave  = done_q || counting;  // what came while waiting is counted, and the frame walked again
        target = One << SIdle;
        quick  = 1'b1;
      end
      at_q[SOpen]: target = One << SHead;
      at_q[SLink]: begin
        target = One << SIdle;
        quick  = 1'b1;
      end

      at_q[SSpace]: begin
        target = One << SAddr;
        if (frame[7:3] != 5'd0 || frame[2:1] == 2'b11) begin  // above 5
          verdict = Bad;
          target  = One << SHead;
        end
      end
      at_q[SCount]: begin
        target = One << SLow;
        if (op_q == OpRead) begin
          if (frame == 8'd0 || frame[7] || (frame[6:3] == 4'hf && frame[2:0] != 3'd0)) verdict = Bad;  // 1 to 120
          target = One << SHead;
        end
      end
      at_q[SLow]: begin
        target = One << SHigh;
        leave  = 1'b1;
        quick  = !at_end;
        if (at_end) target = op_q == OpSample ? (One << SNote) : (One << SHead);
      end
      at_q[SHigh]: begin
        leave  = !bytes_q || at_end;
        quick  = !bytes_q;
        target = bytes_q ? (One << SNote) : (One << SLow);
      end

      at_q[SPart]: begin
        target = One << SKind;
        if (frame[7:5] != 3'd0) begin
          verdict = Bad;
          target  = One << SHead;
        end
      end
      at_q[SKind]: begin
        target = One << SBase;
        if (frame[7:2] != 6'd0 || frame[1:0] == 2'd3 || (frame[1:0] != 2'd0 && !tail[0])) begin
          verdict = Bad;
          target  = One << SHead;
        end
      end
      at_q[SOffset]: begin
        target = One << SEvent;
        if (!events_q) target = bytes_q ? (One << SHigh) : (One << SLow);
      end
      at_q[SEvent]: begin
        target = One << SRecall;
        leave  = 1'b1;
        if (at_end) target = One << SNote;
      end
      at_q[SPlace]: begin
        target = One << SSpike;
        quick  = 1'b1;
      end
      at_q[SSpike]: begin
        leave  = 1'b1;
        target = at_end ? (One << SNote) : (One << SRecall);
      end
      at_q[SNote]: target = One << SHead;

      at_q[SEntry]: begin
        target = One << SParts;
        if (frame[7:3] != 5'd0) begin
          verdict = Bad;
          target  = One << SHead;
        end
      end
      at_q[SParts]: begin
        target = One << SLabel;
        if (frame[7:6] != 2'd0 || (frame[5] && frame[4:0] != 5'd0)) begin  // above 32
          verdict = Bad;
          target  = One << SHead;
        end
      end
      at_q[SNeed]: begin
        leave  = 1'b1;
        target = part_q == 6'd0 ? (One << SInput) : (One << SCheck);
      end
      at_q[SCheck]: begin
        target = One << SNeed;
        quick  = 1'b1;
        if ((~ram & zeros) != 8'd0) begin  // which is y
          quick   = 1'b0;
          verdict = Missing;
          target  = One << SHead;
        end
      end
      at_q[SRun]: begin
        leave  = run_ready_i;
        accept = run_ready_i;
        target = One << SIdle;
        quick  = 1'b1;
      end

      at_q[SStatus]: begin
        target = One << SCrc;
        if (report_q) target = One << SExpected;
        else
          case (status_q)
            Ok: begin
              if (op_q == OpHello || op_q == OpOpen) target = One << SIdentity;
              if (op_q == OpCommit) target = One << SEcho;
              if (op_q == OpRead) target = One << SAsk;
              quick = op_q == OpRead;
            end
            BadOrder: target = One << SExpected;
            Missing: target = One << SArrived;
            default: ;
          endcase
      end
      at_q[SSince], at_q[SCached], at_q[SArrived]: target = One << SCrc;
      at_q[SExpected]: target = report_q ? (One << SCached) : (One << SCrc);
      at_q[SResults]: target = One << SHead;
      at_q[SAsk]: begin
        target = One << SAnswer;
        leave  = 1'b1;
        quick  = 1'b1;
        if (is_control || mem_rvalid_i) target = One << SRdLow;
      end
      at_q[SAnswer]: begin
        target = One << SRdLow;
        leave  = mem_rvalid_i;
        quick  = 1'b1;
      end
      at_q[SRdLow]: begin
        target = One << SRdHigh;
        leave  = 1'b1;
        quick  = 1'b1;
      end
      at_q[SRdHigh]: begin
        leave  = 1'b1;
        quick  = !last;
        target = quick ? (One << SAsk) : report_q ? (One << SResults) : (One << SCrc);
      end
      at_q[SCrc]: begin
        target = One << SClose;
        accept = last && !report_q;
      end
      at_q[SSend]: begin
        leave  = ram == 8'd0;
        target = One << SIdle;
        quick  = 1'b1;
      end
      at_q[SFlags]: begin
        leave  = 1'b1;
        quick  = 1'b1;
        target = One << SAsk;
      end
      at_q[SBoot]: target = One << SVerify;
      at_q[SSeal]: target = One << SVerdict;
      at_q[SSession]: target = One << SNumber;
      at_q[SNumber]: target = One << SServe;
      at_q[SAddr]: target = One << SCount;
      at_q[SBase]: target = One << SStride;
      at_q[SStride]: target = One << SKeep;
      at_q[SKeep]: target = One << SOffset;
      at_q[SRecall]: target = One << SPlace;
      at_q[SLabel]: target = One << SLimit;
      at_q[SLimit]: target = One << SNeed;
      at_q[SInput]: target = One << SCopy;
      at_q[SCopy]: target = One << SClear;
      at_q[SClear]: target = One << SRun;
      at_q[SHead]: target = One << SStatus;
      at_q[SIdentity]: target = One << SSince;
      at_q[SEcho]: target = One << SCached;
      at_q[SClose]: target = One << SSend;
      at_q[SDone]: target = One << SPoint;
      at_q[SPoint]: target = One << STotal;
      at_q[STotal]: target = One << SFlags;
      default: ;
    endcase
  end

  // What moves on with a step. A load wins; see the head about the operands of these sums.
  wire move = enter_q && fp_load;
  wire [Fp:0] fp_sum = {fp_q, 1'b1} + {{Fp{move}}, act && fstep};
  wire [Fp-1:0] fp_d = move ? {{(Fp - 5) {1'b0}}, fp_first} : fp_sum[Fp:1];
  wire turn = enter_q && ram_load;
  wire [8:0] ram_sum = {ram_q, 1'b1} + {{8{turn}}, act && rstep};
  wire [7:0] ram_d = turn ? ram_first : ram_sum[8:1];
  // Reading, the count is of halfwords, from the frame or 4.
  wire count = !(enter_q || at_q[SStatus]);
  wire [6:0] cnt_less = cnt_q + {7{count}};
  wire [6:0] cnt_d = count ? cnt_less : enter_q ? {2'd0, cnt_first} : frame[6:0];
  wire [5:0] part_less = part_q + {6{at_q[SNeed]}};
  wire [8*AddrBytes-1:0] addr_more = addr_q - {8 * AddrBytes{!shift}};
  nmc_stage #(
      .Width(1), .Swift(Swift)
  ) u_ack (
      .clk_i(clk_i), .rst_i(rst_i), .use_i(1'b1), .d_i(act && accept), .q_o(ack)
  );

  always @(*) begin
    at_d     = at_q;
    enter_d  = 1'b0;
    status_d = status_q;
    carry_d  = carry_q;
    if (enter_q) carry_d = carry_load;
    else if (act) begin
      carry_d  = sum[9];
      if (at_q[SIdle] || verdict != Ok) status_d = verdict;
      if (leave) begin
        at_d    = target;
        enter_d = !quick;
      end
    end
  end

  initial begin
    at_q      = One << SInit;
    enter_q   = 1'b0;
    hold_q    = 1'b0;
    moved_q   = 1'b0;
    ram_q     = 8'd0;
    carry_q   = 1'b0;
    skip_q    = 1'b1;
    booted_q  = 1'b0;
    running_q = 1'b0;
    done_q    = 1'b0;
    report_q  = 1'b0;
  end
  always @(posedge clk_i)
    if (rst_i) begin
      at_q      <= One << SInit;
      enter_q   <= 1'b0;
      hold_q    <= 1'b0;
      moved_q   <= 1'b0;
      ram_q     <= 8'd0;
      carry_q   <= 1'b0;
      skip_q    <= 1'b1;
      booted_q  <= 1'b0;
      running_q <= 1'b0;
      done_q    <= 1'b0;
      report_q  <= 1'b0;
    end else begin
      at_q    <= at_d;
      enter_q <= enter_d;
      hold_q  <= moves || (Swift != 0 && moved_q);
      moved_q <= moves;
      ram_q   <= ram_d;
      carry_q <= carry_d;
      if (done_i) done_q <= 1'b1;
      if (at_q[SIdle]) report_q <= done_q;
      if (run_valid_o && run_ready_i) running_q <= 1'b1;
      if (at_q[SCrc] && act && last && report_q) begin
        running_q <= 1'b0;
        done_q    <= 1'b0;
      end
      if (at_q[SIdentity]) booted_q <= 1'b1;
      // Swift, whether the frame ends here is known when the step is taken.
      if ((Swift == 0 || act) && at_q[SLow] && store && ram_q == SkipAt) skip_q <= frame[0];
    end

  always @(posedge clk_i) begin
    fp_q     <= fp_d;
    if (enter_q || act && !at_q[SAnswer] && !at_q[SRdLow] && !at_q[SRdHigh]) cnt_q <= cnt_d;
    status_q <= status_d;
    if (act)
      (* parallel_case *) case (1'b1)
        at_q[SOp]: begin
          op_q   <= frame[2:0];
          same_q <= 1'b1;
        end
        at_q[SSession]: begin
          if (!zero) same_q <= 1'b0;
          newer_q <= sum[9];
          some_q  <= 1'b0;
          zeros_q <= 1'b1;
          ones_q  <= 1'b1;
        end
        at_q[SNumber]: begin
          if (frame != 8'd0) some_q <= 1'b1;
          below_q <= !sum[9];
          if (cnt_q == 7'd5) begin
            parity_q <= frame[0];
            low_q    <= y[1:0];
          end
          if (!few_q || (!even_q && cnt_q != 7'd5)) zeros_q <= 1'b0;
          if (!many_q || (!odd_q && cnt_q != 7'd5)) ones_q <= 1'b0;
        end
        at_q[SSpace]: begin
          space_q <= frame[2:0];
          bytes_q <= 1'b0;
        end
        at_q[SPart]: begin
          space_q <= Vectors;
        end
        at_q[SKind]: {bytes_q, events_q} <= {frame[1:0] == 2'd0, frame[1:0] == 2'd2};
        at_q[SEntry]: begin
          entry_q <= frame[2:0];
        end
        at_q[SDone]: if (cnt_q == 7'd5) parity_q <= y[0];
        at_q[SPoint]: space_q <= Registers;
        default: ;
      endcase
    if (act && (at_q[SPart] || at_q[SParts] || at_q[SNeed])) part_q <= at_q[SNeed] ? part_less : frame[5:0];
    if (shift || act && (at_q[SHigh] || at_q[SRdHigh])) addr_q <= shift ? {y, addr_q[8*AddrBytes-1:8]} : addr_more;
    if (act)
      (* parallel_case *) case (1'b1)
        at_q[SLow], at_q[SLabel], at_q[SEvent], at_q[SRdLow]: word_q <= {y, word_q[15:8]};
        at_q[SAsk], at_q[SAnswer]: word_q <= mem_rdata_i;
        default: ;
      endcase
  end

  // The boot number, as it is made.
  assign booted = booted_q;
  generate
    if (Keyed != 0) begin : gen_boot
      reg [31:0] boot_q;
      always @(posedge clk_i) if (act && at_q[SBoot]) boot_q <= {y, boot_q[31:8]};
      assign boot = boot_q;
    end else begin : gen_no_boot
      assign boot = 32'd0;
    end
  endgenerate

  wire [7:0] reply_at, reply;
  nmc_byte_ram #(
      .Depth(512),
      .Tail (Identity)
  ) u_bytes (
      .clk_i  (clk_i),
      .we_i   (act && (push || store)),
      .waddr_i(push ? {1'b0, reply_at} : {1'b1, ram_q}),
      .wdata_i(reply),
      .raddr_i({!at_q[SSend], ram_q}),
      .rdata_o(ram_read)
  );
  nmc_stage #(
      .Width(8), .Swift(Swift)
  ) u_ram (
      .clk_i(clk_i), .rst_i(1'b0), .use_i(1'b1), .d_i(ram_read), .q_o(ram)
  );

  // ---------------------------------------------------------------------------------------------------------------
  // The engine.
  assign mem_valid_o = mem;
  assign mem_write_o = !at_q[SAsk];
  assign mem_space_o = space_q;
  assign mem_addr_o  = {{(32 - 8 * AddrBytes) {1'b0}}, addr_q};
  // What is y in this state, spelled out: y itself comes late, after the frame's end and an adder.
  assign mem_wdata_o = {at_q[SHigh] && !bytes_q ? frame : 8'd0, bytes_q ? frame : word_q[15:8]};
  assign run_valid_o = at_q[SRun] && !hold_q;
  assign run_entry_o = entry_q;
  assign run_label_o = word_q;
  assign run_limit_o = crc;  // checked, it is free until the reply
  assign run_input_o = {{(32 - 8 * AddrBytes) {1'b0}}, addr_q};
  assign skip_o      = skip_q;

  // ---------------------------------------------------------------------------------------------------------------
  // One CRC for requests and replies: it starts over in between. In reset and idle it measures time.
  wire start = enter_q && at_q[SHead];
  nmc_crc32 u_crc (
      .clk_i   (clk_i),
      .clear_i (start || (enter_q && (at_q[SVerify] || at_q[SLimit]))),
      .valid_i (!hold_q && (push && settled_q || check || at_q[SIdle] || at_q[SInit])),
      .ready_o (crc_ready),
      .rotate_i((at_q[SVerify] && at_end) || at_q[SSeal] || at_q[SLimit] || at_q[SBoot] || at_q[SCrc]),
      .data_i  (y),
      .crc_o   (crc),
      .wrong_o (crc_wrong)
  );

  // A reply is stuffed into the lower half of the RAM and sent from there.
  nmc_cobs_enc u_enc (
      .clk_i  (clk_i),
      .start_i(start),
      .valid_i(act && push),
      .end_i  (at_q[SClose] && last),
      .data_i (y),
      .zero_i (zero),
      .addr_o (reply_at),
      .data_o (reply)
  );
  assign tx_valid_o = at_q[SSend] && !hold_q;
  assign tx_data_o  = ram;

  assign busy_o = !at_q[SIdle] || Swift != 0 && rx_valid || frame_checked || frame_valid || running_q || counting;

`ifdef NMC_ASSERT  // too wide for z3: the tests of testbench/verilator simulate with these on
  reg       past_ok;
  reg [8:0] pushed;  // bytes of the reply so far
  initial begin
    past_ok = 1'b0;
    pushed  = 9'd0;
  end
  always @(posedge clk_i) begin
    past_ok <= 1'b1;
    if (rst_i || at_q[SIdle]) pushed <= 9'd0;
    else if (act && push && !at_q[SClose]) pushed <= pushed + 9'd1;
  end

  always @(posedge clk_i)
    if (!rst_i) begin
      // The engine ends a run once.
      if (!running_q || done_q) assert (!done_i);
      // A request stays in the buffer while it is served.
      if (|at_q[SRun:SOp]) assert (frame_valid);
      // The reply of a run is built when the run has ended.
      if (report_q && !at_q[SIdle] && !at_q[SClose] && !at_q[SSend]) assert (done_q && running_q);
      // While the engine runs it is asked for nothing but writes of vector elements, and not to run.
      if (run_valid_o) assert (!running_q);
      // What is written is what the byte machine makes.
      if (mem_valid_o && mem_write_o) assert (mem_wdata_o[15:8] == y);
      if (mem_valid_o && running_q && !done_q) assert (mem_write_o && mem_space_o == Vectors);
      // A reply fits one block, and a state that counts does not run past its end.
      assert (pushed <= 9'd254);
      if (at_q[SCrc] && !hold_q) assert (cnt_q <= 7'd3);
      assert (at_q != 0 && (at_q & (at_q - One)) == 0);
    end

  // Requests to the engine hold still until they are taken.
  always @(posedge clk_i)
    if (past_ok && !rst_i && !$past(rst_i)) begin
      if ($past(mem_valid_o && !mem_ready_i)) begin
        assert (mem_valid_o && $stable(mem_write_o) && $stable(mem_space_o) && $stable(mem_addr_o));
        assert (!mem_write_o || $stable(mem_wdata_o));
      end
      if ($past(run_valid_o && !run_ready_i))
        assert (run_valid_o && $stable(run_entry_o) && $stable(run_label_o) && $stable(run_limit_o) &&
            $stable(run_input_o));
    end
`endif
endmodule

`default_nettype wire
