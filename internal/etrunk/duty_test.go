package etrunk

import (
	"flag"
	"testing"
)

// troubles limits the model. Three are enough to find the error in every weaker rule that
// was tried. Four take some seconds.
var troubles = flag.Int("troubles", 3, "how many faults and changes the duty model goes through")

func TestTarget(t *testing.T) {
	member := func(role MemberRole, up, ready bool, covers Buckets) Announcement {
		return Announcement{Role: role, Up: up, Ready: ready, Covers: covers}
	}
	ready, unready := member(MemberMaster, true, true, Bucket0), member(MemberMaster, true, false, Bucket0)
	tests := []struct {
		name        string
		local, peer Announcement
		known       bool
		want, other Buckets // the buckets of the preferred and of the other device
	}{
		{"Backup", member(MemberBackup, true, true, AllBuckets), ready, true, NoBuckets, NoBuckets},
		{"Backup, peer lost", member(MemberBackup, true, true, AllBuckets), ready, false, NoBuckets, NoBuckets},
		{"peer lost", ready, ready, false, AllBuckets, AllBuckets},
		{"not ready, peer lost", unready, ready, false, AllBuckets, AllBuckets},
		{"peer's leg down", ready, member(MemberMaster, false, true, AllBuckets), true, AllBuckets, AllBuckets},
		{"peer Backup", ready, member(MemberBackup, true, true, AllBuckets), true, AllBuckets, AllBuckets},
		{"both ready", ready, ready, true, Bucket0, Bucket1},
		{"peer not ready", ready, unready, true, AllBuckets, AllBuckets},
		{"not ready, peer ready but does not send all yet", unready, ready, true, AllBuckets, AllBuckets},
		{"not ready, peer ready and sends all", unready, member(MemberMaster, true, true, AllBuckets), true, NoBuckets, NoBuckets},
		{"neither ready", unready, member(MemberMaster, true, false, AllBuckets), true, AllBuckets, AllBuckets},
	}
	for _, tt := range tests {
		for preferred, want := range map[bool]Buckets{true: tt.want, false: tt.other} {
			if got := Target(tt.local, tt.peer, tt.known, preferred); got != want {
				t.Errorf("%s, preferred %v: %v, want %v", tt.name, preferred, got, want)
			}
		}
	}
}

// The model: two Master members, with every possible order of their messages and of the
// faults. The test visits all reachable states.

// modelAnn is an announcement on its way, with the parts of the hello that the duty depends
// on.
type modelAnn struct {
	up, ready bool
	covers    Buckets
	rank      uint8 // priority of the sender
	boot      uint8
	change    uint8 // number of the change that the fields above contain
	peerBoot  uint8 // the receiver's boot, as the sender knows it
	echo      uint8 // the last change that the sender has received
	ackWanted bool
}

type modelDevice struct {
	alive, up, ready bool
	covers           Buckets
	rank, boot       uint8
	change           uint8 // of its last announcement
	known            bool
	view             modelAnn // the peer's last announcement, as received
}

const modelQueue = 2

type model struct {
	dev   [2]modelDevice
	queue [2][modelQueue]modelAnn // messages towards each device, oldest first
	n     [2]int
	left  int // faults and changes that may still happen
}

func (m *model) preferred(i int) bool {
	d := &m.dev[i]
	switch {
	case !d.known || d.rank < d.view.rank:
		return true
	case d.rank > d.view.rank:
		return false
	}
	return i == 0
}

func (d *modelDevice) local() Announcement {
	return Announcement{Role: MemberMaster, Up: d.up, Ready: d.ready, Covers: d.covers}
}

// acked reports whether the peer has echoed the last change of device i.
func (d *modelDevice) acked() bool {
	return d.known && d.view.peerBoot == d.boot && d.view.echo == d.change
}

// peer returns the peer as State shows it. A change of the device that is not announced yet
// is only in said.
func (m *model) peer(i int, said Announcement) Announcement {
	d := &m.dev[i]
	a := Announcement{Role: MemberMaster, Up: d.view.up, Ready: d.view.ready, Covers: d.view.covers}
	if d.acked() {
		a.Seen = said.asSeen()
	}
	return a
}

// says returns what device i would announce now.
func (m *model) says(i int) modelAnn {
	d := &m.dev[i]
	a := modelAnn{up: d.up, ready: d.ready, covers: d.covers, rank: d.rank, boot: d.boot, change: d.change, ackWanted: !d.acked()}
	if d.known {
		a.peerBoot, a.echo = d.view.boot, d.view.change
	}
	return a
}

