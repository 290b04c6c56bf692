package bfdloop

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/bfd"
	"tandem/internal/instant"
	"tandem/internal/linux/udp"
)

// receiver is the socket of one of the two BFD ports, in one VRF or outside of all VRFs.
type receiver struct {
	receiverKey
	socket *udp.Socket
	// empty is when the socket's queue was last empty. A packet found later has arrived
	// after that.
	empty instant.Time
}

// receive passes the waiting packets of r to their sessions.
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
		now := instant.FromOrigin(wall.Sub(w.origin))
		for i := range messages {
			m := &messages[i]
			meta := bfd.Meta{
				Src: m.Src.Addr(), Dst: m.Dst, Ifindex: m.Ifindex, HopLimit: m.HopLimit,
				VRF: r.vrf, Multihop: r.multihop, Received: r.receivedAt(m, wall, now), Waited: waited(m, wall),
			}
			_ = w.table.Receive(now, &meta, m.Payload, &w.fx) // Receive counts refused packets itself
		}
		if len(messages) < batchSize {
			r.empty = before
			return
		}
	}
}

// receivedAt converts the kernel's wall-clock timestamp to the loop's clock. If the
// result is impossible, because the wall clock was changed since then, it returns the
// present time.
func (r *receiver) receivedAt(m *udp.Message, wall time.Time, now instant.Time) instant.Time {
	at := now.Add(-wall.Sub(m.Received))
	if at < r.empty || at > now {
		return now
	}
	return at
}

// longestWait is the longest plausible time that a packet waits in the kernel. A longer
// time means that the wall clock was changed.
const longestWait = time.Second

// waited returns how long a packet has waited since the interface received it. On a busy
// machine a packet waits until the kernel's network thread passes it to the socket.
func waited(m *udp.Message, wall time.Time) time.Duration {
	if d := wall.Sub(m.Received); d > 0 && d < longestWait {
		return d
	}
	return 0
}

// receiverKey identifies a receiver. A VRF that was removed and made again has another index.
type receiverKey struct {
	multihop bool
	vrf      string
	index    int
}

func receiverOf(c *bfd.Config) receiverKey { return receiverKey{c.Multihop(), c.VRF, c.VRFIndex} }

// senderKey identifies a session's own sending socket and its options.
type senderKey struct {
	discriminator uint32
	vrfIndex      int
	multihop      bool
	tosExp        uint8
}

func keyOf(s *bfd.Send) senderKey {
	return senderKey{s.Discriminator, s.VRFIndex, s.Multihop, s.TOSExp}
}

func senderOf(c *bfd.Config) senderKey {
	return senderKey{c.LocalDiscriminator, c.VRFIndex, c.Multihop(), c.TOSExp}
}

// configure opens the sockets that cfgs need, applies cfgs, and then closes the sockets
// that are no longer needed. At that time the table has already sent its last packets on
// them.
func (w *worker) configure(cfgs []bfd.Config) error {
	opened := sockets{receivers: map[receiverKey]*udp.Socket{}, senders: map[senderKey]*udp.Socket{}}
	err := w.open(cfgs, &opened)
	if err == nil {
		err = w.table.Configure(w.now(), cfgs, &w.fx)
	}
	if err != nil {
		opened.close()
		return err
	}
	for key, socket := range opened.receivers {
		w.receivers = append(w.receivers, &receiver{receiverKey: key, socket: socket, empty: w.now()})
	}
	for key, socket := range opened.senders {
		w.senders[key] = socket
	}
	w.act()
	w.closeUnused(cfgs)
	w.listPoll()
	return nil
}

// sockets are the sockets of a configuration that is not yet in force.
type sockets struct {
	receivers map[receiverKey]*udp.Socket
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
	// If there are VRFs, the same port is opened several times and must be shared. Otherwise it
	// is not shared, so that another program that uses it is detected.
	share := slices.ContainsFunc(cfgs, func(c bfd.Config) bool { return c.VRF != "" })
	if share {
		for _, r := range w.receivers {
			if err := r.socket.Share(); err != nil {
				return err
			}
		}
	}
	for i := range cfgs {
		c := &cfgs[i]
		if key := receiverOf(c); !w.hasReceiver(key) && opened.receivers[key] == nil {
			socket, err := openReceiver(key, share)
			if err != nil {
				return err
			}
			opened.receivers[key] = socket
		}
		key := senderOf(c)
		if w.senders[key] == nil && opened.senders[key] == nil {
			socket, err := openSender(key, c.VRF)
			if err != nil {
				return err
			}
			opened.senders[key] = socket
		}
	}
	return nil
}

func (w *worker) hasReceiver(key receiverKey) bool {
	return slices.ContainsFunc(w.receivers, func(r *receiver) bool { return r.receiverKey == key })
}

func (w *worker) closeUnused(cfgs []bfd.Config) {
	receivers, senders := map[receiverKey]bool{}, map[senderKey]bool{}
	for i := range cfgs {
		receivers[receiverOf(&cfgs[i])] = true
		senders[senderOf(&cfgs[i])] = true
	}
	kept := w.receivers[:0]
	for _, r := range w.receivers {
		if receivers[r.receiverKey] {
			kept = append(kept, r)
		} else {
			_ = r.socket.Close()
		}
	}
	w.receivers = kept
	for key, socket := range w.senders {
		if !senders[key] {
			_ = socket.Close()
			delete(w.senders, key)
		}
	}
}

// listPoll lists the receivers' sockets for ppoll.
func (w *worker) listPoll() {
	w.poll = w.poll[:pollReceivers]
	for _, r := range w.receivers {
		w.poll = append(w.poll, unix.PollFd{Fd: int32(r.socket.FD()), Events: unix.POLLIN})
	}
}

func openReceiver(key receiverKey, share bool) (*udp.Socket, error) {
	port := uint16(bfd.SingleHopPort)
	if key.multihop {
		port = bfd.MultihopPort
	}
	return udp.Open(udp.Config{Local: netip.AddrPortFrom(netip.IPv6Unspecified(), port), Device: key.vrf, Share: share})
}

// Range of the source ports; each session has one (RFC 5881, section 4).
const (
	firstSourcePort = 49152
	sourcePorts     = 65536 - firstSourcePort
)

// Hop limits sent: 255 over one hop, where the peer checks it, and 254 over several hops, so
// that such a packet never looks like a neighbour's.
const (
	singleHopLimit = 255
	multihopLimit  = 254
)

func openSender(key senderKey, vrf string) (*udp.Socket, error) {
	cfg := udp.Config{HopLimit: singleHopLimit, TrafficClass: int(key.tosExp) << 5, Device: vrf}
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
