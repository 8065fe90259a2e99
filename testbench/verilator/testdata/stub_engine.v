// nmc_engine, for tests of the front end alone: flat memories of 4,096 halfwords and runs that take as many cycles as
// vector element 0 says (64 when it is 0) and answer with what they were asked for.
`default_nettype none

module nmc_engine #(
    parameter Lanes        = 4,
    parameter WeightDepth  = 1024,
    parameter VectorDepth  = 256,
    parameter ProgramDepth = 64,
    parameter TableDepth   = 256,
    parameter WeightPorts  = 2,
    parameter [31:0] Omit  = 32'd0
) (
    input  wire        clk_i,
    input  wire        rst_i,
    input  wire        mem_valid_i,
    output wire        mem_ready_o,
    input  wire        mem_write_i,
    input  wire [2:0]  mem_space_i,
    input  wire [31:0] mem_addr_i,
    input  wire [15:0] mem_wdata_i,
    output reg         mem_rvalid_o,
    output reg  [15:0] mem_rdata_o,
    input  wire        run_valid_i,
    output wire        run_ready_o,
    input  wire [2:0]  run_entry_i,
    input  wire [15:0] run_label_i,
    input  wire [31:0] run_limit_i,
    input  wire [31:0] run_input_i,
    input  wire        skip_i,
    output wire        busy_o,
    output reg         done_o,
    output reg         stopped_o,
    output reg  [31:0] cycles_o,
    output reg  [31:0] retired_o,
    output reg  [31:0] overflow_o,
    output wire [7:0]  counters_o,
    input  wire        counters_next_i,
    output reg  [63:0] digest_o,
    output wire        trace_valid_o,
    output wire [11:0] trace_pc_o,
    output wire [31:0] trace_cycles_o
);
  reg [15:0] mem[0:8*4096-1];
  reg [15:0] left;
  reg        stall;  // one cycle in two the memory is not ready
  wire [14:0] at = {mem_space_i, mem_addr_i[11:0]};

  integer i;
  initial begin
    for (i = 0; i < 8 * 4096; i = i + 1) mem[i] = 16'd0;
    left = 16'd0;
    stall = 1'b0;
    done_o = 1'b0;
    stopped_o = 1'b0;
    cycles_o = 32'd0;
    retired_o = 32'd0;
    overflow_o = 32'd0;
    digest_o = 64'd0;
    mem_rvalid_o = 1'b0;
  end

  assign busy_o = left != 16'd0;
  assign run_ready_o = !busy_o;
  assign mem_ready_o = !stall;
  assign trace_valid_o = run_valid_i && run_ready_o;
  assign trace_pc_o = {9'd0, run_entry_i};
  assign trace_cycles_o = 32'd0;
  assign counters_o = cycles_o[7:0];

  always @(posedge clk_i) begin
    stall <= mem_valid_i && !stall;
    done_o <= 1'b0;
    mem_rvalid_o <= mem_valid_i && !stall && !mem_write_i;
    mem_rdata_o <= mem[at];
    if (mem_valid_i && !stall && mem_write_i) begin
      // Only writes to vectors are allowed while a run is under way: anything else spoils the digest.
      if (busy_o && mem_space_i != 3'd1) digest_o <= ~64'd0;
      mem[at] <= mem_wdata_i;
    end
    if (busy_o) begin
      left <= left - 16'd1;
      cycles_o <= cycles_o + 32'd1;
      if (left == 16'd1) done_o <= 1'b1;
    end
    if (run_valid_i && run_ready_o && !rst_i) begin
      left <= mem[15'h1000] == 16'd0 ? 16'd64 : mem[15'h1000];
      cycles_o <= 32'd0;
      retired_o <= run_limit_i;
      overflow_o <= {31'd0, skip_i};
      stopped_o <= run_limit_i != 32'd0;
      digest_o <= {run_input_i, run_limit_i} + {48'd0, run_label_i} + {13'd0, run_entry_i, 48'd0};
      mem[15'h4004] <= run_label_i;
      mem[15'h4005] <= {13'd0, run_entry_i};
      mem[15'h4006] <= run_input_i[15:0];
      mem[15'h4007] <= mem[15'h4007] + 16'd1;  // runs so far
    end
    if (counters_next_i)
      {retired_o, overflow_o, cycles_o} <= {cycles_o[7:0], retired_o, overflow_o, cycles_o[31:8]};
    if (rst_i) begin
      left <= 16'd0;
      stall <= 1'b0;
      mem_rvalid_o <= 1'b0;
    end
  end
endmodule

`default_nettype wire
