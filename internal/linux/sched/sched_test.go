package sched

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// raisedArg makes the test program raise itself in a process of its own, so that other
// tests do not run at another priority.
const raisedArg = "raised"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == raisedArg {
		if err := RaiseProcess(); err != nil {
			os.Stdout.WriteString(err.Error())
			os.Exit(1)
		}
		os.Stdout.WriteString(everyThread())
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// everyThread returns the niceness of an existing thread and of a new one.
func everyThread() string {
	told := make(chan string)
	tell := func() {
		runtime.LockOSThread() // and ends with it, so that the next goroutine gets another thread
		attr, err := unix.SchedGetAttr(0, 0)
		if err != nil {
			told <- err.Error()
			return
		}
		told <- map[bool]string{true: "raised", false: "not raised"}[attr.Nice == niceness]
	}
	go tell()
	first := <-told
	go tell()
	return first + ", " + <-told
}

// TestRaiseProcess works for a process of any session: in CI the scheduler does not group
// the sessions of the tests.
func TestRaiseProcess(t *testing.T) {
	if !mayRaise(t) {
		t.Skip("needs CAP_SYS_NICE")
	}
	out, err := exec.Command("/proc/self/exe", raisedArg).Output()
	if err != nil || string(out) != "raised, raised" {
		t.Errorf("%q, %v", out, err)
	}
}

// TestRaiseForbidden: without the capability the error says what the system refused.
func TestRaiseForbidden(t *testing.T) {
	drop := []string{"--bounding-set", "-sys_nice", "--inh-caps", "-sys_nice", "--"}
	if err := exec.Command("setpriv", append(drop, "true")...).Run(); err != nil {
		t.Skip("setpriv: ", err)
	}
	out, err := exec.Command("setpriv", append(drop, os.Args[0], raisedArg)...).Output()
	if err == nil || !strings.Contains(string(out), "nice -10: operation not permitted") {
		t.Errorf("%q, %v", out, err)
	}
}

// mayRaise reports whether the system permits a process like this one to raise itself. In a
// container, root may lack the capability.
func mayRaise(t *testing.T) bool {
	t.Helper()
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&head, &sets[0]); err != nil {
		t.Fatal(err)
	}
	return sets[0].Effective&(1<<unix.CAP_SYS_NICE) != 0
}
