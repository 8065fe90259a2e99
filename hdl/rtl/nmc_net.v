// nmc_net: ARP, ping, IPv4 and UDP between two rings of packets and a device's byte stream.
//
// One address, one port, one peer: that which sent the last good datagram. Memory and time are bounded: what is not for the
// device is walked over, what is not well formed is counted, and neither changes anything.
`default_nettype none

module nmc_net #(
    parameter        RxBits = 12,  // of an address in the ring of packets in
    parameter        TxBits = 11,  // ... out
    parameter [47:0] Mac    = 48'h026e6d630001,
    parameter [31:0] Ip     = 32'h0a000002,
    parameter [15:0] Port   = 16'd28269
) (
    input  wire              clk_i,
    input  wire              rst_i,         // synchronous, active high
    // packets in
    input  wire              in_packet_i,
    output wire [RxBits-1:0] in_addr_o,
    input  wire [8:0]        in_data_i,
    output wire              in_release_o,
    output wire [RxBits:0]   in_next_o,
    // packets out
    output wire              out_we_o,
    output wire [TxBits-1:0] out_addr_o,
    output wire [8:0]        out_data_o,
    output wire              out_commit_o,
    input  wire [TxBits:0]   out_tail_i,
    // bytes to the device
    output wire              rx_valid_o,
    input  wire              rx_ready_i,
    output wire [7:0]        rx_data_o,
    // bytes from the device
    input  wire              tx_valid_i,
    output wire              tx_ready_o,
    input  wire [7:0]        tx_data_i,
    // packets dropped, a pulse each
    output wire              refused_o,     // malformed
    output wire              foreign_o,     // for another address, protocol or port
    output wire              busy_o
);
  wire        peer_valid, peer_ready, answer_valid, answer_ready, rx_busy, tx_busy;
  wire [3:0]  peer_addr;
  wire [7:0]  peer_data;
  wire [10:0] answer_addr;
  wire [8:0]  answer_data;
  assign busy_o = rx_busy || tx_busy;

  nmc_net_rx #(
      .AddrBits(RxBits),
      .Mac     (Mac),
      .Ip      (Ip),
      .Port    (Port)
  ) u_rx (
      .clk_i         (clk_i),
      .rst_i         (rst_i),
      .packet_i      (in_packet_i),
      .addr_o        (in_addr_o),
      .data_i        (in_data_i),
      .release_o     (in_release_o),
      .next_o        (in_next_o),
      .valid_o       (rx_valid_o),
      .ready_i       (rx_ready_i),
      .data_o        (rx_data_o),
      .peer_valid_o  (peer_valid),
      .peer_ready_i  (peer_ready),
      .peer_addr_o   (peer_addr),
      .peer_data_o   (peer_data),
      .answer_valid_o(answer_valid),
      .answer_ready_i(answer_ready),
      .answer_addr_o (answer_addr),
      .answer_data_o (answer_data),
      .refused_o     (refused_o),
      .foreign_o     (foreign_o),
      .busy_o        (rx_busy)
  );

  nmc_net_tx #(
      .AddrBits(TxBits),
      .Mac     (Mac),
      .Ip      (Ip),
      .Port    (Port)
  ) u_tx (
      .clk_i         (clk_i),
      .rst_i         (rst_i),
      .valid_i       (tx_valid_i),
      .ready_o       (tx_ready_o),
      .data_i        (tx_data_i),
      .peer_valid_i  (peer_valid),
      .peer_ready_o  (peer_ready),
      .peer_addr_i   (peer_addr),
      .peer_data_i   (peer_data),
      .answer_valid_i(answer_valid),
      .answer_ready_o(answer_ready),
      .answer_addr_i (answer_addr),
      .answer_data_i (answer_data),
      .we_o          (out_we_o),
      .addr_o        (out_addr_o),
      .data_o        (out_data_o),
      .commit_o      (out_commit_o),
      .tail_i        (out_tail_i),
      .busy_o        (tx_busy)
  );
endmodule

`default_nettype wire
