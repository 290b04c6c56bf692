package bfdloop

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/bfd"
	"tandem/internal/instant"
	"tandem/internal/linux/udp"
)

// worker is the state of the loop. Only the loop's thread uses this state.
type worker struct {
	loop      *thread
	origin    time.Time
	table     *bfd.Table
	fx        bfd.Effects
	receivers []*receiver
	senders   map[senderKey]*udp.Socket
	batch     *udp.Batch
	poll      []unix.PollFd
	timeout   unix.Timespec
	payload   [bfd.PacketLen]byte
	backlog   backlog
	status    Status
	pulse     pulse
	done      bool
}

// pulse checks that the beats of the process keep coming. The sessions may be Up only
// while they come.
type pulse struct {
	limit   time.Duration // Options.StallLimit
	last    instant.Time  // time of the latest beat, or of the start
	stalled bool
}

// expiry returns when the beats will be overdue. It returns Never if they are overdue already,
// or are not checked.
func (p *pulse) expiry() instant.Time {
	if p.limit == 0 || p.stalled {
		return instant.Never
	}
	return p.last.Add(p.limit)
}

// Packets are read from the kernel in batches. The buffers are longer than packets
// without authentication, so that a packet with an authentication section is recognised
// as such.
const (
	batchSize  = 32
	batchRoom  = 128
	maxBatches = 16 // batches read in one turn, so that a flood of packets does not delay the sessions
)

// retry is the time between two attempts to deliver events when the channel of events is
// full.
const retry = 10 * time.Millisecond

// Indices in the list for ppoll, before the receivers' sockets.
const (
	pollWake = iota
	pollParent
	pollReceivers
)

func newWorker(l *thread, o Options, parent int) *worker {
	return &worker{
		loop:    l,
		origin:  o.Origin,
		table:   bfd.NewTable(rand.New(rand.NewPCG(o.Seed, o.Seed>>32|1))),
		senders: make(map[senderKey]*udp.Socket),
		batch:   udp.NewBatch(batchSize, batchRoom),
		pulse:   pulse{limit: o.StallLimit, last: instant.FromOrigin(time.Since(o.Origin))},
		poll: []unix.PollFd{
			pollWake:   {Fd: int32(l.wake), Events: unix.POLLIN},
			pollParent: {Fd: int32(parent), Events: unix.POLLRDHUP}, // ppoll skips the entry if parent is noParent
		},
	}
}

func (w *worker) now() instant.Time { return instant.FromOrigin(time.Since(w.origin)) }

// turn waits for work and does it. It reads the time before it reads the sockets. So all
// packets that arrived until then are handled before a session can expire.
func (w *worker) turn() {
	w.wait()
	now := w.now()
	w.status.Wakeups++
	for _, r := range w.receivers {
		w.receive(r)
	}
	w.table.Advance(now, &w.fx)
	w.act()
	w.obey()
	w.listen()
	if w.poll[pollParent].Revents != 0 {
		w.done = true
	}
}

// wait sleeps until the next deadline, a packet or a command.
func (w *worker) wait() {
	for i := range w.poll {
		w.poll[i].Revents = 0
	}
	deadline := w.table.Deadline()
	// An error is EINTR or ENOMEM. In both cases the turn goes on as after a wait.
	_, _ = unix.Ppoll(w.poll, w.timeoutUntil(deadline), nil)
	if deadline.IsSet() {
		w.noteLateness(w.now().Sub(deadline))
	}
}

// timeoutUntil returns how long to wait: until the deadline, the next retry of an event, or the
// end of the pulse. Nil means for ever.
func (w *worker) timeoutUntil(deadline instant.Time) *unix.Timespec {
	now := w.now()
	at := instant.Earliest(deadline, w.pulse.expiry())
	if len(w.backlog.events) > 0 {
		at = instant.Earliest(at, now.Add(retry))
	}
	if !at.IsSet() {
		return nil
	}
	w.timeout = unix.NsecToTimespec(int64(at.Left(now)))
	return &w.timeout
}

// beat records a beat of the process.
func (w *worker) beat() {
	w.pulse.last = w.now()
	if w.pulse.stalled {
		w.pulse.stalled = false
		w.table.Hold(w.now(), false, &w.fx)
	}
}

// listen takes the sessions down when the beats are overdue, and lets them come up again
// after a beat.
func (w *worker) listen() {
	if !w.pulse.expiry().IsDue(w.now()) {
		return
	}
	w.pulse.stalled = true
	w.status.Stalls++
	w.table.Hold(w.now(), true, &w.fx)
	w.act()
}

func (w *worker) noteLateness(late time.Duration) {
	w.status.MaxLate = max(w.status.MaxLate, late)
	if late > LateLimit {
		w.status.Late++
	}
}

// obey runs the commands in the mailbox.
func (w *worker) obey() {
	if w.poll[pollWake].Revents == 0 {
		return
	}
	var count [8]byte
	_, _ = unix.Read(w.loop.wake, count[:])
	for c := w.loop.commands.take(); c != nil; c = c.next {
		c.run(w)
		w.act()
		if c.done != nil {
			close(c.done)
		}
	}
}

// act carries out the effects of the core.
func (w *worker) act() {
	for i := range w.fx.Sends {
		w.send(&w.fx.Sends[i])
	}
	for _, e := range w.fx.Events {
		w.backlog.put(e)
	}
	w.fx.Reset()
	w.backlog.deliver(w.loop.out)
}

func (w *worker) send(s *bfd.Send) {
	socket := w.senders[keyOf(s)]
	if socket == nil {
		return
	}
	port := uint16(bfd.SingleHopPort)
	if s.Multihop {
		port = bfd.MultihopPort
	}
	err := socket.Send(s.Src, netip.AddrPortFrom(s.Dst, port), s.Ifindex, s.Packet.Append(w.payload[:0]))
	if err != nil {
		w.status.SendErrors++
		w.status.LastError = err.Error()
	}
}

func (w *worker) report() Status {
	s := w.status
	s.Stalled = w.pulse.stalled
	s.Coalesced, s.Counters = w.backlog.coalesced, w.table.Counters()
	return s
}

// close sends the last packets to the peers and closes the sockets.
func (w *worker) close() {
	w.table.Close(w.now(), &w.fx)
	w.act()
	for _, r := range w.receivers {
		_ = r.socket.Close()
	}
	for _, s := range w.senders {
		_ = s.Close()
	}
}
