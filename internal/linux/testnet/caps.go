package testnet

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// WithoutCapabilities runs f on a thread that has no capabilities, which is
// thrown away afterwards.
func WithoutCapabilities(t testing.TB, f func()) {
	t.Helper()
	failed := make(chan error)
	go func() {
		// Never unlocked: the thread ends with the goroutine.
		runtime.LockOSThread()
		head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		err := unix.Capset(&head, &none[0])
		if err == nil {
			f()
		}
		failed <- err
	}()
	Must(t, <-failed)
}
