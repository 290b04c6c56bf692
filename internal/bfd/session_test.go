package bfd

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tandem/internal/instant"
)

const ms = time.Millisecond

var (
	addrA = netip.MustParseAddr("2001:db8::a")
	addrB = netip.MustParseAddr("2001:db8::b")
)

func configA() Config {
	return Config{Name: "ab", Local: addrA, Peer: addrB, Interface: "eth0",
		LocalDiscriminator: 1, RemoteDiscriminator: 2}.withDefaults()
}

var upPath = path{Out: linkUp, Tracked: linkUp, Ifindex: 5}

// puppet drives one session by hand in the role of its peer.
type puppet struct {
	*session
	t   *testing.T
	now instant.Time
	fx  Effects
}

func newPuppet(t *testing.T, change func(*Config)) *puppet {
	c := configA()
	if change != nil {
		change(&c)
	}
	p := &puppet{t: t, now: instant.FromOrigin(time.Hour)}
	p.session = newSession(p.now, c, rand.New(rand.NewPCG(1, 2)))
	p.SetPath(p.now, upPath, &p.fx)
	return p
}

// say passes a packet of the peer, with a state, to the session.
func (p *puppet) say(state State, change func(*Packet)) error {
	packet := Packet{State: state, DetectMult: 3, MyDiscriminator: 2, YourDiscriminator: 1,
		DesiredMinTx: 10 * ms, RequiredMinRx: 10 * ms}
	if change != nil {
		change(&packet)
	}
	return p.Receive(p.now, &Meta{Src: addrB, Dst: addrA, Received: p.now}, &packet, &p.fx)
}

func (p *puppet) mustSay(state State, change func(*Packet)) {
	p.t.Helper()
	if err := p.say(state, change); err != nil {
		p.t.Fatal(err)
	}
}

// up brings the session Up and ends its Poll.
func (p *puppet) up() {
	p.t.Helper()
	p.mustSay(Down, nil)
	p.mustSay(Init, nil)
	p.mustSay(Up, func(q *Packet) { q.Final = true })
	if p.state != Up || p.Snapshot(p.now).Polling {
		p.t.Fatalf("not up: %+v", p.Snapshot(p.now))
	}
	p.fx.Reset()
}

// run lets time pass, calls Advance at every deadline, and returns when packets were
// sent.
func (p *puppet) run(d time.Duration) (sent []instant.Time) {
	for end := p.now.Add(d); ; {
		at := p.Deadline()
		if !at.IsDue(end) {
			p.now = end
			return sent
		}
		p.now = max(p.now, at)
		before := len(p.fx.Sends)
		p.Advance(p.now, &p.fx)
		for range p.fx.Sends[before:] {
			sent = append(sent, p.now)
		}
	}
}

func (p *puppet) lastSent() Packet {
	p.t.Helper()
	if len(p.fx.Sends) == 0 {
		p.t.Fatal("nothing was sent")
	}
	return p.fx.Sends[len(p.fx.Sends)-1].Packet
}

// TestStateMachine is the diagram of RFC 5880, section 6.2.
func TestStateMachine(t *testing.T) {
	reach := map[State]func(*puppet){
		Down: func(*puppet) {},
		Init: func(p *puppet) { p.mustSay(Down, nil) },
		Up:   func(p *puppet) { p.up() },
	}
	for _, c := range []struct {
		from, heard, to State
		diag            Diagnostic
	}{
		{Down, AdminDown, Down, DiagNone},
		{Down, Down, Init, DiagNone},
		{Down, Init, Up, DiagNone},
		{Down, Up, Down, DiagNone},
		{Init, AdminDown, Down, DiagNeighborSignaledDown},
		{Init, Down, Init, DiagNone},
		{Init, Init, Up, DiagNone},
		{Init, Up, Up, DiagNone},
		{Up, AdminDown, Down, DiagNeighborSignaledDown},
		{Up, Down, Down, DiagNeighborSignaledDown},
		{Up, Init, Up, DiagNone},
		{Up, Up, Up, DiagNone},
	} {
		t.Run(fmt.Sprintf("%v hears %v", c.from, c.heard), func(t *testing.T) {
			p := newPuppet(t, nil)
			reach[c.from](p)
			p.fx.Reset()
			p.mustSay(c.heard, nil)
			if p.state != c.to {
				t.Fatalf("state %v, want %v", p.state, c.to)
			}
			if c.from == c.to {
				if len(p.fx.Events)+len(p.fx.Sends) != 0 {
					t.Errorf("reacts without a change: %+v", p.fx)
				}
				return
			}
			want := []Event{{Session: "ab", State: c.to, Remote: c.heard, Diagnostic: c.diag, At: p.now, Heard: p.now}}
			if diff := cmp.Diff(want, p.fx.Events); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if sent := p.lastSent(); sent.State != c.to || sent.Diagnostic != c.diag {
				t.Errorf("the peer is told %v (%v) at once, want %v (%v)", sent.State, sent.Diagnostic, c.to, c.diag)
			}
		})
	}
}

