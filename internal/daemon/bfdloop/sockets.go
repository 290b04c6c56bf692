package bfdloop

import (
	"errors"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/bfd"
	"tandem/internal/linux/udp"
)

// receiver is the socket of one of the two ports.
type receiver struct {
	socket   *udp.Socket
	multihop bool
	// empty is when its queue was last seen empty: no packet found later is older.
	empty time.Duration
}

// receive gives the waiting packets of r to their sessions.
func (w *worker) receive(r *receiver) {
	for range maxBatches {
		before := w.now()
		messages, err := r.socket.Receive(w.batch)
		if err != nil {
			w.status.ReceiveErrors++
			w.status.LastError = err.Error()
			return
		}
		wall := time.Now()
		now := wall.Sub(w.origin)
		for i := range messages {
			m := &messages[i]
			meta := bfd.Meta{
				Src: m.Src.Addr(), Dst: m.Dst, Ifindex: m.Ifindex, HopLimit: m.HopLimit,
				Multihop: r.multihop, Received: r.receivedAt(m, wall, now),
			}
			_ = w.table.Receive(now, &meta, m.Payload, &w.fx) // a refusal is counted there
		}
		if len(messages) < batchSize {
			r.empty = before
			return
		}
	}
}

// receivedAt puts the kernel's wall-clock timestamp on the loop's clock. When the
// wall clock was set meanwhile the result is impossible, and the present is taken.
func (r *receiver) receivedAt(m *udp.Message, wall time.Time, now time.Duration) time.Duration {
	at := now - wall.Sub(m.Received)
	if at < r.empty || at > now {
		return now
	}
	return at
}

// senderKey tells a session's own sending socket and what is set on it.
type senderKey struct {
	discriminator uint32
	multihop      bool
	tosExp        uint8
}

func keyOf(s *bfd.Send) senderKey { return senderKey{s.Discriminator, s.Multihop, s.TOSExp} }

// configure opens the sockets that cfgs need and the table does not have yet, and
// closes those that are not needed any more once the table has said its goodbyes.
func (w *worker) configure(cfgs []bfd.Config) error {
	opened := sockets{receivers: map[bool]*udp.Socket{}, senders: map[senderKey]*udp.Socket{}}
	err := w.open(cfgs, &opened)
	if err == nil {
		err = w.table.Configure(w.now(), cfgs, &w.fx)
	}
	if err != nil {
		opened.close()
		return err
	}
	for multihop, socket := range opened.receivers {
		w.receivers = append(w.receivers, &receiver{socket: socket, multihop: multihop, empty: w.now()})
	}
	for key, socket := range opened.senders {
		w.senders[key] = socket
	}
	w.act()
	w.closeUnused(cfgs)
	w.listPoll()
	return nil
}

// sockets are those opened for a configuration that is not yet in force.
type sockets struct {
	receivers map[bool]*udp.Socket // by multihop
	senders   map[senderKey]*udp.Socket
}

func (s *sockets) close() {
	for _, socket := range s.receivers {
		_ = socket.Close()
	}
	for _, socket := range s.senders {
		_ = socket.Close()
	}
}

func (w *worker) open(cfgs []bfd.Config, opened *sockets) error {
	for _, c := range cfgs {
		if multihop := c.Multihop(); !w.hasReceiver(multihop) && opened.receivers[multihop] == nil {
			socket, err := openReceiver(multihop)
			if err != nil {
				return err
			}
			opened.receivers[multihop] = socket
		}
		key := senderKey{c.LocalDiscriminator, c.Multihop(), c.TOSExp}
		if w.senders[key] == nil && opened.senders[key] == nil {
			socket, err := openSender(key)
			if err != nil {
				return err
			}
			opened.senders[key] = socket
		}
	}
	return nil
}

func (w *worker) hasReceiver(multihop bool) bool {
	for _, r := range w.receivers {
		if r.multihop == multihop {
			return true
		}
	}
	return false
}

func (w *worker) closeUnused(cfgs []bfd.Config) {
	hops, keys := map[bool]bool{}, map[senderKey]bool{}
	for _, c := range cfgs {
		hops[c.Multihop()] = true
		keys[senderKey{c.LocalDiscriminator, c.Multihop(), c.TOSExp}] = true
	}
	kept := w.receivers[:0]
	for _, r := range w.receivers {
		if hops[r.multihop] {
			kept = append(kept, r)
		} else {
			_ = r.socket.Close()
		}
	}
	w.receivers = kept
	for key, socket := range w.senders {
		if !keys[key] {
			_ = socket.Close()
			delete(w.senders, key)
		}
	}
}

// listPoll puts the receivers' sockets into the list that ppoll watches.
func (w *worker) listPoll() {
	w.poll = w.poll[:pollReceivers]
	for _, r := range w.receivers {
		w.poll = append(w.poll, unix.PollFd{Fd: int32(r.socket.FD()), Events: unix.POLLIN})
	}
}

func openReceiver(multihop bool) (*udp.Socket, error) {
	port := uint16(bfd.SingleHopPort)
	if multihop {
		port = bfd.MultihopPort
	}
	return udp.Open(udp.Config{Local: netip.AddrPortFrom(netip.IPv6Unspecified(), port)})
}

// Source ports are of this range, one a session (RFC 5881, section 4).
const (
	firstSourcePort = 49152
	sourcePorts     = 65536 - firstSourcePort
)

// Hop limits sent: 255 over one hop, where the peer checks it, and one less over
// several, so that such a packet can never pass for a neighbour's.
const (
	singleHopLimit = 255
	multihopLimit  = 254
)

func openSender(key senderKey) (*udp.Socket, error) {
	cfg := udp.Config{HopLimit: singleHopLimit, TrafficClass: int(key.tosExp) << 5}
	if key.multihop {
		cfg.HopLimit = multihopLimit
	}
	var err error
	for i := range uint32(sourcePorts) {
		port := firstSourcePort + (key.discriminator+i)%sourcePorts
		cfg.Local = netip.AddrPortFrom(netip.IPv6Unspecified(), uint16(port))
		var socket *udp.Socket
		if socket, err = udp.Open(cfg); !errors.Is(err, unix.EADDRINUSE) {
			return socket, err
		}
	}
	return nil, err
}
