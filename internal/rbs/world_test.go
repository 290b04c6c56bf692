package rbs

import (
	"cmp"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"tandem/internal/instant"
)

// after returns the instant at a distance from the origin of virtual time.
func after(d time.Duration) instant.Time { return instant.FromOrigin(d) }

// world is two services on virtual time. The network between them cuts streams at any point, is
// slow, or loses everything silently.
type world struct {
	t     failer
	now   instant.Time
	rng   *rand.Rand
	nodes [2]*node
	queue []todo
	count int
	conns map[ConnID]*wire
	next  ConnID

	partition bool
	slow      time.Duration // delay of each piece of a stream
}

// failer is what testing.T and rapid.T have in common here.
type failer interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

type todo struct {
	at instant.Time
	n  int
	do func()
}

// node is a device with the services of its operating system.
type node struct {
	w         *world
	id        int
	addr      netip.Addr
	store     *memory
	sights    *sights
	clock     *Clock
	svc       *Service
	fx        Effects
	listening bool
	dials     int
	events    []Event
	status    []byte   // its answer to the peer's status request
	told      [][]byte // statuses received from the peer
}

// wire is one end of a connection; peer is the other end, on the other node.
type wire struct {
	at     *node
	conn   ConnID
	peer   *wire
	open   bool
	holed  bool         // bytes have been lost: as in TCP, nothing after them arrives
	ready  instant.Time // when the written bytes have been delivered
	mangle func([]byte) []byte
}

var addresses = [2]netip.Addr{netip.MustParseAddr("2001:db8::a"), netip.MustParseAddr("2001:db8::b")}

func newWorld(t failer, seed uint64) *world {
	w := &world{t: t, now: after(0), rng: rand.New(rand.NewPCG(seed, 1)), conns: map[ConnID]*wire{}}
	for i := range w.nodes {
		w.nodes[i] = &node{w: w, id: i, addr: addresses[i]}
		w.nodes[i].boot(16)
	}
	return w
}

// boot starts a node again with an empty database.
func (n *node) boot(buckets int) {
	w := n.w
	for _, c := range w.conns {
		if c.at == n {
			c.open = false
		}
	}
	device := uint64(n.id + 1)
	n.store, n.sights = newMemory(device, buckets), newSights()
	n.start()
}

// start starts a node again with the database that it has.
func (n *node) start() {
	w := n.w
	n.listening = false
	n.clock = NewClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n.id)*time.Hour), after(0))
	n.svc = NewService(n.store, n.clock, n.store.device, w.rng.Uint64(), w.rng)
	n.svc.ShareStreams(n.sights)
	n.configure(true)
}

func (n *node) configure(on bool) {
	n.svc.Configure(n.w.now, Config{Name: "rbs", Local: n.addr, Peer: addresses[1-n.id], Enabled: on}, &n.fx)
	n.carryOut()
}

// write writes the record of a host of this node: the host joins, or leaves if deleted.
func (n *node) write(i int, deleted bool) {
	r := Record{Key: keyOf(i), Deleted: deleted, Exclude: i%2 == 0, Left: 260 * time.Second}
	for s := range i % 3 {
		r.Sources = append(r.Sources, netip.AddrFrom16([16]byte{0x20, 1, 15: byte(s)}))
	}
	r.Version = Version{n.clock.Now(n.w.now), n.store.device}
	n.store.put(r)
	n.svc.Dirty(n.w.now, r.Key)
}

func (n *node) state() State {
	return n.svc.State(n.w.now, time.Unix(1e9, 0).Add(n.w.now.SinceOrigin()))
}

func (n *node) carryOut() {
	w := n.w
	for _, c := range n.fx.Close {
		if end := w.conns[c.Conn]; end != nil {
			n.transmit(end, c.Last, nil)
			end.close("connection reset")
		}
	}
	for _, l := range n.fx.Listen {
		n.listening = l.On
	}
	for range n.fx.Dial {
		n.dials++
		dial := n.dials
		w.after(time.Millisecond, func() {
			if dial == n.dials {
				n.dial()
			}
		})
	}
	for _, s := range n.fx.Send {
		end := w.conns[s.Conn]
		n.transmit(end, s.Bytes, func() {
			n.svc.Written(w.now, s.Conn, &n.fx)
			n.carryOut()
		})
	}
	n.events = append(n.events, n.fx.Events...)
	if n.fx.Status != nil {
		n.told = append(n.told, n.fx.Status)
	}
	asked := n.fx.StatusWanted
	n.fx.Reset()
	if asked {
		n.svc.TellStatus(w.now, n.status, &n.fx)
		n.carryOut()
	}
}

