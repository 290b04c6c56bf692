package testnet

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// WithoutCapabilities runs f on a thread that has no capabilities. The thread ends
// afterwards.
func WithoutCapabilities(t testing.TB, f func()) {
	t.Helper()
	WithCapabilities(t, f)
}

// WithCapabilities runs f on a thread that has only some capabilities, such as
// [unix.CAP_NET_ADMIN].
func WithCapabilities(t testing.TB, f func(), some ...uint) {
	t.Helper()
	failed := make(chan error)
	go func() {
		// The goroutine stays locked to its thread, so that the thread ends with it.
		runtime.LockOSThread()
		head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var sets [2]unix.CapUserData
		for _, c := range some {
			sets[c/32].Effective |= 1 << (c % 32)
			sets[c/32].Permitted |= 1 << (c % 32)
		}
		err := unix.Capset(&head, &sets[0])
		if err == nil {
			f()
		}
		failed <- err
	}()
	Must(t, <-failed)
}
