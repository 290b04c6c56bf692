package ebpf

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/testnet"
)

// TestLeastCapabilities: the verifier takes the program from a daemon that has no more than
// the unit gives it, and the error says what there is to do where one is missing.
func TestLeastCapabilities(t *testing.T) {
	testnet.NewNode(t) // needs root as well
	if err := Able(); err != nil {
		t.Skip(err)
	}
	testnet.WithCapabilities(t, func() {
		if err := Able(); err != nil {
			t.Errorf("with CAP_BPF and CAP_NET_ADMIN: %+v", err)
		}
	}, unix.CAP_BPF, unix.CAP_NET_ADMIN)
	for _, one := range []uint{unix.CAP_BPF, unix.CAP_NET_ADMIN} {
		testnet.WithCapabilities(t, func() {
			if err := Able(); !errors.Is(err, ErrUnsupported) {
				t.Errorf("with capability %d alone: %v", one, err)
			}
		}, one)
	}
}
