package ebpf

import (
	"fmt"
	"strings"
	"testing"

	"tandem/internal/config"
	"tandem/internal/golden"
)

// TestLimits: the plane can hold everything that can be committed, and the documentation
// gives the right numbers.
func TestLimits(t *testing.T) {
	if config.MaxEBPFInterfaces > mostOutputs {
		t.Errorf("%d interfaces can be committed, the plane holds %d", config.MaxEBPFInterfaces, mostOutputs)
	}
	page := golden.Read(t, "../../../docs/limits.md")
	for _, row := range []string{"| the same with `forwarding-plane ebpf` | 1,024 |", fmt.Sprintf("| entries with `forwarding-plane ebpf` | %d,%d |", mostRoutes/1000, mostRoutes%1000)} {
		if !strings.Contains(page, row) {
			t.Errorf("docs/limits.md does not say %q", row)
		}
	}
}
