package compiler

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/diag"
	"github.com/nmc-fpga/nmc/firmware/device"
)

// readKey reads the file of the device's key: 32 hexadecimal digits, whose path is relative to net.toml's folder.
func readKey(net *config.Net) (key device.Key, err error) {
	path := net.Device.Key
	if path == "" {
		return key, nil
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(net.File), path)
	}
	text, err := os.ReadFile(path)
	if err == nil {
		if err = key.UnmarshalText(bytes.TrimSpace(text)); err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
	}
	if err != nil {
		return device.Key{}, diag.List{net.Diagnostic(net.Device.At["key"], err.Error(), "make a key with nmc key "+net.Device.Key)}
	}
	return key, nil
}