func (n *node) dial() {
	w := n.w
	peer := w.nodes[1-n.id]
	if w.partition || !peer.listening {
		n.svc.DialFailed(w.now, "connection refused", &n.fx)
		n.carryOut()
		return
	}
	here, there := w.connect(n, peer)
	n.svc.Dialled(w.now, here.conn, Security{}, &n.fx)
	n.carryOut()
	peer.svc.Accepted(w.now, there.conn, n.addr, Security{}, &peer.fx)
	peer.carryOut()
}

func (w *world) connect(a, b *node) (*wire, *wire) {
	x, y := &wire{at: a, conn: w.next + 1, open: true}, &wire{at: b, conn: w.next + 2, open: true}
	w.next += 2
	x.peer, y.peer = y, x
	w.conns[x.conn], w.conns[y.conn] = x, y
	return x, y
}

// transmit delivers b in pieces; written is called when all of it is through.
func (n *node) transmit(end *wire, b []byte, written func()) {
	w := n.w
	b = slices.Clone(b)
	if end.mangle != nil {
		b = end.mangle(b)
	}
	end.ready = max(end.ready, w.now)
	for len(b) > 0 {
		piece := b[:1+w.rng.IntN(len(b))]
		b = b[len(piece):]
		end.ready = end.ready.Add(w.slow + time.Duration(w.rng.IntN(200))*time.Microsecond)
		w.at(end.ready, func() {
			end.holed = end.holed || w.partition
			if to := end.peer; to.open && !end.holed {
				to.at.svc.Received(w.now, to.conn, piece, &to.at.fx)
				to.at.carryOut()
			}
		})
	}
	if written != nil {
		w.at(end.ready, func() {
			if end.open && !w.partition {
				written()
			}
		})
	}
}

// close closes an end. The other end learns of it after the data under way.
func (c *wire) close(reason string) {
	if !c.open {
		return
	}
	c.open = false
	w := c.at.w
	w.at(max(c.ready, w.now), func() {
		if p := c.peer; p.open && !w.partition {
			p.open = false
			p.at.svc.Closed(w.now, p.conn, reason, &p.at.fx)
			p.at.carryOut()
		}
	})
}

// cut ends every connection at both ends.
func (w *world) cut() {
	for _, c := range w.ends() {
		if c.open {
			c.open = false
			c.at.svc.Closed(w.now, c.conn, "cable cut", &c.at.fx)
			c.at.carryOut()
		}
	}
}

func (w *world) ends() (ends []*wire) {
	for _, c := range w.conns {
		ends = append(ends, c)
	}
	slices.SortFunc(ends, func(a, b *wire) int { return cmp.Compare(a.conn, b.conn) })
	return ends
}

func (w *world) after(d time.Duration, do func()) { w.at(w.now.Add(d), do) }

func (w *world) at(t instant.Time, do func()) {
	w.count++
	w.queue = append(w.queue, todo{t, w.count, do})
}

// run lets d pass.
func (w *world) run(d time.Duration) {
	end := w.now.Add(d)
	for spins := 0; ; spins++ {
		if spins > 1_000_000 {
			w.t.Fatal("time stands still")
		}
		var first *todo
		for i := range w.queue {
			if q := &w.queue[i]; first == nil || q.at < first.at || q.at == first.at && q.n < first.n {
				first = q
			}
		}
		at, due := end.Add(1), (*node)(nil)
		for _, n := range w.nodes {
			if t := n.svc.Deadline(); t.IsDue(at.Add(-1)) {
				at, due = t, n
			}
		}
		switch {
		case first != nil && first.at <= at && first.at <= end:
			do := first.do
			w.now = max(w.now, first.at)
			w.queue = slices.DeleteFunc(w.queue, func(q todo) bool { return q.n == first.n })
			do()
		case due != nil && at <= end:
			w.now = max(w.now, at)
			due.svc.Advance(w.now, &due.fx)
			due.carryOut()
		default:
			w.now = end
			return
		}
	}
}
