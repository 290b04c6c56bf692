package kernel

import (
	"fmt"
	"strings"
	"testing"

	"tandem/internal/config"
	"tandem/internal/golden"
	"tandem/internal/linux/mroute"
)

// TestInterfaceLimit: as many interfaces can be committed as the table holds, and the page
// says so. The configuration knows no plane, so it has the number for itself.
func TestInterfaceLimit(t *testing.T) {
	const most = config.MaxKernelInterfaces
	if most != mroute.MaxInterfaces {
		t.Errorf("%d interfaces can be committed, the table holds %d", most, mroute.MaxInterfaces)
	}
	if row := fmt.Sprintf("| multicast interfaces, upstream included | %d |", most); !strings.Contains(golden.Read(t, "../../../docs/limits.md"), row) {
		t.Errorf("docs/limits.md does not say %q", row)
	}
}
