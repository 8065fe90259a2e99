// nmc_engine with registers at its inputs, as the front end has them. A simulator forms what hangs on an input of the top
// module in every evaluation; on a register, once a cycle.
`default_nettype none

module nmc_engine_top #(
    parameter Lanes = 4,
    parameter WeightDepth = 16384,
    parameter VectorDepth = 512,
    parameter ProgramDepth = 256,
    parameter TableDepth = 512,
    parameter WeightPorts = 1,
    parameter [31:0] Omit = 32'd0
) (
    input  wire        clk_i,
    input  wire        rst_i,
    input  wire        mem_valid_i,   // held until ready
    output wire        mem_ready_o,   // of the access that is in the registers
    input  wire        mem_write_i,
    input  wire [ 2:0] mem_space_i,
    input  wire [31:0] mem_addr_i,
    input  wire [15:0] mem_wdata_i,
    output wire        mem_rvalid_o,
    output wire [15:0] mem_rdata_o,
    input  wire        run_valid_i,
    input  wire [ 2:0] run_entry_i,
    input  wire [15:0] run_label_i,
    input  wire [31:0] run_limit_i,
    input  wire [31:0] run_input_i,
    input  wire        skip_i,
    output wire        done_o,
    output wire        stopped_o,
    output wire [31:0] cycles_o,
    output wire [31:0] retired_o,
    output wire [31:0] overflow_o,
    output wire [63:0] digest_o,
    output wire        trace_valid_o,
    output wire [11:0] trace_pc_o
);
  reg rst, mem_valid, mem_write, run_valid, skip;
  reg [2:0] mem_space, run_entry;
  reg [31:0] mem_addr, run_limit, run_input;
  reg [15:0] mem_wdata, run_label;
  initial rst = 1'b1;
  always @(posedge clk_i) begin
    rst <= rst_i;
    mem_valid <= mem_valid_i && !(mem_valid && mem_ready_o);
    {mem_write, mem_space, mem_addr, mem_wdata} <= {mem_write_i, mem_space_i, mem_addr_i, mem_wdata_i};
    run_valid <= run_valid_i;
    {run_entry, run_label, run_limit, run_input, skip} <= {run_entry_i, run_label_i, run_limit_i, run_input_i, skip_i};
  end

  nmc_engine
`ifndef NETLIST
  #(
      .Lanes(Lanes), .WeightDepth(WeightDepth), .VectorDepth(VectorDepth), .ProgramDepth(ProgramDepth),
      .TableDepth(TableDepth), .WeightPorts(WeightPorts), .Omit(Omit)
  )
`endif
  u_engine (
      .clk_i(clk_i), .rst_i(rst),
      .mem_valid_i(mem_valid), .mem_ready_o(mem_ready_o), .mem_write_i(mem_write), .mem_space_i(mem_space),
      .mem_addr_i(mem_addr), .mem_wdata_i(mem_wdata), .mem_rvalid_o(mem_rvalid_o), .mem_rdata_o(mem_rdata_o),
      .run_valid_i(run_valid), .run_ready_o(), .run_entry_i(run_entry), .run_label_i(run_label),
      .run_limit_i(run_limit), .run_input_i(run_input), .skip_i(skip), .busy_o(), .done_o(done_o),
      .stopped_o(stopped_o), .cycles_o(cycles_o), .retired_o(retired_o), .overflow_o(overflow_o), .digest_o(digest_o),
      .counters_o(), .counters_next_i(1'b0),
      .trace_valid_o(trace_valid_o), .trace_pc_o(trace_pc_o), .trace_cycles_o()
  );
endmodule

`default_nettype wire
