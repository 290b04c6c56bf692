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

// Lack returns what keeps an interface from working, as far as the routing has found out.
func (r *Routing) Lack(netdev string) proof.Lack {
	if _, refused := r.refused[netdev]; refused {
		return proof.LacksSending
	}
	// A loss for which no chain is known raises only an alarm. The same may happen at the
	// peer, so the member stays ready.
	if cause, dropped := r.dropped[netdev]; dropped && cause != causeUnknown {
		return proof.LacksLeaving
	}
	return proof.LacksNothing
}

// noteSent records whether the kernel has accepted a message. When an output firewall
// refuses messages, this is logged once, and the first refused message is sent again
// until the kernel accepts it.
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
		return // the error says nothing about a firewall
	}
	r.o.Loop.Next(func() { r.o.Changed(m.Netdev) })
}

// forget discards everything that was found out about the interfaces.
func (r *Routing) forget() {
	lacked := slices.Concat(slices.Collect(maps.Keys(r.refused)), slices.Collect(maps.Keys(r.dropped)))
	r.refused, r.dropped = nil, nil
	for _, netdev := range lacked {
		r.o.Changed(netdev)
	}
}

// SendAgain sends the messages that the kernel has refused. So the routing finds out when
// the kernel accepts them again.
func (r *Routing) SendAgain() {
	for _, m := range r.refused {
		r.SendMLD(m)
	}
}
