package config

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fakeDevice records what was applied and how trials ended. Timers call it from other
// goroutines.
type fakeDevice struct {
	mu      sync.Mutex
	applied []string
	ends    []error
	refusal error
}

func (d *fakeDevice) apply(m *Model) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.refusal != nil {
		return d.refusal
	}
	d.applied = append(d.applied, m.SysName)
	return nil
}

func (d *fakeDevice) ended(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ends = append(d.ends, err)
}

// refuse makes the device refuse configurations from now on; nil ends that.
func (d *fakeDevice) refuse(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refusal = err
}

// seen returns what was recorded so far.
func (d *fakeDevice) seen() (applied []string, ends []error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.applied), slices.Clone(d.ends)
}

// trying begins a trial of ten minutes that changes the sysname from A to B. Without ended,
// the device itself records the end.
func trying(t *testing.T, dir, persist string, ended func(error)) (*Store, *Candidate, *fakeDevice) {
	t.Helper()
	s, d := openStore(t, dir), &fakeDevice{}
	c := s.Begin()
	edit(t, c, "sysname A")
	commit(t, s, c)
	edit(t, c, "sysname B")
	if ended == nil {
		ended = d.ended
	}
	o := CommitOptions{PointInfo: PointInfo{User: "ann", Label: "try"}, Trial: 10 * time.Minute, Persist: persist, Ended: ended}
	if out, err := s.Commit(c, o, d.apply); err != nil || out.Point.ID != 0 {
		t.Fatalf("%+v, %v", out, err)
	}
	if s.Running().SysName != "B" || c.Changed() || len(s.Points()) != 1 {
		t.Fatalf("running %s, points %v", s.Running().SysName, s.Points())
	}
	return s, c, d
}

func TestTrialExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, c, d := trying(t, dir, "", nil)
		if again := openStore(t, dir); again.Running().SysName != "A" {
			t.Errorf("a daemon that starts again begins with %s", again.Running().SysName)
		}
		var refused *TrialError
		other := s.Begin()
		edit(t, other, "e-trunk 1")
		if _, err := s.Commit(other, by("bob"), accept); !errors.As(err, &refused) || refused.User != "ann" {
			t.Errorf("the commit of another session: %v", err)
		}
		if _, err := s.Rollback(firstPoint, PointInfo{}, accept); !errors.As(err, &refused) {
			t.Errorf("a rollback: %v", err)
		}
		if err := s.Save(); !errors.As(err, &refused) {
			t.Errorf("save: %v", err)
		}

		time.Sleep(10*time.Minute - time.Second)
		if info, on := s.Trial(); !on || time.Until(info.Until) != time.Second {
			t.Errorf("trial %+v, %v", info, on)
		}
		refusal := errors.New("no netlink")
		d.refuse(refusal)
		time.Sleep(2 * time.Second)
		if _, ends := d.seen(); s.Running().SysName != "B" || len(ends) != 1 || !errors.Is(ends[0], refusal) {
			t.Fatalf("a device that does not take the old configuration: running %s, %v", s.Running().SysName, ends)
		}
		d.refuse(nil)
		time.Sleep(retryTrial)
		applied, ends := d.seen()
		if s.Running().SysName != "A" || len(ends) != 2 || ends[1] != nil {
			t.Errorf("running %s, ends %v", s.Running().SysName, ends)
		}
		if diff := cmp.Diff([]string{"B", "A"}, applied); diff != "" {
			t.Error(diff)
		}
		if _, err := s.Commit(other, by("bob"), accept); err != nil {
			t.Errorf("the other session, after the trial: %v", err)
		}
		if c.Follow(); c.Model.SysName != "A" || c.Changed() {
			t.Errorf("the session that tried has %s", c.Model.SysName)
		}
	})
}

func TestTrialConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, c, d := trying(t, dir, "", func(error) { t.Error("it ends by itself") })
		edit(t, c, "e-trunk 1")
		if _, err := s.Commit(c, CommitOptions{Trial: time.Minute}, d.apply); err == nil {
			t.Error("a trial within a trial")
		}
		// If a confirmation fails, the trial goes on.
		d.refuse(errors.New("no netlink"))
		if _, err := s.Commit(c, by("ann"), d.apply); err == nil {
			t.Error("confirmed")
		}
		if _, on := s.Trial(); !on || s.Running().SysName != "B" {
			t.Errorf("running %s, trial %v", s.Running().SysName, on)
		}
		d.refuse(nil)
		out, err := s.Commit(c, by("ann"), d.apply)
		if err != nil || out.Point.ID != firstPoint+1 || out.Point.Label != "try" {
			t.Fatalf("%+v, %v", out, err)
		}
		time.Sleep(time.Hour)
		if m := openStore(t, dir).Running(); m.SysName != "B" || m.ETrunks[1] == nil || s.Running().SysName != "B" {
			t.Errorf("running %s, written %s", s.Running().SysName, m.SysName)
		}
	})
}

func TestTrialConfirmedFromElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, d := trying(t, t.TempDir(), "mend", nil)
		other := s.Begin()
		for _, word := range []string{"", "guess"} {
			if _, err := s.Commit(other, CommitOptions{Persist: word}, d.apply); err == nil {
				t.Errorf("confirmed with %q", word)
			}
		}
		if out, err := s.Commit(other, CommitOptions{Persist: "mend"}, d.apply); err != nil || out.Point.ID == 0 {
			t.Errorf("%+v, %v", out, err)
		}
		if _, err := s.Commit(other, CommitOptions{Persist: "mend"}, d.apply); err == nil {
			t.Error("confirmed twice")
		}
	})
}

func TestTrialAborted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, d := trying(t, t.TempDir(), "", func(error) { t.Error("it ends by itself") })
		if err := s.AbortTrial(); err != nil || s.Running().SysName != "A" {
			t.Errorf("%v, running %s", err, s.Running().SysName)
		}
		if err := s.AbortTrial(); err == nil {
			t.Error("aborted twice")
		}
		time.Sleep(time.Hour)
		applied, _ := d.seen()
		if diff := cmp.Diff([]string{"B", "A"}, applied); diff != "" {
			t.Error(diff)
		}
	})
}
