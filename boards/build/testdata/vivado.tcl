# vivado.tcl: the bitstream for Arty A7-100T. Made by nmc build.
#
#   vivado -mode batch -source vivado.tcl
read_verilog nmc_board.v
read_verilog nmc_top.v
read_verilog rtl/nmc_a.v
read_xdc nmc_board.xdc
synth_design -top nmc_board -part xc7a100tcsg324-1 -include_dirs gen -verilog_define SYNTHESIS
opt_design
place_design
phys_opt_design
route_design
report_utilization -file utilization.rpt
report_timing_summary -file timing.rpt
set slack [get_property SLACK [get_timing_paths]]
if {$slack < 0} { error "timing missed by [expr {-$slack}] ns; the paths are in timing.rpt" }
write_bitstream -force bitstream.bit
