module github.com/nmc-fpga/nmc

go 1.26
