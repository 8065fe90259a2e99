// The device on two files: reads the bytes of IN (hexadecimal, one a line, ended by 100), writes what the device answers to
// OUT as text, one byte a line, and stops when the device is idle and its input at the end.
`default_nettype none
`timescale 1ns / 1ns

module device_tb;
  reg        clk = 1'b0;
  reg        rst = 1'b1;
  reg        rx_valid = 1'b0;
  reg  [7:0] rx_data = 8'd0;
  wire       rx_ready, tx_valid, busy;
  wire [7:0] tx_data;
  reg        tx_ready = 1'b1;
  reg  [8:0] bytes[0:1048575];
  integer    at = 0, quiet = 0, cycles = 0, limit, out;
  reg [8*256-1:0] in_name, out_name;

  nmc_top u_top (
      .clk_i(clk),
      .rst_i(rst),
      .rx_valid_i(rx_valid),
      .rx_ready_o(rx_ready),
      .rx_data_i(rx_data),
      .tx_valid_o(tx_valid),
      .tx_ready_i(tx_ready),
      .tx_data_o(tx_data),
      .busy_o(busy),
      .trace_valid_o(),
      .trace_pc_o(),
      .trace_cycles_o()
  );

  always #5 clk = !clk;

  initial begin
    if (!$value$plusargs("in=%s", in_name) || !$value$plusargs("out=%s", out_name)) begin
      $display("device_tb: +in=FILE and +out=FILE are needed");
      $finish(2);
    end
    if (!$value$plusargs("limit=%d", limit)) limit = 10000000;
    $readmemh(in_name, bytes);
    out = $fopen(out_name, "w");
    repeat (4) @(negedge clk);
    rst = 1'b0;
  end

  // Inputs change at the falling edge, handshakes are looked at just before the rising one.
  always @(negedge clk)
    if (!rst) begin
      rx_valid = !bytes[at][8];
      rx_data  = bytes[at][7:0];
      // The host is not always ready.
      tx_ready = cycles % 7 != 3;
      #4;
      if (tx_valid && tx_ready) $fwrite(out, "%02x\n", tx_data);
      if (rx_valid && rx_ready) at = at + 1;
      cycles = cycles + 1;
      quiet  = rx_valid || busy || tx_valid ? 0 : quiet + 1;
      if (quiet == 4 || cycles == limit) begin
        $fwrite(out, "// %0d cycles, %s\n", cycles, quiet == 4 ? "idle" : "limit reached");
        $fclose(out);
        $finish;
      end
    end
endmodule

`default_nettype wire
