package link

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal makes a pseudo-terminal and returns the path of its far end.
func terminal(t *testing.T) string {
	t.Helper()
	m, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	fd := int(m.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("/dev/pts/%d", n)
}

// asNobody calls f as a user without rights, if this one has them.
func asNobody(t *testing.T, f func() error) error {
	t.Helper()
	if os.Geteuid() != 0 {
		return f()
	}
	got := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine, and its user with it
		const same, nobody = ^uintptr(0), 65534
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, same, nobody, same); errno != 0 {
			got <- fmt.Errorf("setresuid: %w", errno)
			return
		}
		got <- f()
	}()
	return <-got
}

// Why a serial port cannot be opened, and what to do.
func TestSerialErrors(t *testing.T) {
	path := terminal(t)
	a := Address{Kind: "serial", Path: path, Baud: 115200}
	open := func() error {
		l, err := Open(t.Context(), a)
		if err == nil {
			l.Close()
		}
		return err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	want := "serial port " + path + " may not be opened by this user; join the group that owns it, dialout on most systems: sudo usermod -aG dialout $USER, then log in again"
	if os.Geteuid() != 0 { // its owner
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := asNobody(t, open); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	first, err := Open(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	want = "serial port " + path + " is in use; end the other program that has it open"
	if err := asNobody(t, open); err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}

	for _, c := range []struct {
		a    Address
		want string
	}{
		{Address{Kind: "serial", Path: "/dev/no-such-port", Baud: 9600}, "no serial port /dev/no-such-port; nmc devices lists those that there are"},
		{Address{Kind: "serial", Path: "/dev/ttyX"}, "the baud of serial port /dev/ttyX is not known; write serial:/dev/ttyX@BAUD"},
	} {
		if _, err := Open(t.Context(), c.a); err == nil || err.Error() != c.want {
			t.Errorf("%v: error %v, want %s", c.a, err, c.want)
		}
	}
	if err := refused(a, errors.New("odd")); err.Error() != "serial port "+path+": odd" {
		t.Errorf("error %v", err)
	}
}
