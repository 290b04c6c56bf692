package daemon

import (
	"context"
	"time"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/linux/mroute"
	"tandem/internal/linux/packet"
	"tandem/internal/mld"
	"tandem/internal/task"
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
func (d *Daemon) readMLD(ctx context.Context, conn *packet.Conn) error {
	var pace pace
	b := newBatch()
	handle := func() { d.handle(b) }
	messages := make([]packet.Message, packet.BatchSize)
	for {
		n, err := conn.Read(messages)
		if err != nil {
			if d.mayReadOn(ctx, "MLD", err) {
				continue
			}
			return nil
		}
		b.events, b.readAt = b.events[:0], time.Now()
		for i := range messages[:n] {
			b.decode(d.links.Name(messages[i].Ifindex), &messages[i])
		}
		if d.turn(handle) != nil {
			return nil
		}
		if n < len(messages) {
			time.Sleep(pace.rest(b.readAt))
		}
	}
}

// readUpcalls tells the device of streams that the kernel has no entry for.
func (d *Daemon) readUpcalls(ctx context.Context, table *mroute.Table) error {
	for {
		up, err := table.ReadUpcall()
		if err != nil {
			if d.mayReadOn(ctx, "multicast routing", err) {
				continue
			}
			return nil
		}
		if up.Kind != mroute.NoCache {
			continue
		}
		name := d.links.Name(up.Ifindex)
		if !d.post(device.StreamArrived{Netdev: name, Source: up.Source, Group: up.Group}) {
			return nil
		}
	}
}

// mayReadOn reports whether to go on reading after an error, see [task.ReadAgain].
func (d *Daemon) mayReadOn(ctx context.Context, what string, err error) bool {
	return task.ReadAgain(ctx, err, func(err error) { d.emit(event.SocketFailed.With(what, err)) })
}

// readLinks takes note of the links that come, change and go.
func (d *Daemon) readLinks(ctx context.Context) error {
	for {
		changed, err := d.monitor.Read()
		if err != nil {
			if d.mayReadOn(ctx, "link monitor", err) {
				continue
			}
			return nil
		}
		if d.turn(func() { d.linksChanged(changed) }) != nil {
			return nil
		}
	}
}
