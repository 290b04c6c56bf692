package ebpf

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/testnet"
)

// TestLeastCapabilities: the verifier accepts the program from a daemon with only the
// unit's capabilities. If one is missing, the error says what to do.
func TestLeastCapabilities(t *testing.T) {
	testnet.NewNode(t) // needs root, too
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