func TestDetectionTime(t *testing.T) {
	for _, c := range []struct {
		name       string
		minRx      time.Duration
		remoteTx   time.Duration
		remoteMult uint8
		want       time.Duration
	}{
		{"defaults", 10 * ms, 10 * ms, 3, 30 * ms},
		{"the peer sends more slowly than we ask", 10 * ms, 50 * ms, 3, 150 * ms},
		{"we ask for less than the peer would send", 100 * ms, 10 * ms, 3, 300 * ms},
		{"the peer's multiplier counts", 10 * ms, 10 * ms, 7, 70 * ms},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPuppet(t, func(cfg *Config) { cfg.MinRx = c.minRx; cfg.DetectMult = 9 })
			p.up()
			p.mustSay(Up, func(q *Packet) { q.DesiredMinTx, q.DetectMult = c.remoteTx, c.remoteMult })
			heard := p.now
			p.run(c.want - 1)
			if p.state != Up {
				t.Fatalf("Down %v after the last packet, want %v", p.now.Sub(heard), c.want)
			}
			p.run(1)
			if p.state != Down {
				t.Fatalf("still %v after %v", p.state, c.want)
			}
			if sent := p.lastSent(); sent.Diagnostic != DiagDetectionTimeExpired || sent.YourDiscriminator != 0 {
				t.Errorf("sent %+v, want diagnostic 1 and the peer's discriminator forgotten", sent)
			}
		})
	}
}

func TestLateReaderDoesNotTakeThePeerForDead(t *testing.T) {
	p := newPuppet(t, nil)
	p.up()
	heard := p.now
	// The process sleeps for a second; the kernel received the last packet 5 ms ago.
	p.now = p.now.Add(time.Second)
	q := Packet{State: Up, DetectMult: 3, MyDiscriminator: 2, YourDiscriminator: 1, DesiredMinTx: 10 * ms, RequiredMinRx: 10 * ms}
	if err := p.Receive(p.now, &Meta{Received: p.now.Add(-5 * ms)}, &q, &p.fx); err != nil {
		t.Fatal(err)
	}
	p.Advance(p.now, &p.fx)
	if p.state != Up {
		t.Fatalf("%v after %v of sleep", p.state, p.now.Sub(heard))
	}
	if s := p.Snapshot(p.now); s.LastHeard != 5*ms {
		t.Errorf("last heard %v ago, want the kernel's 5 ms", s.LastHeard)
	}
	p.run(25 * ms)
	if p.state != Down {
		t.Error("detection does not count from the kernel's timestamp")
	}
}

func TestSlowStart(t *testing.T) {
	p := newPuppet(t, nil)
	if got := p.lastSent().DesiredMinTx; got != time.Second {
		t.Errorf("advertises %v while Down, want 1s", got)
	}
	start := p.now
	sent := p.run(10 * time.Second)
	checkGaps(t, append([]instant.Time{start}, sent...), 750*ms, time.Second)
}

