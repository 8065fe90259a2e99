package main

import (
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/nmc-fpga/nmc/firmware/device"
)

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of nmc and of its instruction set",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			v := struct {
				Version string `json:"version"`
				Commit  string `json:"commit"`
				ISA     int    `json:"isa"`
				Go      string `json:"go"`
			}{"devel", "", device.Version, runtime.Version()}
			if info, ok := debug.ReadBuildInfo(); ok {
				if s := info.Main.Version; s != "" && s != "(devel)" {
					v.Version = s
				}
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						v.Commit = s.Value
					}
				}
			}
			a.answer = v
			a.say("nmc %s, instruction set %d, %s %s/%s\n", v.Version, v.ISA, v.Go, runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}
