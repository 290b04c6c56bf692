package daemon

import (
	"errors"
	"testing"
	"time"
)

func TestEnding(t *testing.T) {
	may := func(e *ending) bool {
		select {
		case <-e.over:
			return true
		default:
			return false
		}
	}
	now := time.Now()
	for _, c := range []struct {
		when    string
		begin   func(*ending)
		retired bool
		want    bool
	}{
		{"nobody has asked", func(*ending) {}, true, false},
		{"the peer is yet to take over", func(e *ending) { e.ask(now) }, false, false},
		{"the peer has taken over", func(e *ending) { e.ask(now) }, true, true},
		{"the peer has had its time", func(e *ending) { e.ask(now); e.expire(now) }, false, true},
		{"it has failed", func(e *ending) { e.fail(errors.New("broken")) }, false, true},
	} {
		e := newEnding()
		c.begin(&e)
		e.check(c.retired)
		e.check(c.retired) // after the next turn, before anybody has read the channel
		if got := may(&e); got != c.want {
			t.Errorf("when %s it may end: %v", c.when, got)
		}
	}
	e := newEnding()
	if !e.due().IsZero() {
		t.Errorf("due at %v, not asked to end", e.due())
	}
	if e.ask(now); e.due() != now.Add(leaveLimit) {
		t.Errorf("due at %v", e.due())
	}
	if e.expire(now); !e.due().IsZero() {
		t.Errorf("due again at %v", e.due())
	}
}