func TestJitterWhenUp(t *testing.T) {
	for _, c := range []struct {
		mult     uint8
		min, max time.Duration
	}{
		{3, 15 * ms, 20 * ms},
		{1, 15 * ms, 18 * ms},
	} {
		p := newPuppet(t, func(cfg *Config) { cfg.DetectMult = c.mult })
		p.up()
		// The peer requires at least 20 ms between two packets.
		p.mustSay(Up, func(q *Packet) { q.DetectMult, q.RequiredMinRx = 255, 20*ms })
		sent := p.run(2 * time.Second)
		// The first gap began with the faster interval.
		checkGaps(t, sent, c.min, c.max)
		if len(sent) < 100 {
			t.Errorf("only %d packets in 2 s", len(sent))
		}
	}
}

func checkGaps(t *testing.T, sent []instant.Time, least, most time.Duration) {
	t.Helper()
	different := map[time.Duration]bool{}
	for i := 1; i < len(sent); i++ {
		gap := sent[i].Sub(sent[i-1])
		different[gap] = true
		if gap < least || gap > most {
			t.Errorf("gap %v is not between %v and %v", gap, least, most)
		}
	}
	if len(different) < len(sent)/2 {
		t.Errorf("%d packets with %d different gaps: no jitter", len(sent), len(different))
	}
}

func TestPollIsAnsweredWithFinalOnly(t *testing.T) {
	p := newPuppet(t, nil)
	p.mustSay(Down, nil)
	p.mustSay(Init, nil) // the session is Up, and its own Poll Sequence runs
	if !p.lastSent().Poll {
		t.Fatal("no Poll to leave the slow start")
	}
	p.fx.Reset()
	before := p.Deadline()
	p.mustSay(Up, func(q *Packet) { q.Poll = true })
	if sent := p.lastSent(); !sent.Final || sent.Poll {
		t.Errorf("answer has Final %v and Poll %v", sent.Final, sent.Poll)
	}
	if after := p.Deadline(); after != before {
		t.Errorf("the answer moved the schedule from %v to %v", before, after)
	}
	if p.run(30 * ms); !p.fx.Sends[1].Packet.Poll {
		t.Error("the Poll was dropped by answering another")
	}
}

func TestIntervalsWaitForFinal(t *testing.T) {
	final := func(q *Packet) { q.Final = true }
	p := newPuppet(t, nil)
	p.up()
	slower := p.cfg
	slower.MinTx, slower.MinRx = 100*ms, 5*ms
	p.Reconfigure(p.now, slower, &p.fx)

	s := p.Snapshot(p.now)
	if s.ActualTx != 10*ms || s.DetectTime != 30*ms || !s.Polling {
		t.Errorf("before the Final: Tx %v, detection %v, polling %v; want the old 10ms, 30ms, true",
			s.ActualTx, s.DetectTime, s.Polling)
	}
	p.run(10 * ms)
	if sent := p.lastSent(); !sent.Poll || sent.DesiredMinTx != 100*ms || sent.RequiredMinRx != 5*ms {
		t.Errorf("advertised %+v", sent)
	}

	// The intervals change again: the next Final may answer only the first change.
	again := slower
	again.MinTx = 200 * ms
	p.Reconfigure(p.now, again, &p.fx)
	p.mustSay(Up, final)
	if s := p.Snapshot(p.now); s.ActualTx != 10*ms || !s.Polling {
		t.Errorf("after the first Final: Tx %v, polling %v; want 10ms, true", s.ActualTx, s.Polling)
	}
	p.mustSay(Up, final)
	if s := p.Snapshot(p.now); s.ActualTx != 200*ms || s.DetectTime != 30*ms || s.Polling {
		t.Errorf("after the second Final: %+v", s)
	}
}

func TestShorterIntervalCountsAtOnce(t *testing.T) {
	p := newPuppet(t, nil)
	p.up()
	p.mustSay(Up, func(q *Packet) { q.RequiredMinRx, q.DetectMult = time.Second, 255 })
	p.run(20 * ms)
	p.mustSay(Up, nil) // 10 ms again
	if at := p.Deadline(); at > p.now.Add(10*ms) {
		t.Errorf("next packet in %v", at.Sub(p.now))
	}
}

