package identity

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDeviceID: a device keeps its identity after a restart. With another state directory it
// has another one.
func TestDeviceID(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	first, err := DeviceID(dir)
	if err != nil || first == 0 {
		t.Fatal(first, err)
	}
	for range 2 {
		if again, err := DeviceID(dir); err != nil || again != first {
			t.Errorf("%016x after %016x, %v", again, first, err)
		}
	}
	if other, err := DeviceID(t.TempDir()); err != nil || other == first {
		t.Errorf("another device is %016x, too, %v", other, err)
	}
	for _, damage := range []string{"", "0000000000000000\n", "7g"} {
		path := filepath.Join(dir, "device-id")
		if err := os.WriteFile(path, []byte(damage), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := DeviceID(dir); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %v", damage, err)
		}
	}
}
