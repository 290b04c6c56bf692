package multicast

import (
	"errors"
	"maps"
	"slices"

	"golang.org/x/sys/unix"

	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/proof"
)

// Lack returns what keeps an interface from its work, as far as the routing has found out.
func (r *Routing) Lack(netdev string) proof.Lack {
	if _, refused := r.refused[netdev]; refused {
		return proof.LacksSending
	}
	// A loss for which no chain is known raises an alarm only. The peer may lose as much.
	if cause, dropped := r.dropped[netdev]; dropped && cause != causeUnknown {
		return proof.LacksLeaving
	}
	return proof.LacksNothing
}

// noteSent notes whether the kernel has taken a message. That an output firewall refuses messages
// is told once; the first of them is sent again until it is taken.
func (r *Routing) noteSent(m device.SendMLD, err error) {
	_, was := r.refused[m.Netdev]
	is := errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES)
	if err != nil && !(is && was) {
		r.o.Emit(event.MLDNotSent.With(m.Netdev, m.Destination, err))
	}
	switch {
	case is == was:
		return
	case is:
		r.refused[m.Netdev] = m
	case err == nil:
		delete(r.refused, m.Netdev)
	default:
		return // it says nothing about a firewall
	}
	r.o.Loop.Next(func() { r.o.Changed(m.Netdev) })
}

// forget forgets what interfaces lacked.
func (r *Routing) forget() {
	lacked := slices.Concat(slices.Collect(maps.Keys(r.refused)), slices.Collect(maps.Keys(r.dropped)))
	r.refused, r.dropped = nil, nil
	for _, netdev := range lacked {
		r.o.Changed(netdev)
	}
}

// SendAgain sends what the kernel has refused. So it is known when it refuses no more.
func (r *Routing) SendAgain() {
	for _, m := range r.refused {
		r.SendMLD(m)
	}
}
