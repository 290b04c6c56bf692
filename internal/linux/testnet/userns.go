package testnet

import (
	"errors"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"

	"tandem/internal/linux/netns"
)

// insideKey is the environment variable that marks a test started by InUserNamespace.
const insideKey = "TANDEM_TEST_USERNS"

// nobody is the ID of a user without any privilege.
const nobody = 65534

// Inside says whether the test runs in a user namespace made by InUserNamespace.
func Inside() bool { return os.Getenv(insideKey) != "" }

// InUserNamespace runs all other tests of the package again as root of a user namespace
// that belongs to a user without privileges. It skips the test if the kernel or its policy
// does not permit user namespaces.
func InUserNamespace(t *testing.T) {
	t.Helper()
	if Inside() {
		t.Skip("already in a user namespace")
	}
	cmd := exec.Command("/proc/self/exe", "-test.v", "-test.skip=^"+regexp.QuoteMeta(t.Name())+"$")
	cmd.Env = append(os.Environ(), insideKey+"=1")
	netns.Unprivileged(cmd)
	if a := cmd.SysProcAttr; os.Getuid() == 0 {
		a.UidMappings[0].HostID, a.GidMappings[0].HostID = nobody, nobody
		a.Credential = &syscall.Credential{NoSetGroups: true}
	}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) {
		t.Skip("kernel lacks user namespaces for users without privileges")
	}
	passed := regexp.MustCompile(`(?m)^--- PASS`).FindAll(out, -1)
	if err != nil || len(passed) == 0 {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%d tests passed in a user namespace", len(passed))
}