// sameContent reports whether two announcements contain the same change.
func (a modelAnn) sameContent(b modelAnn) bool {
	return a.up == b.up && a.ready == b.ready && a.covers == b.covers && a.rank == b.rank && a.boot == b.boot
}

func (m *model) nextCovers(i int, said Announcement) Buckets {
	d := &m.dev[i]
	peer := m.peer(i, said)
	target := Target(d.local(), peer, d.known, m.preferred(i))
	return Cover(d.covers, target, d.local(), peer, d.known, false)
}

// react sets the gate of device i. If its announcement differs from before, it sends the
// new one to the peer.
func (m *model) react(i int, before modelAnn) {
	d := &m.dev[i]
	d.covers = m.nextCovers(i, Announcement{Role: MemberMaster, Up: before.up, Ready: before.ready})
	m.announce(i, before)
}

// announce sends the announcement to the peer if it differs from before.
func (m *model) announce(i int, before modelAnn) {
	if !m.says(i).sameContent(before) {
		m.dev[i].change++
		m.push(i)
	}
}

// push sends the announcement of device i. A full queue loses its oldest message.
func (m *model) push(i int) {
	to := 1 - i
	if m.n[to] == modelQueue {
		m.pop(to)
	}
	m.queue[to][m.n[to]] = m.says(i)
	m.n[to]++
}

func (m *model) pop(to int) modelAnn {
	a := m.queue[to][0]
	copy(m.queue[to][:], m.queue[to][1:])
	m.n[to]--
	m.queue[to][m.n[to]] = modelAnn{}
	return a
}

// deliver receives a message. The trunk echoes it at once. The device sets its gate later,
// in a step of its own.
func (m *model) deliver(to int) {
	a := m.pop(to)
	if d := &m.dev[to]; d.alive {
		d.view, d.known = a, true
		if a.ackWanted {
			m.push(to)
		}
	}
}

// unsettled reports whether device i still has to set its gate.
func (m *model) unsettled(i int) bool {
	d := &m.dev[i]
	return d.alive && m.nextCovers(i, d.local()) != d.covers
}

// quiet reports that no message is on its way, and that each device knows the other's last
// announcement.
func (m *model) quiet() bool {
	a, b := &m.dev[0], &m.dev[1]
	return m.n[0]+m.n[1] == 0 && !m.unsettled(0) && !m.unsettled(1) && a.alive && b.alive && a.acked() && b.acked() &&
		a.view.change == b.change && b.view.change == a.change
}

// renumber gives the changes of each device the smallest numbers in the same order, so that
// the number of states is finite.
func (m *model) renumber() {
	for i := range 2 {
		numbers := []*uint8{&m.dev[i].change, &m.dev[1-i].view.change, &m.dev[i].view.echo}
		for k := range m.n[1-i] {
			numbers = append(numbers, &m.queue[1-i][k].change)
		}
		for k := range m.n[i] {
			numbers = append(numbers, &m.queue[i][k].echo)
		}
		var used [256]bool
		for _, n := range numbers {
			used[*n] = true
		}
		var dense [256]uint8
		next := uint8(1) // 0 means none
		for n := 1; n < len(used); n++ {
			if used[n] {
				dense[n] = next
				next++
			}
		}
		for _, n := range numbers {
			*n = dense[*n]
		}
	}
}

// steps yields every state that may follow. A fault is a step that may take a bucket away.
func (m model) steps(yield func(next model, what string, fault bool)) {
	for i := range 2 {
		if m.unsettled(i) {
			next := m
			next.react(i, next.says(i))
			yield(next, "set the gate", false)
		}
		if m.n[i] > 0 {
			next := m
			next.deliver(i)
			yield(next, "deliver", false)
			next = m
			next.pop(i)
			yield(next, "lose a message", false)
		} else if d := &m.dev[1-i]; d.alive && !d.acked() {
			next := m
			next.push(1 - i)
			yield(next, "repeat", false)
		}
	}
	if m.left == 0 {
		return
	}
	m.left--
	for i := range 2 {
		m.troubles(i, yield)
	}
}

