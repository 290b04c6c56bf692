package lab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"tandem/internal/etrunk"
)

// TestStreamsSplitEvenly: each device sends some of the streams, so that every fault concerns
// streams that the faulty device sends.
func TestStreamsSplitEvenly(t *testing.T) {
	var count [2]int
	for _, s := range streams {
		count[etrunk.BucketOf(sourceAddr, s.group)]++
	}
	if count[0] != len(streams)/2 {
		t.Errorf("buckets hold %v streams", count)
	}
}

func TestEveryStreamHasTwoListeners(t *testing.T) {
	hosts := make(map[stream]map[int]bool)
	for _, m := range memberships() {
		if m.host == v1Host && m.stream.ssm {
			t.Errorf("%v: an MLDv1 host cannot name a source", m)
		}
		if hosts[m.stream] == nil {
			hosts[m.stream] = make(map[int]bool)
		}
		hosts[m.stream][m.host] = true
	}
	for _, s := range streams {
		if len(hosts[s]) != 2 {
			t.Errorf("%v has listeners %v", s, hosts[s])
		}
	}
}

// TestProceduresMirror: the two procedures differ only where necessary.
func TestProceduresMirror(t *testing.T) {
	a, b := strings.Split(string(procedureA), "\n"), strings.Split(string(procedureB), "\n")
	if len(a) != len(b) {
		t.Fatalf("%d and %d lines", len(a), len(b))
	}
	for i := range a {
		wa, wb := strings.Fields(a[i]), strings.Fields(b[i])
		if len(wa) != len(wb) || len(wa) > 0 && wa[0] != wb[0] {
			t.Errorf("line %d: %q and %q", i+1, a[i], b[i])
		}
	}
	if !bytes.Contains(procedureA, fmt.Appendf(nil, "port %d\n", rbsPort)) {
		t.Errorf("the procedure does not use port %d", rbsPort)
	}
}

func TestProcessIsToldFromALaterOne(t *testing.T) {
	self, err := identify(os.Getpid(), "test")
	if err != nil {
		t.Fatal(err)
	}
	if !self.alive() {
		t.Error("this process is said to have ended")
	}
	later := self
	later.Start++
	if later.alive() {
		t.Error("a process of another start time is taken for this one")
	}
	child := exec.Command("true")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	p, err := identify(child.Process.Pid, "child")
	child.Wait()
	if err == nil && p.alive() {
		t.Error("a process that has ended is said to live")
	}
}

// TestOwnDirectory: the lab refuses a state directory that another user can write, and
// does not remove it.
func TestOwnDirectory(t *testing.T) {
	dir := t.TempDir()
	p := plan{prefix: "nobodys", dir: dir + "/lab"}
	link := func() error { return os.Symlink(dir, p.dir) }
	open := func() error { return errors.Join(os.Mkdir(p.dir, 0o700), os.Chmod(p.dir, 0o777)) }
	for what, make := range map[string]func() error{"is no directory": link, "other users can write": open} {
		if err := make(); err != nil {
			t.Fatal(err)
		}
		if _, err := newRecord(p); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("up: %v", err)
		}
		if found, err := takeDown(p); found || err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("down: %v, %v", found, err)
		}
		if err := os.Remove(p.dir); err != nil {
			t.Error(err)
		}
	}
}
