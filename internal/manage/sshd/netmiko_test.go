package sshd

import (
	"os/exec"
	"testing"

	"tandem/internal/config"
)

// TestNetmiko uses the two drivers of netmiko for VRP to read and configure a device.
func TestNetmiko(t *testing.T) {
	const python = "/usr/bin/python3" // Debian's packages are for this interpreter
	if err := exec.Command(python, "-c", "import netmiko").Run(); err != nil {
		t.Skip("python3-netmiko is missing")
	}
	for _, driver := range []string{"huawei", "huawei_vrpv8"} {
		t.Run(driver, func(t *testing.T) {
			d := newDevice(t, t.TempDir())
			key := d.user("ann", 2, "rsa", "-b", "3072", "-m", "PEM")
			out, err := exec.CommandContext(t.Context(), python, "testdata/netmiko_test.py", d.port, key, driver).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			trunk := d.system.Store.Running().Interfaces[config.EthTrunkName(20)]
			if trunk == nil || trunk.Description != "is it so? a|b" || trunk.ETrunk != 0 {
				t.Errorf("what is committed: %+v", trunk)
			}
		})
	}
}
