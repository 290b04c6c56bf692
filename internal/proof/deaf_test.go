package proof

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"tandem/internal/instant"
)

// Default times of a querier (RFC 9777, section 9).
const (
	queryInterval = 125 * time.Second
	responseTime  = 10 * time.Second
	robustness    = 2
)

// querier sends a query once an interval and looks once a second, from an instant on.
type querier struct {
	Hearing
	now instant.Time
	l   Listeners
}

func newQuerier(l Listeners) *querier { return &querier{now: instant.FromOrigin(0), l: l} }

// ask sends one query and waits until the next is due. If answeredAfter is positive, a host
// answers after this time. It reports whether the device has become deaf.
func (q *querier) ask(answeredAfter time.Duration) (turned bool) {
	q.Asked(q.now, q.now.Add(responseTime), q.l.Own)
	for end := q.now.Add(queryInterval); q.now < end; q.now = q.now.Add(time.Second) {
		if answeredAfter > 0 && q.now.Sub(end.Add(-queryInterval)) == answeredAfter {
			q.Heard()
		}
		turned = q.Look(q.now, robustness, q.l) || turned
	}
	return turned
}

const unanswered = 0

func TestDeaf(t *testing.T) {
	tests := map[string]struct {
		listeners Listeners
		want      Witness
	}{
		"nobody listens":                                             {Listeners{}, NoWitness},
		"a host that was heard":                                      {Listeners{Own: 1}, FormerHosts},
		"one that the peer hears, on a LAN":                          {Listeners{Peer: 1}, PeerListeners},
		"one that the peer hears, by its leg of an aggregate":        {Listeners{Peer: 1, Spread: true}, NoWitness},
		"so many that the switch must have chosen this leg for some": {Listeners{Peer: 16, Spread: true}, PeerListeners},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			q := newQuerier(tt.listeners)
			if q.ask(unanswered) || q.Deaf() != NoWitness {
				t.Errorf("deaf after one query: %v", q.Deaf())
			}
			if turned := q.ask(unanswered); turned != (tt.want != NoWitness) || q.Deaf() != tt.want {
				t.Errorf("turned %v, witness %v, want %v", turned, q.Deaf(), tt.want)
			}
		})
	}
}

// TestDeafInTime: the device is known to be deaf when the response time of its second query
// ends. It does not matter how late the hosts had answered the query before these. After
// that time their records expire.
func TestDeafInTime(t *testing.T) {
	for lived := time.Duration(0); lived <= responseTime; lived += time.Second {
		q := newQuerier(Listeners{Own: 1})
		answered := q.now.Add(lived - queryInterval)
		q.ask(unanswered)
		q.Asked(q.now, q.now.Add(responseTime), q.l.Own)
		for end := q.now.Add(responseTime); q.now <= end; q.now = q.now.Add(time.Second) {
			if q.now.Sub(answered) >= robustness*queryInterval+responseTime {
				q.l.Own = 0
			}
			q.Look(q.now, robustness, q.l)
		}
		if q.Deaf() != FormerHosts {
			t.Errorf("hosts that had answered after %v: witness %v", lived, q.Deaf())
		}
	}
}

// TestHostsThatWentToThePeer: hosts whose reports now arrive by the peer's leg are no
// evidence.
func TestHostsThatWentToThePeer(t *testing.T) {
	q := newQuerier(Listeners{Own: 3, Spread: true})
	q.ask(unanswered)
	q.l = Listeners{Peer: 3, Spread: true}
	if q.ask(unanswered) || q.Deaf() != NoWitness {
		t.Errorf("deaf: %v", q.Deaf())
	}
}

// TestDeafUntilHeard: the verdict stays when the records have expired. It ends with the
// first message of a host.
func TestDeafUntilHeard(t *testing.T) {
	q := newQuerier(Listeners{Own: 1})
	q.ask(unanswered)
	q.ask(unanswered)
	q.l = Listeners{}
	for range 10 {
		if q.ask(unanswered); q.Deaf() != FormerHosts {
			t.Fatal("forgotten, as nobody is left")
		}
	}
	if want := instant.FromOrigin(0); q.Since() != want {
		t.Errorf("since %v, want %v", q.Since(), want)
	}
	if !q.Heard() || q.Deaf() != NoWitness || q.Since() != instant.Never {
		t.Errorf("still deaf after a message: %v since %v", q.Deaf(), q.Since())
	}
	if q.Heard() || q.Rest() {
		t.Error("changed by what changes nothing")
	}
}

// TestOneAnswerIsEnough: a device that gets at least one answer within each Robustness
// Variable of queries is not deaf. A device that knows of hosts and never gets an answer is
// deaf.
func TestOneAnswerIsEnough(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := newQuerier(Listeners{
			Own: rapid.IntRange(0, 3).Draw(t, "own"), Peer: rapid.IntRange(0, 40).Draw(t, "peer"), Spread: rapid.Bool().Draw(t, "spread"),
		})
		missed := 0
		for range rapid.IntRange(1, 12).Draw(t, "queries") {
			after := time.Duration(rapid.IntRange(0, 9).Draw(t, "answer")) * time.Second
			q.ask(after)
			if missed++; after > 0 {
				missed = 0
			}
			known := q.l.Own > 0 || q.l.Peer > 0 && !q.l.Spread || q.l.Peer >= SpreadHosts
			if deaf := q.Deaf() != NoWitness; deaf != (known && missed >= robustness) {
				t.Fatalf("deaf %v after %d unanswered queries, %+v", deaf, missed, q.l)
			}
		}
	})
}