func (m model) troubles(i int, yield func(next model, what string, fault bool)) {
	trouble := func(what string, fault bool, f func(n *model, d *modelDevice)) {
		next := m
		before := next.says(i)
		f(&next, &next.dev[i])
		if !next.dev[i].alive {
			yield(next, what, fault)
			return
		}
		late := next
		late.announce(i, before)
		yield(late, what, fault)
		next.react(i, before)
		yield(next, what+" and the gate is set", fault)
	}
	d := &m.dev[i]
	if !d.alive {
		trouble("restart", false, func(n *model, d *modelDevice) {
			*d = modelDevice{alive: true, up: true, rank: d.rank, boot: d.boot + 1, change: d.change}
			n.queue[i], n.n[i] = [modelQueue]modelAnn{}, 0 // old messages do not count for the new boot
		})
		return
	}
	trouble("ready changes", false, func(_ *model, d *modelDevice) { d.ready = !d.ready })
	trouble("leg changes", d.up, func(_ *model, d *modelDevice) { d.up = !d.up })
	trouble("device dies", true, func(_ *model, d *modelDevice) { d.alive, d.covers = false, NoBuckets })
	if i == 1 {
		trouble("priority changes", false, func(_ *model, d *modelDevice) { d.rank = 2 - d.rank })
	}
	if d.known {
		trouble("peer is held for lost", false, func(n *model, d *modelDevice) {
			d.known, d.view = false, modelAnn{}
			n.queue[i], n.n[i] = [modelQueue]modelAnn{}, 0 // the new boot must announce itself first
		})
	}
}

// covered returns the buckets that reach the hosts.
func (m *model) covered() (b Buckets) {
	for _, d := range m.dev {
		if d.alive && d.up {
			b |= d.covers
		}
	}
	return b
}

// leftAlone returns the buckets that a step takes away, although the device that gave them
// up has left them to a living device. Buckets that were left to a device which has just
// died, or whose leg has failed, do not count: that is the effect of the fault.
func (m *model) leftAlone(next *model) Buckets {
	lost := m.covered() &^ next.covered()
	for i := range 2 {
		gave, peer := m.dev[i].covers&^next.dev[i].covers, &next.dev[1-i]
		if gave != NoBuckets && (!peer.alive || !peer.up || peer.boot != next.dev[i].view.boot) {
			lost &^= gave
		}
	}
	return lost
}

// checkQuiet checks a state in which no message is on its way.
func (m *model) checkQuiet(t *testing.T) {
	a, b := m.dev[0], m.dev[1]
	if !a.up || !b.up {
		return
	}
	var want bool
	switch {
	case a.ready && b.ready:
		want = a.covers^b.covers == AllBuckets && a.covers&b.covers == NoBuckets && (a.covers == Bucket0) == m.preferred(0)
	case a.ready:
		want = a.covers == AllBuckets && b.covers == NoBuckets
	case b.ready:
		want = b.covers == AllBuckets && a.covers == NoBuckets
	default:
		want = a.covers == AllBuckets && b.covers == AllBuckets
	}
	if !want {
		t.Fatalf("quiet, A (ready %v) covers %v, B (ready %v) covers %v", a.ready, a.covers, b.ready, b.covers)
	}
}

// drain delivers all messages, and those that follow from them. It fails if this does not
// end.
func (m model) drain(t *testing.T) {
	for range 40 {
		if m.n[0]+m.n[1] == 0 && !m.unsettled(0) && !m.unsettled(1) {
			return
		}
		for i := range 2 {
			if m.unsettled(i) {
				m.react(i, m.says(i))
			}
			if m.n[i] > 0 {
				m.deliver(i)
			}
		}
	}
	t.Fatalf("the devices never stop talking: %+v", m)
}

func TestDutyModel(t *testing.T) {
	start := model{left: *troubles}
	for i := range 2 {
		start.dev[i] = modelDevice{alive: true, up: true, rank: 1}
		start.react(i, modelAnn{})
	}
	if start.covered() != AllBuckets {
		t.Fatal("two devices that know nothing do not send all")
	}
	seen, todo := map[model]bool{start: true}, []model{start}
	quiet := 0
	for len(todo) > 0 {
		m := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if m.quiet() {
			quiet++
			m.checkQuiet(t)
		}
		m.drain(t)
		m.steps(func(next model, what string, fault bool) {
			if lost := m.leftAlone(&next); lost != NoBuckets && !fault {
				t.Fatalf("%s leaves bucket %v to nobody:\n%+v\n%+v", what, lost, m, next)
			}
			next.renumber()
			if !seen[next] {
				seen[next] = true
				todo = append(todo, next)
			}
		})
	}
	t.Logf("%d states, %d of them quiet", len(seen), quiet)
	if quiet == 0 {
		t.Error("no quiet state was reached")
	}
}
