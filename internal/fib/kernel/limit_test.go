package kernel

import (
	"fmt"
	"strings"
	"testing"

	"tandem/internal/config"
	"tandem/internal/golden"
	"tandem/internal/linux/mroute"
)

// TestInterfaceLimit: the configuration permits as many interfaces as the table holds, and
// the documentation names the same number. The configuration has a constant of its own,
// because it does not import a plane.
func TestInterfaceLimit(t *testing.T) {
	const most = config.MaxKernelInterfaces
	if most != mroute.MaxInterfaces {
		t.Errorf("%d interfaces can be committed, the table holds %d", most, mroute.MaxInterfaces)
	}
	if row := fmt.Sprintf("| multicast interfaces, upstream included | %d |", most); !strings.Contains(golden.Read(t, "../../../docs/limits.md"), row) {
		t.Errorf("docs/limits.md does not say %q", row)
	}
}
