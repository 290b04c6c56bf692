package trunkguard_test

import (
	"testing"

	"tandem/internal/linux/testnet"
	"tandem/internal/trunkguard"
)

// TestTakeLegsDown: the legs go down and no other interface does. A leg that no longer
// exists does not stop this.
func TestTakeLegsDown(t *testing.T) {
	device, hosts, runDir := testnet.NewNode(t), testnet.NewNode(t), t.TempDir()
	for _, name := range []string{"leg1", "leg2", "up0"} {
		testnet.Cable(t, device, name, hosts, name)
	}
	takeDown := func() {
		t.Helper()
		device.In(t, func() error { return trunkguard.TakeLegsDown(runDir) })
	}
	takeDown() // the daemon had no configuration yet
	testnet.Must(t, trunkguard.WriteLegs(runDir, []string{"leg1", "gone", "leg2"}))
	for name, up := range map[string]bool{"leg1": true, "leg2": true, "up0": true} {
		isUp(t, device, name, up)
	}
	takeDown()
	for name, up := range map[string]bool{"leg1": false, "leg2": false, "up0": true} {
		isUp(t, device, name, up)
	}
}

func isUp(t *testing.T, n *testnet.Node, name string, up bool) {
	t.Helper()
	link, err := n.Links.Link(name)
	testnet.Must(t, err)
	if link.AdminUp != up {
		t.Errorf("%s is up: %v, want %v", name, link.AdminUp, up)
	}
}
