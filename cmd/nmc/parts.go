package main

import "github.com/nmc-fpga/nmc/firmware/device"

// A part is an FPGA, as far as memory and multipliers decide what fits it.
type part struct {
	name        string
	weightBits  int // memory for weights only; 0: they share blockBits
	blockBits   int // block memory
	multipliers int // 16 by 16 bits or wider
}

// parts are the FPGAs that compile compares a device with; figures from the vendors' data sheets.
var parts = []part{
	{"iCE40 UP5K", 4 * 16384 * 16, 30 * 4096, 8},
	{"ECP5-25F", 0, 56 * 18432, 28},
	{"ECP5-85F", 0, 208 * 18432, 156},
	{"Artix-7 35T", 0, 50 * 36864, 90},
	{"Artix-7 100T", 0, 135 * 36864, 240},
}

// multipliersPerLane: the exact product of rate, v and s takes two.
const multipliersPerLane = 2

// holds says whether the device's memories and multipliers fit the part, and if not, which do not.
func (p part) holds(c device.Config) (ok bool, why string) {
	weights := c.WeightDepth * c.Lanes * 16
	block := c.VectorDepth*c.Lanes*16 + c.ProgramDepth*128 + c.TableDepth*32
	if p.weightBits == 0 {
		block += weights
	}
	switch {
	case c.Lanes*multipliersPerLane > p.multipliers:
		return false, "multipliers"
	case p.weightBits > 0 && weights > p.weightBits:
		return false, "weight memory"
	case block > p.blockBits:
		return false, "block memory"
	}
	return true, ""
}
