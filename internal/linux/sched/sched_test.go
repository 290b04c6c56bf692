package sched

import (
	"os"
	"os/exec"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// raisedArg makes the test's own file raise itself, so that the tests beside do not run
// at another priority.
const raisedArg = "raised"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == raisedArg {
		if err := RaiseProcess(); err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		os.Stdout.WriteString(everyThread())
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// everyThread tells the niceness of a thread that was there and of one that starts now.
func everyThread() string {
	told := make(chan string)
	tell := func() {
		runtime.LockOSThread() // and ends with it, so that the next is another one
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

func TestRaiseProcess(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	out, err := exec.Command("/proc/self/exe", raisedArg).Output()
	if err != nil || string(out) != "raised, raised" {
		t.Errorf("%q, %v", out, err)
	}
}