func TestPeerThatWantsNoPackets(t *testing.T) {
	p := newPuppet(t, nil)
	p.up()
	p.mustSay(Up, func(q *Packet) { q.RequiredMinRx = 0 })
	if sent := p.run(29 * ms); len(sent) != 0 {
		t.Errorf("sends %d packets to a peer with Required Min Rx 0", len(sent))
	}
	q := newPuppet(t, nil)
	q.up()
	q.mustSay(Up, func(q *Packet) { q.Demand = true })
	if sent := q.run(29 * ms); len(sent) != 0 {
		t.Errorf("sends %d packets to a peer in Demand mode", len(sent))
	}
}

func TestShutdown(t *testing.T) {
	p := newPuppet(t, nil)
	p.up()
	p.SetAdmin(p.now, true, &p.fx)
	if sent := p.lastSent(); sent.State != AdminDown || sent.Diagnostic != DiagAdministrativelyDown {
		t.Errorf("peer is told %+v", sent)
	}
	if err := p.say(Down, nil); !errors.Is(err, DropAdminDown) {
		t.Errorf("a packet to a session that is shut down: %v", err)
	}
	if sent := p.run(5 * time.Second); len(sent) < 5 {
		t.Errorf("the peer is reminded %d times in 5 s", len(sent))
	}
	p.SetAdmin(p.now, false, &p.fx)
	p.up()
	if s := p.Snapshot(p.now); s.UpCount != 2 || s.Flaps != 1 {
		t.Errorf("up %d times, %d flaps", s.UpCount, s.Flaps)
	}
}

func TestPath(t *testing.T) {
	for _, c := range []struct {
		name   string
		path   path
		diag   Diagnostic
		sends  bool
		reason string
	}{
		{"own interface down", path{Out: linkDown, Tracked: linkUp}, DiagPathDown, false, "interface eth0 is down"},
		{"own interface gone", path{Out: linkMissing, Tracked: linkUp}, DiagPathDown, false, "interface eth0 does not exist"},
		{"tracked interface down", path{Out: linkUp, Tracked: linkDown}, DiagConcatenatedPathDown, true, "tracked interface eth1 is down"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPuppet(t, func(cfg *Config) { cfg.TrackInterface = "eth1" })
			p.up()
			p.SetPath(p.now, c.path, &p.fx)
			want := []Event{{Session: "ab", State: Down, Remote: Up, Diagnostic: c.diag, At: p.now, Heard: p.now}}
			if diff := cmp.Diff(want, p.fx.Events); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if sent := len(p.fx.Sends) > 0; sent != c.sends {
				t.Errorf("sent %v, want %v", sent, c.sends)
			}
			p.mustSay(Init, nil)
			if p.state != Down {
				t.Errorf("%v although the path is down", p.state)
			}
			if got := p.Snapshot(p.now).NotUpReason; got != c.reason {
				t.Errorf("reason %q, want %q", got, c.reason)
			}
			p.SetPath(p.now, upPath, &p.fx)
			p.mustSay(Init, nil)
			if p.state != Up {
				t.Errorf("%v after the path is back", p.state)
			}
		})
	}
}

func TestRefusedPacketsLeaveNoTrace(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Packet)
		want   DropCause
	}{
		{"authenticated", func(q *Packet) { q.Authenticated = true }, DropAuthentication},
		{"other discriminator", func(q *Packet) { q.MyDiscriminator = 3 }, DropRemoteDiscriminator},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPuppet(t, nil)
			p.up()
			p.run(20 * ms)
			if err := p.say(Down, c.change); !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			p.run(10 * ms)
			if p.state != Down || p.fx.Events[0].Diagnostic != DiagDetectionTimeExpired {
				t.Errorf("a refused packet kept the session %v or took it down: %+v", p.state, p.fx.Events)
			}
		})
	}
}

func TestNotUpReasonNamesAWrongDiscriminator(t *testing.T) {
	p := newPuppet(t, nil)
	_ = p.say(Down, func(q *Packet) { q.MyDiscriminator = 9 })
	if got, want := p.Snapshot(p.now).NotUpReason, "peer uses discriminator 9, not 2"; got != want {
		t.Errorf("reason %q, want %q", got, want)
	}
}
