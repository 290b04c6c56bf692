package caps

import (
	"errors"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/testnet"
)

func TestCheck(t *testing.T) {
	const admin, raw = uint64(1) << unix.CAP_NET_ADMIN, uint64(1) << unix.CAP_NET_RAW
	tests := map[string]struct {
		effective uint64
		missing   []string
	}{
		"both":    {admin | raw | 1, nil},
		"no raw":  {admin, []string{"CAP_NET_RAW"}},
		"neither": {0, []string{"CAP_NET_ADMIN", "CAP_NET_RAW"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := check(tt.effective)
			var missing *MissingError
			if !errors.As(err, &missing) {
				if err != nil || tt.missing != nil {
					t.Fatalf("check = %v, want missing %v", err, tt.missing)
				}
				return
			}
			if !slices.Equal(missing.Names, tt.missing) {
				t.Errorf("missing %v, want %v", missing.Names, tt.missing)
			}
		})
	}
}

func TestCheckWithoutAny(t *testing.T) {
	testnet.WithoutCapabilities(t, func() {
		var missing *MissingError
		if err := Check(); !errors.As(err, &missing) || len(missing.Names) != 2 {
			t.Errorf("Check = %v, want both missing", err)
		}
	})
}

func TestCheckProcess(t *testing.T) {
	// Check must work whatever capabilities the process has.
	var missing *MissingError
	if err := Check(); err != nil && !errors.As(err, &missing) {
		t.Fatal(err)
	}
}
