package netif

import (
	"errors"

	"tandem/internal/event"
	"tandem/internal/linux/links"
)

// pass is one reconciliation of links with a plan.
type pass struct {
	netlink *links.Handle
	plan    *plan
	undoLog *undoLog
	state   *State
	emit    func(event.Event)
	now     map[string]links.Link // the links that exist, by name
}

// look reads the present links.
func (p *pass) look() error {
	list, err := p.netlink.List()
	if err != nil {
		return err
	}
	p.now = make(map[string]links.Link, len(list))
	for _, l := range list {
		p.now[l.Name] = l
	}
	return nil
}

// create calls add to make an interface, and stores its index in noted, so that it can be
// removed later. If the kernel has no driver for it, another program has to make the
// interface: this is logged once, and the result is no link.
func (p *pass) create(netdev string, noted map[string]int, add func() error) (links.Link, error) {
	err := add()
	if errors.Is(err, links.ErrNoDriver) {
		p.miss(netdev, err)
		return links.Link{}, nil
	}
	if err != nil {
		return links.Link{}, err
	}
	if err := p.look(); err != nil {
		return links.Link{}, err
	}
	noted[netdev] = p.now[netdev].Index
	delete(p.state.Missing, netdev)
	return p.now[netdev], p.undoLog.save()
}

// remove deletes a bond or sub-interface that the daemon has made. The kernel then
// releases its ports.
func (p *pass) remove(netdev string) error {
	if err := p.netlink.Delete(netdev); err != nil && !errors.Is(err, links.ErrNotFound) {
		return err
	}
	delete(p.undoLog.Created, netdev)
	delete(p.undoLog.Addresses, netdev)
	p.state.forgetActor(netdev)
	return p.look()
}

// miss logs once why an interface cannot be made.
func (p *pass) miss(netdev string, err error) {
	if p.state.Missing[netdev] == err.Error() {
		return
	}
	if p.state.Missing == nil {
		p.state.Missing = make(map[string]string)
	}
	p.state.Missing[netdev] = err.Error()
	p.emit(event.InterfaceNotMade.With(netdev, err))
}
