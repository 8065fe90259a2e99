// nmc_engine: the learning engine. It runs the program in its memory, as package sim does, and gives the host access to
// its memories in between; while it runs, the host may write vector elements only.
`default_nettype none
`include "nmc_isa.vh"

module nmc_engine #(
    parameter Lanes = 4,  // power of two, 1..64
    parameter WeightDepth = 16384,  // words; see package device
    parameter VectorDepth = 512,
    parameter ProgramDepth = 256,
    parameter TableDepth = 512,
    parameter WeightPorts = 1,
    parameter [31:0] Omit = 32'd0  // units left out
) (
    input wire clk_i,
    input wire rst_i,

    // host access, a halfword at a time
    input  wire        mem_valid_i,
    output wire        mem_ready_o,
    input  wire        mem_write_i,
    input  wire [ 2:0] mem_space_i,
    input  wire [31:0] mem_addr_i,    // halfwords, as in package device
    input  wire [15:0] mem_wdata_i,
    output wire        mem_rvalid_o,  // with or after ready of a read
    output wire [15:0] mem_rdata_o,

    // runs
    input  wire        run_valid_i,
    output wire        run_ready_o,
    input  wire [ 2:0] run_entry_i,
    input  wire [15:0] run_label_i,
    input  wire [31:0] run_limit_i,
    input  wire [31:0] run_input_i,
    input  wire        skip_i,        // event skipping on
    output wire        busy_o,
    output wire        done_o,        // one cycle
    output wire        stopped_o,
    output wire [31:0] cycles_o,      // until counters_next_i
    output wire [31:0] retired_o,
    output wire [31:0] overflow_o,    // elements of this run
    output wire [ 7:0] counters_o,    // cycles, overflow, retired: low bytes first, the next with counters_next_i
    input  wire        counters_next_i,
    output wire [63:0] digest_o,

    // one record for each retired instruction
    output wire        trace_valid_o,
    output wire [11:0] trace_pc_o,
    output wire [31:0] trace_cycles_o
);
  localparam LL = $clog2(Lanes);
  localparam Share = WeightPorts != 1 ? 1 : Lanes < 4 ? Lanes : 4;  // lanes of a back end
  localparam Swift = WeightPorts != 1 ? 1 : 0;  // registers for a fast clock: parts with two ports have room for them
  localparam Serial = Share != 1 && Share == Lanes ? 1 : 0;  // sums over the lanes take Share cycles
  localparam Stream = WeightPorts == 1 && Lanes == 4 && Omit[`NMC_UNIT_DRAWN] && Omit[`NMC_UNIT_UPDR] ? 1 : 0;
  localparam LaneBits = LL + 1;
  localparam WB = $clog2(WeightDepth);
  localparam VB = $clog2(VectorDepth);
  localparam PB = $clog2(ProgramDepth);
  localparam TB = $clog2(TableDepth);
  localparam ScanBits = WB > VB ? WB : VB;
  localparam PlaceBits = WB > VB + LL + 1 ? WB : VB + LL + 1;
  localparam QueueBits = PlaceBits + 2;

  // Host. For a fast clock what it asks comes out of registers.
  localparam RequestBits = 52;
  wire asked, asked_write, answered;
  wire [2:0] asked_space;
  wire [31:0] asked_addr;
  wire [15:0] asked_data;
  generate
    if (Swift != 0) begin : g_request
      nmc_skid #(
          .Width(RequestBits)
      ) u_request (
          .clk_i(clk_i), .rst_i(rst_i),
          .valid_i(mem_valid_i), .ready_o(mem_ready_o), .data_i({mem_write_i, mem_space_i, mem_addr_i, mem_wdata_i}),
          .valid_o(asked), .ready_i(answered), .data_o({asked_write, asked_space, asked_addr, asked_data})
      );
    end else begin : g_ask
      assign mem_ready_o = answered;
      assign {asked, asked_write, asked_space, asked_addr, asked_data} = {mem_valid_i, mem_write_i, mem_space_i, mem_addr_i, mem_wdata_i};
    end
  endgenerate
  wire still;
  wire idle = Swift != 0 ? !busy_o : still;  // while the host is answered nothing else goes on
  wire to_weights = asked_space == 3'd0;
  wire to_vectors = asked_space == 3'd1;
  wire to_program = asked_space == 3'd2;
  wire to_tables = asked_space == 3'd3;
  wire to_regs = asked_space == 3'd4;
  wire host_valid, lanes_we, seq_reg_we, dest_weights;
  wire [15:0] host_data;
  // With one weight port results leave cycles free: then one choice serves both memories.
  wire vectors_free = !(lanes_we && (WeightPorts == 1 || !dest_weights));
  // The program is read here, all else through the sequencer.
  reg read_q;
  reg [2:0] half_q;
  reg host_write, program_read;
  always @(*) begin
    {host_write, program_read} = 2'd0;
    if (asked) begin
      host_write = asked_write && (to_vectors ? vectors_free : idle);
      program_read = !asked_write && idle && to_program && !read_q;
    end
  end
  assign answered = asked_write ? host_write : to_program ? program_read : host_valid;
  always @(posedge clk_i) begin
    read_q <= program_read && !rst_i;
    half_q <= asked_addr[2:0];
  end

  // Program. The instruction is the word that was read, or a register behind it.
  wire [127:0] prog_data;
  wire prog_re, prog_take;
  wire [PB-1:0] prog_addr;
  nmc_ram #(
      .Lanes(8), .LaneBits(16), .Depth(ProgramDepth), .AddrBits(PB)
  ) u_program (
      .clk_i(clk_i),
      .we_i(host_write && to_program),
      .lane_i(8'd1 << asked_addr[2:0]),
      .waddr_i(asked_addr[3+:PB]),
      .wdata_i(128'd0),
      .one_i(1'b1),
      .odata_i(asked_data),
      .re_i(prog_re || program_read),
      .raddr_i(idle ? asked_addr[3+:PB] : prog_addr),
      .rdata_o(prog_data)
  );
  reg [127:0] ir_q;
  always @(posedge clk_i) if (prog_take) ir_q <= prog_data;
  wire [127:0] ir = Swift != 0 ? ir_q : prog_data;
  wire [3:0] prog_group;
  wire [1:0] op_unused;
  assign {prog_group, op_unused} = prog_data[`NMC_SCALAR_OP];

  // Tables.
  wire [31:0] table_data;
  wire table_re;
  wire [TB-1:0] table_addr;
  nmc_ram #(
      .Lanes(2), .LaneBits(16), .Depth(TableDepth), .AddrBits(TB)
  ) u_tables (
      .clk_i(clk_i),
      .we_i(host_write && to_tables),
      .lane_i(2'd1 << asked_addr[0]),
      .waddr_i(asked_addr[1+:TB]),
      .wdata_i(32'd0),
      .one_i(1'b1),
      .odata_i(asked_data),
      .re_i(table_re || (idle && to_tables)),
      .raddr_i(idle ? asked_addr[1+:TB] : table_addr),
      .rdata_o(table_data)
  );

  // Registers: the program's 64, and 16 rows above, of which the sequencer has some.
  wire [31:0] reg_data, seq_reg_wdata;
  wire [6:0] seq_reg_waddr, seq_reg_raddr;
  wire by_sequencer = Swift != 0 ? busy_o || !asked_write : seq_reg_we;
  nmc_ram #(
      .Lanes(2), .LaneBits(16), .Depth(Swift != 0 ? 80 : 128), .AddrBits(7), .Zeroed(1), .Small(Swift)
  ) u_registers (
      .clk_i(clk_i),
      .we_i(seq_reg_we || (host_write && to_regs)),
      .lane_i(by_sequencer ? 2'b11 : 2'd1 << asked_addr[0]),
      .waddr_i(by_sequencer ? seq_reg_waddr : {1'b0, asked_addr[6:1]}),
      .wdata_i(seq_reg_wdata),
      .one_i(1'b0),
      .odata_i(16'd0),
      .re_i(1'b1),
      .raddr_i(idle && asked && !asked_write && to_regs ? {1'b0, asked_addr[6:1]} : seq_reg_raddr),
      .rdata_o(reg_data)
  );

  assign mem_rvalid_o = read_q || host_valid;
  assign mem_rdata_o = read_q ? prog_data[half_q*16+:16] : host_data;

  // Vectors: results go first.
  wire [Lanes*16-1:0] lanes_wdata, vector_data, weight_data;
  wire [Lanes*16-1:0] v, w;  // ... a cycle later for a fast clock
  wire [Lanes-1:0] write_lanes, lanes_touched, host_lanes;
  wire [QueueBits-1:0] lanes_waddr;
  wire vector_re, weight_re;
  wire [VB-1:0] vector_addr;
  wire [WB-1:0] weight_addr;
  assign host_lanes = {{Lanes-1{1'b0}}, 1'b1} << (asked_addr & (Lanes - 1));
  wire [Lanes-1:0] tail_mask;
  wire [LaneBits-1:0] one_lane = lanes_waddr[VB+:LaneBits];
  wire [Lanes-1:0] valid_lanes = lanes_waddr[QueueBits-1] ? {{Lanes-1{1'b0}}, 1'b1} << one_lane
                               : lanes_waddr[QueueBits-2] ? tail_mask : {Lanes{1'b1}};
  assign write_lanes = lanes_we ? valid_lanes & lanes_touched : host_lanes;

  nmc_ram #(
      .Lanes(Lanes), .LaneBits(16), .Depth(VectorDepth), .AddrBits(VB)
  ) u_vectors (
      .clk_i(clk_i),
      .we_i((lanes_we && !dest_weights) || (host_write && to_vectors)),
      .lane_i(vectors_free ? host_lanes : write_lanes),
      .waddr_i(vectors_free ? asked_addr[LL+:VB] : lanes_waddr[VB-1:0]),
      .wdata_i(lanes_wdata),
      .one_i(vectors_free),
      .odata_i(asked_data),
      .re_i(vector_re),
      .raddr_i(vector_addr),
      .rdata_o(vector_data)
  );

  // Weights.
  wire weight_we = (lanes_we && dest_weights) || (host_write && to_weights);
  wire [WB-1:0] weight_waddr = lanes_we ? lanes_waddr[WB-1:0] : asked_addr[LL+:WB];
  generate
    if (WeightPorts == 1) begin : g_single
      nmc_ram_single #(
          .Lanes(Lanes), .LaneBits(16), .Depth(WeightDepth), .AddrBits(WB)
      ) u_weights (
          .clk_i(clk_i),
          .we_i(weight_we),
          .re_i(weight_re),
          .lane_i(write_lanes),
          .addr_i(weight_we ? weight_waddr : weight_addr),
          .wdata_i(lanes_wdata),
          .one_i(!lanes_we),
          .odata_i(asked_data),
          .rdata_o(weight_data)
      );
    end else begin : g_dual
      nmc_ram #(
          .Lanes(Lanes), .LaneBits(16), .Depth(WeightDepth), .AddrBits(WB)
      ) u_weights (
          .clk_i(clk_i),
          .we_i(weight_we),
          .lane_i(write_lanes),
          .waddr_i(weight_waddr),
          .wdata_i(lanes_wdata),
          .one_i(!lanes_we),
          .odata_i(asked_data),
          .re_i(weight_re),
          .raddr_i(weight_addr),
          .rdata_o(weight_data)
      );
    end
  endgenerate

  // Scalar unit and permutation.
  wire alu_start, alu_done, alu_taken;
  wire [5:0] alu_op, alu_shift;
  wire [31:0] alu_imm, alu_result;
  wire [47:0] acc0;
  nmc_scalar #(
      .Omit(Omit)
  ) u_scalar (
      .clk_i(clk_i), .rst_i(rst_i),
      .start_i(alu_start), .op_i(alu_op), .shift_i(alu_shift), .operand_i(reg_data), .imm_i(alu_imm), .sum_i(acc0),
      .done_o(alu_done), .result_o(alu_result), .taken_o(alu_taken)
  );

  wire permute_x, permute_y, permute_busy;
  wire [31:0] permute_xdata, permute_ydata;
  wire [63:0] permuted;
  nmc_permute u_permute (
      .clk_i(clk_i), .rst_i(rst_i),
      .load_x_i(permute_x), .x_i(permute_xdata), .load_y_i(permute_y), .y_i(permute_ydata),
      .busy_o(permute_busy), .x_o(permuted[63:32]), .y_o(permuted[31:0])
  );

  // Scanner.
  wire scan_start, scan_weights, scan_virtual, scan_nonzero, scan_shared, scan_values, scan_re, scan_grant;
  wire scan_comes, scan_valid, scan_take, scan_next, scan_done;
  wire [ScanBits-1:0] scan_addr, scan_raddr;
  wire [LaneBits-1:0] scan_first, scan_from, scan_lane, scan_left;
  wire [12:0] scan_count;
  wire [15:0] scan_value;
  generate
    if (Swift != 0) begin : g_ahead
      nmc_scanner_ahead #(
          .Lanes(Lanes), .AddrBits(ScanBits), .LaneBits(LaneBits)
      ) u_scanner (
          .clk_i(clk_i), .rst_i(rst_i),
          .start_i(scan_start), .addr_i(scan_addr), .first_i(scan_first), .from_i(scan_from), .count_i(scan_count),
          .weights_i(scan_weights), .virtual_i(scan_virtual), .nonzero_i(scan_nonzero),
          .re_o(scan_re), .grant_i(scan_grant), .raddr_o(scan_raddr), .comes_o(scan_comes), .vectors_i(v), .weights_data_i(w),
          .valid_o(scan_valid), .take_i(scan_take), .lane_o(scan_lane), .value_o(scan_value), .next_o(scan_next),
          .done_o(scan_done), .left_o(scan_left)
      );
    end else begin : g_one_word
      assign scan_comes = 1'b0;
      nmc_scanner #(
          .Lanes(Lanes), .AddrBits(ScanBits), .LaneBits(LaneBits)
      ) u_scanner (
          .clk_i(clk_i), .rst_i(rst_i),
          .start_i(scan_start), .addr_i(scan_addr), .first_i(scan_first), .from_i(scan_from), .count_i(scan_count),
          .weights_i(scan_weights), .virtual_i(scan_virtual), .nonzero_i(scan_nonzero), .shared_i(scan_shared), .values_i(scan_values),
          .re_o(scan_re), .grant_i(scan_grant), .raddr_o(scan_raddr), .vectors_i(vector_data), .weights_data_i(weight_data),
          .valid_o(scan_valid), .take_i(scan_take), .lane_o(scan_lane), .value_o(scan_value), .next_o(scan_next),
          .done_o(scan_done), .left_o(scan_left)
      );
    end
  endgenerate

  // Draws. With one weight port a blend rounds two cycles after its draw could be there.
  wire draw_late = WeightPorts == 1 && !Omit[`NMC_UNIT_DRAWN] && ir[`NMC_SCALAR_OP] == `NMC_OP_BLEND;
  wire draw_on, draw_rounds, draw_across, draw_single, draw_rows_reset, draw_cols_reset, draw_row, draw_word;
  wire draw_next, draw_add, draw_sub, draw_idle, reduce;
  wire [LaneBits-1:0] draw_lane;
  wire [Lanes*16-1:0] draws;
  nmc_draw #(
      .Lanes(Lanes), .Spaced(WeightPorts == 1), .Stream(Stream), .Gather(Serial != 0 ? Share - 1 : LL)
  ) u_draw (
      .clk_i(clk_i), .rst_i(rst_i),
      .key_i(permuted), .on_i(draw_on), .rounds_i(draw_rounds), .reduce_i(reduce && !Omit[`NMC_UNIT_DRAWN]), .late_i(draw_late),
      .across_i(draw_across), .single_i(draw_single),
      .rows_reset_i(draw_rows_reset), .cols_reset_i(draw_cols_reset), .row_i(draw_row), .word_i(draw_word),
      .next_i(draw_next), .add_i(draw_add), .sub_i(draw_sub), .lane_i(draw_lane), .idle_o(draw_idle), .draw_o(draws)
  );

  // Lanes.
  wire nearest, stochastic, ge, writes, raw, touched, count;
  wire [5:0] shift;
  wire [15:0] hi, lo, bcast;
  wire o_bcast, w_draw, w_sign, p_load, p_o, p_prod, f_load, c_load, fire, pull, flag, x_zero, compare, f_le, f_inv;
  wire [1:0] c_sel;
  wire [31:0] entry;
  wire pair, tail, acc_load, tok_valid, tok_first, tok_shift, tok_last, push, lanes_ask, lanes_idle;
  wire [QueueBits-1:0] push_addr;
  wire [6:0] overflows;
  // Memories say their words late in a cycle: for a fast clock everything that the lanes get passes a register.
  // The scanner's words pass the same registers.
  wire operands = tok_valid || c_load || p_load || acc_load;
  nmc_stage #(
      .Width(Lanes * 16), .Swift(Swift)
  ) u_weight (
      .clk_i(clk_i), .rst_i(1'b0), .use_i(operands && !w_draw || scan_comes), .d_i(weight_data), .q_o(w)
  );
  nmc_stage #(
      .Width(Lanes * 16), .Swift(Swift)
  ) u_vector (
      .clk_i(clk_i), .rst_i(1'b0), .use_i(operands && !o_bcast || scan_comes), .d_i(vector_data), .q_o(v)
  );
  wire tok_valid_l, p_load_l, c_load_l, acc_load_l, f_load_l, push_l;
  nmc_stage #(
      .Width(6), .Swift(Swift)
  ) u_events (
      .clk_i(clk_i), .rst_i(rst_i), .use_i(1'b1),
      .d_i({tok_valid, p_load, c_load, acc_load, f_load, push}),
      .q_o({tok_valid_l, p_load_l, c_load_l, acc_load_l, f_load_l, push_l})
  );
  wire [15:0] bcast_l;
  wire o_bcast_l, w_draw_l, w_sign_l, p_o_l, p_prod_l, fire_l, pull_l, flag_l, x_zero_l, compare_l, tail_l, pair_l;
  wire tok_first_l, tok_shift_l, tok_last_l;
  wire [1:0] c_sel_l;
  wire [31:0] entry_l;
  wire [QueueBits-1:0] push_addr_l;
  nmc_stage #(
      .Width(65 + QueueBits), .Swift(Swift)
  ) u_controls (
      .clk_i(clk_i), .rst_i(1'b0), .use_i(1'b1),
      .d_i({entry, bcast, push_addr, c_sel, o_bcast, w_draw, w_sign, p_o, p_prod, fire, pull, flag, x_zero, compare, tail, pair,
            tok_first, tok_shift, tok_last}),
      .q_o({entry_l, bcast_l, push_addr_l, c_sel_l, o_bcast_l, w_draw_l, w_sign_l, p_o_l, p_prod_l, fire_l, pull_l, flag_l, x_zero_l,
            compare_l, tail_l, pair_l, tok_first_l, tok_shift_l, tok_last_l})
  );
  wire lanes_still;
  assign lanes_idle = lanes_still && !(Swift != 0 && tok_valid);
  nmc_lanes #(
      .Lanes(Lanes), .Share(Share), .Serial(Serial), .Stream(Stream), .Wide(!Omit[`NMC_UNIT_WIDE]), .Wait(WeightPorts == 1 && Lanes == 1 ? 1 : 0),
      .AddrBits(QueueBits)
  ) u_lanes (
      .clk_i(clk_i), .rst_i(rst_i),
      .shift_i(shift), .nearest_i(nearest), .stochastic_i(stochastic), .hi_i(hi), .lo_i(lo),
      .ge_i(ge), .write_i(writes), .raw_i(raw), .reduce_i(reduce), .touched_i(touched), .count_i(count), .tail_mask_i(tail_mask),
      .w_i(w), .v_i(v), .draw_i(draws), .bcast_i(bcast_l), .o_bcast_i(o_bcast_l), .w_draw_i(w_draw_l),
      .w_sign_i(w_sign_l), .p_load_i(p_load_l), .p_o_i(p_o_l), .p_prod_i(p_prod_l), .f_load_i(f_load_l), .c_load_i(c_load_l),
      .c_sel_i(c_sel_l), .fire_i(fire_l), .pull_i(pull_l), .flag_i(flag_l), .x_zero_i(x_zero_l), .compare_i(compare_l),
      .f_le_i(f_le), .f_inv_i(f_inv), .tail_i(tail_l), .acc_load_i(acc_load_l), .pair_i(pair_l), .table_i(entry_l), .tok_valid_i(tok_valid_l),
      .tok_first_i(tok_first_l), .tok_shift_i(tok_shift_l), .tok_last_i(tok_last_l), .push_i(push_l), .push_addr_i(push_addr_l),
      .we_o(lanes_we), .waddr_o(lanes_waddr), .touched_o(lanes_touched), .wdata_o(lanes_wdata),
      .overflows_o(overflows), .wlanes_i(valid_lanes), .acc0_o(acc0), .ask_i(lanes_ask), .idle_o(lanes_still)
  );

  wire run_ready;
  nmc_stage #(
      .Width(1), .Swift(Swift)
  ) u_run_ready (
      .clk_i(clk_i), .rst_i(rst_i), .use_i(1'b1), .d_i(run_ready), .q_o(run_ready_o)
  );
  wire clear, retire;
  nmc_counters u_counters (
      .clk_i(clk_i), .rst_i(rst_i), .clear_i(clear), .running_i(busy_o), .retire_i(retire), .overflows_i(overflows),
      .next_i(counters_next_i), .byte_o(counters_o), .cycles_o(cycles_o), .overflow_o(overflow_o), .retired_o(retired_o)
  );
  assign trace_cycles_o = cycles_o;

  nmc_sequencer #(
      .Lanes(Lanes), .WeightPorts(WeightPorts), .Share(Share), .Serial(Serial), .Swift(Swift), .Omit(Omit),
      .WeightBits(WB), .VectorBits(VB), .ProgramBits(PB), .TableBits(TB),
      .LaneBits(LaneBits), .ScanBits(ScanBits), .QueueBits(QueueBits)
  ) u_sequencer (
      .clk_i(clk_i), .rst_i(rst_i),
      .run_i(run_valid_i && !(Swift != 0 && asked)), .run_ready_o(run_ready), .entry_i(run_entry_i), .label_i(run_label_i),
      .limit_i(run_limit_i), .input_i(run_input_i), .skip_i(skip_i), .busy_o(busy_o), .done_o(done_o),
      .stopped_o(stopped_o), .digest_o(digest_o),
      .trace_valid_o(trace_valid_o), .trace_pc_o(trace_pc_o), .clear_o(clear), .retire_o(retire),
      .host_read_i(asked && !asked_write && !to_program), .host_addr_i(asked_addr),
      .host_weights_i(to_weights), .host_reg_i(to_regs), .host_table_i(to_tables), .host_odd_i(asked_addr[0]),
      .host_valid_o(host_valid), .host_data_o(host_data), .idle_o(still),
      .prog_re_o(prog_re), .prog_take_o(prog_take), .prog_addr_o(prog_addr), .ir_i(ir), .next_group_i(prog_group),
      .reg_we_o(seq_reg_we), .reg_waddr_o(seq_reg_waddr), .reg_wdata_o(seq_reg_wdata), .host_wdata_i(asked_data), .reg_raddr_o(seq_reg_raddr),
      .reg_i(reg_data),
      .alu_start_o(alu_start), .alu_op_o(alu_op), .alu_shift_o(alu_shift), .alu_imm_o(alu_imm), .alu_done_i(alu_done),
      .alu_result_i(alu_result), .alu_taken_i(alu_taken),
      .permute_x_o(permute_x), .permute_y_o(permute_y), .permute_xdata_o(permute_xdata),
      .permute_ydata_o(permute_ydata), .permute_busy_i(permute_busy), .permute_i(permuted),
      .scan_start_o(scan_start), .scan_addr_o(scan_addr), .scan_first_o(scan_first), .scan_from_o(scan_from),
      .scan_count_o(scan_count), .scan_weights_o(scan_weights), .scan_virtual_o(scan_virtual),
      .scan_nonzero_o(scan_nonzero), .scan_shared_o(scan_shared), .scan_values_o(scan_values), .scan_valid_i(scan_valid), .scan_take_o(scan_take),
      .scan_lane_i(scan_lane), .scan_value_i(scan_value), .scan_next_i(scan_next), .scan_done_i(scan_done),
      .scan_left_i(scan_left), .scan_grant_o(scan_grant), .scan_re_i(scan_re), .scan_raddr_i(scan_raddr),
      .weight_re_o(weight_re), .weight_addr_o(weight_addr), .vector_re_o(vector_re), .vector_addr_o(vector_addr),
      .vector_i(vector_data), .table_re_o(table_re), .table_addr_o(table_addr), .table_i(table_data),
      .draw_on_o(draw_on), .draw_rounds_o(draw_rounds), .draw_across_o(draw_across), .draw_single_o(draw_single),
      .draw_rows_reset_o(draw_rows_reset), .draw_cols_reset_o(draw_cols_reset), .draw_row_o(draw_row),
      .draw_word_o(draw_word), .draw_next_o(draw_next), .draw_add_o(draw_add), .draw_sub_o(draw_sub),
      .draw_lane_o(draw_lane), .draw_idle_i(draw_idle),
      .shift_o(shift), .nearest_o(nearest), .stochastic_o(stochastic), .hi_o(hi), .lo_o(lo),
      .ge_o(ge), .write_o(writes), .raw_o(raw), .reduce_o(reduce), .touched_o(touched), .count_o(count), .to_weights_o(dest_weights),
      .tail_mask_o(tail_mask), .bcast_o(bcast), .o_bcast_o(o_bcast), .w_draw_o(w_draw), .w_sign_o(w_sign),
      .p_load_o(p_load), .p_o_o(p_o), .p_prod_o(p_prod), .f_load_o(f_load), .c_load_o(c_load), .c_sel_o(c_sel),
      .fire_o(fire), .pull_o(pull), .flag_o(flag), .x_zero_o(x_zero), .compare_o(compare), .f_le_o(f_le),
      .f_inv_o(f_inv), .tail_o(tail), .acc_load_o(acc_load), .pair_o(pair), .table_o(entry), .tok_valid_o(tok_valid), .tok_first_o(tok_first),
      .tok_shift_o(tok_shift), .tok_last_o(tok_last), .push_o(push), .push_addr_o(push_addr),
      .lanes_ask_o(lanes_ask), .lanes_idle_i(lanes_idle)
  );
endmodule

`default_nettype wire
