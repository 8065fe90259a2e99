//go:build !darwin || cgo

package discover

import (
	"cmp"
	"slices"

	"go.bug.st/serial/enumerator"
)

// Ports returns the serial ports of the machine, by name.
func Ports() ([]Port, error) {
	list, err := enumerator.GetDetailedPortsList()
	if err != nil {
		return nil, err
	}
	var ports []Port
	for _, p := range list {
		port := Port{Path: p.Name}
		if p.IsUSB {
			port.USB, port.Product, port.Serial = p.VID+":"+p.PID, p.Product, p.SerialNumber
		}
		ports = append(ports, port)
	}
	slices.SortFunc(ports, func(a, b Port) int { return cmp.Compare(a.Path, b.Path) })
	return ports, nil
}
