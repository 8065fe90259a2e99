//go:build darwin && !cgo

package discover

import (
	"slices"

	"go.bug.st/serial"
)

// Ports returns the serial ports of the machine, by name. What their USB says cannot be asked without cgo here.
func Ports() ([]Port, error) {
	list, err := serial.GetPortsList()
	if err != nil {
		return nil, err
	}
	slices.Sort(list)
	ports := make([]Port, len(list))
	for i, path := range list {
		ports[i].Path = path
	}
	return ports, nil
}
