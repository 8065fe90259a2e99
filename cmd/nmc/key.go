package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/nmc-fpga/nmc/firmware/device"
)

func newKey(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "key FILE",
		Short: "Make a key for a device on a shared network: it then obeys nobody without it",
		Long: `Make a key of 16 random bytes for a device on a shared network. With key = "FILE" in the [device] section of net.toml the device obeys only frames
that are tagged with it. The build folder holds the key, too: who has either can steer the device.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("nmc key: name one file to make, such as: nmc key nmc.key")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var key device.Key
			rand.Read(key[:])
			text, err := key.MarshalText()
			if err != nil {
				return err
			}
			f, err := os.OpenFile(args[0], os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if errors.Is(err, fs.ErrExist) {
				return fmt.Errorf("%s exists; devices that have its key would obey no longer: name another file, or remove it first", args[0])
			}
			if err != nil {
				return err
			}
			if _, err := f.Write(append(text, '\n')); err != nil {
				f.Close()
				os.Remove(args[0])
				return err
			}
			if err := f.Close(); err != nil {
				return err
			}
			a.answer = struct {
				Key string `json:"key"`
			}{args[0]}
			a.say("%s: a new key, for you alone to read; write key = %q into [device] of net.toml\n", args[0], args[0])
			return nil
		},
	}
}
