package mldio

import (
	"context"
	"time"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/linux/packet"
	"tandem/internal/mld"
	"tandem/internal/task"
)

// batch holds the messages of one read. Its memory is used again, so that reports cause
// no allocation.
type batch struct {
	messages []packet.Message
	events   []device.Event
	received []device.MLDReceived
	packets  []mld.Packet
}

func newBatch() *batch {
	return &batch{
		messages: make([]packet.Message, packet.BatchSize),
		events:   make([]device.Event, 0, packet.BatchSize),
		received: make([]device.MLDReceived, packet.BatchSize),
		packets:  make([]mld.Packet, packet.BatchSize),
	}
}

// decode decodes a message from the socket and adds it to the batch.
func (b *batch) decode(netdev string, m *packet.Message) {
	i := len(b.events)
	err := m.Err
	if err == nil {
		err = b.packets[i].Parse(m.Payload)
	}
	if err != nil {
		b.events = append(b.events, device.MLDMalformed{Netdev: netdev, Err: err})
		return
	}
	b.received[i] = device.MLDReceived{
		Netdev: netdev,
		Meta:   mld.Meta{Src: m.Src, Dst: m.Dst, HopLimit: m.HopLimit, RouterAlert: m.RouterAlert, Unicast: m.Unicast},
		Packet: &b.packets[i],
	}
	b.events = append(b.events, &b.received[i])
}

// pace makes the reader wait a little when many reports come, so that it reads them in
// batches. Waking a goroutine costs several times more than handling a report. After a
// pause the first reports are read at once.
type pace struct {
	began time.Time // when the present period of measurement began
	reads int       // reads in this period
}

const (
	paceWhile = time.Millisecond
	paceReads = 4
)

// rest returns how long to wait after a read that has emptied the queue.
func (p *pace) rest(now time.Time) time.Duration {
	if now.Sub(p.began) >= paceWhile {
		*p = pace{began: now}
	}
	if p.reads++; p.reads < paceReads {
		return 0
	}
	return paceWhile - now.Sub(p.began)
}

// Run reads messages and passes them to the router until ctx ends or the socket is closed.
func (s *Socket) Run(ctx context.Context) error {
	defer context.AfterFunc(ctx, s.conn.Interrupt)()
	var pace pace
	b := newBatch()
	for {
		n, err := s.conn.Read(b.messages)
		if err != nil {
			if task.ReadAgain(ctx, err, func(err error) { s.router.Emit(event.SocketFailed.With("MLD", err)) }) {
				continue
			}
			return nil
		}
		readAt := time.Now()
		b.events = b.events[:0]
		for i := range b.messages[:n] {
			m := &b.messages[i]
			b.decode(s.router.Name(m.Ifindex), m)
		}
		if !s.router.Receive(b.events, readAt) {
			return nil
		}
		if n < len(b.messages) {
			time.Sleep(pace.rest(readAt))
		}
	}
}
