package daemon

import (
	"errors"
	"net"
	"os"
	"time"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/linux/mroute"
	"tandem/internal/linux/packet"
	"tandem/internal/mld"
)

// batchSize is how many messages are read with one system call.
const batchSize = packet.BatchSize

// batch is what one read has brought. It is used again, so that reports cost no memory.
type batch struct {
	events   []device.Event
	received []device.MLDReceived
	packets  []mld.Packet
	readAt   time.Time
}

func newBatch() *batch {
	return &batch{
		events:   make([]device.Event, 0, batchSize),
		received: make([]device.MLDReceived, batchSize),
		packets:  make([]mld.Packet, batchSize),
	}
}

// decode adds a message as it was read from the socket.
func (b *batch) decode(netdev string, m *packet.Message) {
	i := len(b.events)
	if err := b.packets[i].Parse(m.Payload); err != nil {
		b.events = append(b.events, device.MLDMalformed{Netdev: netdev, Err: err})
		return
	}
	b.received[i] = device.MLDReceived{
		Netdev: netdev,
		Meta:   mld.Meta{Src: m.Src, Dst: m.Dst, HopLimit: m.HopLimit, RouterAlert: m.RouterAlert},
		Packet: &b.packets[i],
	}
	b.events = append(b.events, &b.received[i])
}

// pace keeps reports that stream in from being read one by one, since to be woken costs
// several times what it takes to handle one. Some in a while are read at once.
type pace struct {
	began time.Time // of the while under way
	reads int       // in it
}

const (
	paceWhile = time.Millisecond
	paceReads = 4
)

// rest is how long to wait after a read that has left nothing.
func (p *pace) rest(now time.Time) time.Duration {
	if now.Sub(p.began) >= paceWhile {
		*p = pace{began: now}
	}
	if p.reads++; p.reads < paceReads {
		return 0
	}
	return paceWhile - now.Sub(p.began)
}

// readMLD decodes what the MLD socket receives and tells the device.
func (d *Daemon) readMLD(conn *packet.Conn) {
	var pace pace
	b := newBatch()
	handle := func() { d.handle(b) }
	messages := make([]packet.Message, packet.BatchSize)
	for {
		n, err := conn.Read(messages)
		if err != nil {
			if d.mayReadOn("MLD", err) {
				continue
			}
			return
		}
		b.events, b.readAt = b.events[:0], time.Now()
		for i := range messages[:n] {
			b.decode(d.links.Name(messages[i].Ifindex), &messages[i])
		}
		if d.turn(handle) != nil {
			return
		}
		if n < len(messages) {
			time.Sleep(pace.rest(b.readAt))
		}
	}
}

// readUpcalls tells the device of streams that the kernel has no entry for.
func (d *Daemon) readUpcalls(table *mroute.Table) {
	for {
		up, err := table.ReadUpcall()
		if err != nil {
			if d.mayReadOn("multicast routing", err) {
				continue
			}
			return
		}
		if up.Kind != mroute.NoCache {
			continue
		}
		name := d.links.Name(up.Ifindex)
		if !d.post(device.StreamArrived{Netdev: name, Source: up.Source, Group: up.Group}) {
			return
		}
	}
}

// readAgain is the pause before what could not be read is tried again.
const readAgain = 100 * time.Millisecond

// mayReadOn reports whether to go on reading after an error. One that the kernel gives for a
// moment, as when it has no memory, must not make the daemon deaf for good.
func (d *Daemon) mayReadOn(what string, err error) bool {
	if ended(err) {
		return false
	}
	d.emit(event.SocketFailed.With(what, err))
	time.Sleep(readAgain)
	return true
}

// ended tells the end of reading from an error: what is read was closed or handed over.
func ended(err error) bool {
	return errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded)
}

func (d *Daemon) readLinks() {
	for {
		changed, err := d.monitor.Read()
		if err != nil {
			if d.mayReadOn("link monitor", err) {
				continue
			}
			return
		}
		if d.turn(func() { d.linksChanged(changed) }) != nil {
			return
		}
	}
}
