package bfdloop

import (
	"slices"

	"tandem/internal/bfd"
)

// ask sends a request and waits for its reply.
func (h *helper) ask(r request) (*reply, error) {
	answer := make(chan *reply, 1)
	h.mu.Lock()
	if err := h.usable(); err != nil {
		h.mu.Unlock()
		return nil, err
	}
	h.lastID++
	r.ID = h.lastID
	h.waiting[r.ID] = answer
	_ = h.enc.Encode(&r) // if it fails, the helper has ended, and bury closes answer
	h.mu.Unlock()
	got, ok := <-answer
	if !ok {
		return nil, errHelperAway
	}
	return got, nil
}

func (h *helper) usable() error {
	switch {
	case h.closed:
		return ErrClosed
	case h.conn == nil:
		return errHelperAway
	}
	return nil
}

func (h *helper) configure(cfgs []bfd.Config) error {
	got, err := h.ask(request{Kind: askConfigure, Configs: cfgs})
	if err != nil {
		return err
	}
	if err := got.Err.error(); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cfgs = slices.Clone(cfgs)
	return nil
}

func (h *helper) setLink(name string, index int, up bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := linkState{name, index, up}
	h.links[name] = l
	if h.usable() == nil {
		_ = h.enc.Encode(&request{Kind: askLink, Link: l})
	}
}

func (h *helper) beat() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.usable() == nil {
		_ = h.enc.Encode(&request{Kind: askBeat})
	}
}

func (h *helper) events() <-chan Event { return h.out }

func (h *helper) snapshot() []bfd.SessionState {
	got, err := h.ask(request{Kind: askSnapshot})
	if err != nil {
		return nil
	}
	return got.States
}

func (h *helper) status() Status {
	got, err := h.ask(request{Kind: askStatus})
	if err != nil {
		return Status{}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	got.Status.HelperStarts = h.starts
	if h.process != nil {
		got.Status.HelperPID = h.process.Pid
	}
	return got.Status
}
