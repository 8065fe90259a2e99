//go:build unix

package build

import (
	"os/exec"
	"syscall"
)

// group makes a command the head of a process group that ends as a whole: Yosys has children of its own.
func group(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
