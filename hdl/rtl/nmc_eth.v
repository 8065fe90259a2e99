// nmc_eth: Ethernet before a device: bytes of a PHY's receiver and transmitter, in their clocks, one side; the byte stream
// in the device's clock on the other. What comes while the device takes nothing waits in a ring of packets.
//
// A reset of the device holds in all three clocks until each has seen it. A PHY without a clock is a cable that is not
// plugged in.
`default_nettype none

module nmc_eth #(
    parameter        Fifo  = 4096,  // bytes of the ring: a power of two, at least 2048
    parameter        Tally = 8,     // bits: so many events wait to be counted, beyond that some are not
    parameter [47:0] Mac   = 48'h026e6d630001,
    parameter [31:0] Ip    = 32'h0a000002,
    parameter [15:0] Port  = 16'd28269
) (
    input  wire       clk_i,
    input  wire       rst_i,           // synchronous, active high
    // from the PHY, see nmc_eth_rx
    input  wire       phy_rx_clk_i,
    input  wire       phy_rx_active_i,
    input  wire       phy_rx_valid_i,
    input  wire       phy_rx_error_i,
    input  wire [7:0] phy_rx_data_i,
    // to the PHY, see nmc_eth_tx
    input  wire       phy_tx_clk_i,
    input  wire       phy_tx_take_i,
    output wire       phy_tx_valid_o,
    output wire [7:0] phy_tx_data_o,
    // bytes to the device
    output wire       rx_valid_o,
    input  wire       rx_ready_i,
    output wire [7:0] rx_data_o,
    // bytes from the device
    input  wire       tx_valid_i,
    output wire       tx_ready_o,
    input  wire [7:0] tx_data_i,
    // to be counted: 0 frames broken on the line, 1 lost for want of room, 2 packets malformed, 3 for others
    output wire [3:0] count_valid_o,
    input  wire [3:0] count_ready_i,
    output wire       busy_o           // something is under way in the device's clock
);
  localparam R = $clog2(Fifo);
  localparam T = 11;

  // ---------------------------------------------------------------------------------------------------------------
  // Resets.
  wire      rx_rst, tx_rst;
  reg [1:0] rx_held_q, tx_held_q;
  reg       rst_q;
  nmc_reset u_rx_reset (
      .clk_i (phy_rx_clk_i),
      .arst_i(rst_i),
      .rst_o (rx_rst)
  );
  nmc_reset u_tx_reset (
      .clk_i (phy_tx_clk_i),
      .arst_i(rst_i),
      .rst_o (tx_rst)
  );
  initial {rx_held_q, tx_held_q, rst_q} = 5'h1f;
  always @(posedge clk_i)
    if (rst_i) {rx_held_q, tx_held_q, rst_q} <= 5'h1f;
    else begin
      rx_held_q <= {rx_held_q[0], rx_rst};
      tx_held_q <= {tx_held_q[0], tx_rst};
      rst_q     <= rx_held_q[1] || tx_held_q[1];
    end

  // ---------------------------------------------------------------------------------------------------------------
  // In.
  wire         rx_we, rx_commit, fcs, length, lost, packet, release_in;
  wire [R-1:0] rx_waddr, rx_raddr;
  wire [8:0]   rx_wdata, rx_rdata;
  wire [R:0]   rx_tail, rx_next;
  nmc_eth_rx #(
      .AddrBits(R)
  ) u_rx (
      .clk_i   (phy_rx_clk_i),
      .rst_i   (rx_rst),
      .active_i(phy_rx_active_i),
      .valid_i (phy_rx_valid_i),
      .error_i (phy_rx_error_i),
      .data_i  (phy_rx_data_i),
      .we_o    (rx_we),
      .addr_o  (rx_waddr),
      .data_o  (rx_wdata),
      .commit_o(rx_commit),
      .tail_i  (rx_tail),
      .fcs_o   (fcs),
      .length_o(length),
      .lost_o  (lost)
  );
  // A register before the ring, whose memory may be far: what is written a cycle later is no more than the room that was seen.
  reg         we_q, commit_q;
  reg [R-1:0] waddr_q;
  reg [8:0]   wdata_q;
  initial {we_q, commit_q} = 2'b00;
  always @(posedge phy_rx_clk_i) begin
    {we_q, commit_q} <= {rx_we, rx_commit};
    {waddr_q, wdata_q} <= {rx_waddr, rx_wdata};
  end
  nmc_ring #(
      .AddrBits(R)
  ) u_rx_ring (
      .wclk_i   (phy_rx_clk_i),
      .wrst_i   (rx_rst),
      .we_i     (we_q),
      .waddr_i  (waddr_q),
      .wdata_i  (wdata_q),
      .commit_i (commit_q),
      .tail_o   (rx_tail),
      .rclk_i   (clk_i),
      .rrst_i   (rst_q),
      .packet_o (packet),
      .raddr_i  (rx_raddr),
      .rdata_o  (rx_rdata),
      .release_i(release_in),
      .next_i   (rx_next)
  );

  // ---------------------------------------------------------------------------------------------------------------
  // Out.
  wire         tx_we, tx_commit, tx_packet, tx_release;
  wire [T-1:0] tx_waddr, tx_raddr;
  wire [8:0]   tx_wdata, tx_rdata;
  wire [T:0]   tx_tail, tx_next;
  nmc_ring #(
      .AddrBits(T)
  ) u_tx_ring (
      .wclk_i   (clk_i),
      .wrst_i   (rst_q),
      .we_i     (tx_we),
      .waddr_i  (tx_waddr),
      .wdata_i  (tx_wdata),
      .commit_i (tx_commit),
      .tail_o   (tx_tail),
      .rclk_i   (phy_tx_clk_i),
      .rrst_i   (tx_rst),
      .packet_o (tx_packet),
      .raddr_i  (tx_raddr),
      .rdata_o  (tx_rdata),
      .release_i(tx_release),
      .next_i   (tx_next)
  );
  // Whether a packet is there is asked in the gap, long after the one before was released: a register later is soon enough.
  reg tx_packet_q;
  initial tx_packet_q = 1'b0;
  always @(posedge phy_tx_clk_i) tx_packet_q <= tx_packet;
  nmc_eth_tx #(
      .AddrBits(T)
  ) u_tx (
      .clk_i    (phy_tx_clk_i),
      .rst_i    (tx_rst),
      .packet_i (tx_packet_q),
      .addr_o   (tx_raddr),
      .data_i   (tx_rdata),
      .release_o(tx_release),
      .next_o   (tx_next),
      .take_i   (phy_tx_take_i),
      .valid_o  (phy_tx_valid_o),
      .data_o   (phy_tx_data_o)
  );

  // ---------------------------------------------------------------------------------------------------------------
  // Between them.
  wire refused, foreign, net_busy;
  nmc_net #(
      .RxBits(R),
      .TxBits(T),
      .Mac   (Mac),
      .Ip    (Ip),
      .Port  (Port)
  ) u_net (
      .clk_i       (clk_i),
      .rst_i       (rst_q),
      .in_packet_i (packet),
      .in_addr_o   (rx_raddr),
      .in_data_i   (rx_rdata),
      .in_release_o(release_in),
      .in_next_o   (rx_next),
      .out_we_o    (tx_we),
      .out_addr_o  (tx_waddr),
      .out_data_o  (tx_wdata),
      .out_commit_o(tx_commit),
      .out_tail_i  (tx_tail),
      .rx_valid_o  (rx_valid_o),
      .rx_ready_i  (rx_ready_i),
      .rx_data_o   (rx_data_o),
      .tx_valid_i  (tx_valid_i),
      .tx_ready_o  (tx_ready_o),
      .tx_data_i   (tx_data_i),
      .refused_o   (refused),
      .foreign_o   (foreign),
      .busy_o      (net_busy)
  );

  // ---------------------------------------------------------------------------------------------------------------
  // What is counted.
  wire broken_in, lost_in;
  nmc_pulse u_broken (
      .clk_i  (phy_rx_clk_i),
      .rst_i  (rx_rst),
      .pulse_i(fcs || length),
      .oclk_i (clk_i),
      .orst_i (rst_q),
      .pulse_o(broken_in)
  );
  nmc_pulse u_lost (
      .clk_i  (phy_rx_clk_i),
      .rst_i  (rx_rst),
      .pulse_i(lost),
      .oclk_i (clk_i),
      .orst_i (rst_q),
      .pulse_o(lost_in)
  );
  wire [3:0] events = {foreign, refused, lost_in, broken_in};
  genvar g;
  generate
    for (g = 0; g < 4; g = g + 1) begin : g_tally
      nmc_tally #(
          .Width(Tally)
      ) u_tally (
          .clk_i  (clk_i),
          .rst_i  (rst_q),
          .event_i(events[g]),
          .valid_o(count_valid_o[g]),
          .ready_i(count_ready_i[g])
      );
    end
  endgenerate

  assign busy_o = rst_q || net_busy || count_valid_o != 4'd0;
endmodule

`default_nettype wire
