// nmc_device: a learning device between two byte streams: protocol front end and engine.
//
// The parameters are device.Config; HwId is its ID(). Boot 0 takes a count of the cycles before the first hello.
`default_nettype none

module nmc_device #(
    parameter        Lanes        = 4,
    parameter        WeightDepth  = 16384,
    parameter        VectorDepth  = 1024,
    parameter        ProgramDepth = 256,
    parameter        TableDepth   = 256,
    parameter        WeightPorts  = 2,
    parameter        FrameBytes   = 1024,
    parameter [31:0] Omit         = 32'd0,
    parameter        Keyed        = 0,
    parameter [127:0] Key         = 128'd0,
    parameter [63:0] HwId         = 64'd0,
    parameter [31:0] Boot         = 32'd0
) (
    input  wire        clk_i,
    input  wire        rst_i,          // synchronous, active high
    // bytes from the host
    input  wire        rx_valid_i,
    output wire        rx_ready_o,
    input  wire [7:0]  rx_data_i,
    // bytes to the host
    output wire        tx_valid_o,
    input  wire        tx_ready_i,
    output wire [7:0]  tx_data_o,
    // what the link has to count, one valid and ready for each of its counters in the control space
    input  wire [3:0]  count_valid_i,
    output wire [3:0]  count_ready_o,
    // a frame, a run or a reply is under way
    output wire        busy_o,
    // one record for each retired instruction
    output wire        trace_valid_o,
    output wire [11:0] trace_pc_o,
    output wire [31:0] trace_cycles_o
);
  // Bytes that address the largest memory in halfwords.
  localparam Elements = Lanes * (WeightDepth > VectorDepth ? WeightDepth : VectorDepth);
  localparam AddrBytes = Elements > (1 << 24) ? 4 : Elements > (1 << 16) ? 3 : 2;

  wire        mem_valid, mem_ready, mem_write, mem_rvalid;
  wire [2:0]  mem_space;
  wire [31:0] mem_addr;
  wire [15:0] mem_wdata, mem_rdata;
  wire        run_valid, run_ready, skip, front_busy, engine_busy, done, stopped;
  wire [2:0]  run_entry;
  wire [15:0] run_label;
  wire [31:0] run_limit, run_input;
  wire [7:0]  counters;
  wire        counters_next;
  wire [63:0] digest;

  nmc_frontend #(
      .Lanes     (Lanes),
      .FrameBytes(FrameBytes),
      .AddrBytes (AddrBytes),
      .Swift     (WeightPorts != 1 ? 1 : 0),
      .Keyed     (Keyed),
      .Key       (Key),
      .HwId      (HwId),
      .Boot      (Boot)
  ) u_frontend (
      .clk_i       (clk_i),
      .rst_i       (rst_i),
      .rx_valid_i  (rx_valid_i),
      .rx_ready_o  (rx_ready_o),
      .rx_data_i   (rx_data_i),
      .tx_valid_o  (tx_valid_o),
      .tx_ready_i  (tx_ready_i),
      .tx_data_o   (tx_data_o),
      .mem_valid_o (mem_valid),
      .mem_ready_i (mem_ready),
      .mem_write_o (mem_write),
      .mem_space_o (mem_space),
      .mem_addr_o  (mem_addr),
      .mem_wdata_o (mem_wdata),
      .mem_rvalid_i(mem_rvalid),
      .mem_rdata_i (mem_rdata),
      .run_valid_o (run_valid),
      .run_ready_i (run_ready),
      .run_entry_o (run_entry),
      .run_label_o (run_label),
      .run_limit_o (run_limit),
      .run_input_o (run_input),
      .skip_o      (skip),
      .done_i      (done),
      .stopped_i   (stopped),
      .counters_i     (counters),
      .counters_next_o(counters_next),
      .digest_i    (digest),
      .count_valid_i(count_valid_i),
      .count_ready_o(count_ready_o),
      .busy_o      (front_busy)
  );

  nmc_engine #(
      .Lanes       (Lanes),
      .WeightDepth (WeightDepth),
      .VectorDepth (VectorDepth),
      .ProgramDepth(ProgramDepth),
      .TableDepth  (TableDepth),
      .WeightPorts (WeightPorts),
      .Omit        (Omit)
  ) u_engine (
      .clk_i         (clk_i),
      .rst_i         (rst_i),
      .mem_valid_i   (mem_valid),
      .mem_ready_o   (mem_ready),
      .mem_write_i   (mem_write),
      .mem_space_i   (mem_space),
      .mem_addr_i    (mem_addr),
      .mem_wdata_i   (mem_wdata),
      .mem_rvalid_o  (mem_rvalid),
      .mem_rdata_o   (mem_rdata),
      .run_valid_i   (run_valid),
      .run_ready_o   (run_ready),
      .run_entry_i   (run_entry),
      .run_label_i   (run_label),
      .run_limit_i   (run_limit),
      .run_input_i   (run_input),
      .skip_i        (skip),
      .busy_o        (engine_busy),
      .done_o        (done),
      .stopped_o     (stopped),
      .cycles_o      (),
      .retired_o     (),
      .overflow_o    (),
      .counters_o    (counters),
      .counters_next_i(counters_next),
      .digest_o      (digest),
      .trace_valid_o (trace_valid_o),
      .trace_pc_o    (trace_pc_o),
      .trace_cycles_o(trace_cycles_o)
  );

  assign busy_o = front_busy || engine_busy;
endmodule

`default_nettype wire
