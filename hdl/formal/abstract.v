// Stand-ins of leaf modules for proofs of the modules around them: what they give is any value that the real ones could.
`default_nettype none

module nmc_byte_ram #(
    parameter         Depth = 256,
    parameter [127:0] Tail  = 128'd0
) (
    input  wire                     clk_i,
    input  wire                     we_i,
    input  wire [$clog2(Depth)-1:0] waddr_i,
    input  wire [7:0]               wdata_i,
    input  wire [$clog2(Depth)-1:0] raddr_i,
    output reg  [7:0]               rdata_o
);
  // A byte that is read again without a write in between is the same.
  (* anyseq *) reg [7:0] any;
  reg [$clog2(Depth)-1:0] raddr_q;
  reg we_q;
  always @(posedge clk_i) begin
    raddr_q <= raddr_i;
    we_q <= we_i;
    if (we_q || raddr_i != raddr_q) rdata_o <= any;
  end
endmodule

module nmc_crc32 #(
    parameter Width = 8
) (
    input  wire             clk_i,
    input  wire             clear_i,
    input  wire             valid_i,
    input  wire             shift_i,
    input  wire [Width-1:0] data_i,
    output wire [31:0]      crc_o
);
  (* anyseq *) wire [31:0] any;
  assign crc_o = any;
endmodule

module nmc_ring_ram #(
    parameter AddrBits = 12
) (
    input  wire                wclk_i,
    input  wire                we_i,
    input  wire [AddrBits-1:0] waddr_i,
    input  wire [8:0]          wdata_i,
    input  wire                rclk_i,
    input  wire [AddrBits-1:0] raddr_i,
    output wire [8:0]          rdata_o
);
  (* anyseq *) wire [8:0] any;
  assign rdata_o = any;
endmodule

module nmc_sum (
    input  wire        clk_i,
    input  wire        clear_i,
    input  wire        valid_i,
    input  wire [7:0]  data_i,
    output reg  [15:0] sum_o
);
  (* anyseq *) reg [15:0] any;
  always @(posedge clk_i) if (clear_i || valid_i) sum_o <= any;
endmodule

module nmc_eth_fcs (
    input  wire [31:0] crc_i,
    input  wire [7:0]  data_i,
    output wire [31:0] crc_o
);
  (* anyseq *) wire [31:0] any;
  assign crc_o = any;
endmodule

`default_nettype wire
