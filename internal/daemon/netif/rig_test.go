package netif_test

import (
	"bytes"
	"encoding/gob"
	"net/netip"
	"slices"
	"testing"
	"time"

	"tandem/internal/config"
	"tandem/internal/daemon/netif"
	"tandem/internal/device"
	"tandem/internal/event"
	"tandem/internal/linux/links"
	"tandem/internal/linux/testnet"
)

// rig is an Owner in a namespace of its own, with its reports.
type rig struct {
	t *testing.T
	*netif.Owner
	node    *testnet.Node
	runDir  string
	changes chan []links.Link
	told    map[string]device.LinkChanged // the last report of each link
	events  []event.Event
	rebuild bool // Update has requested a rebuild
}

func (r *rig) LinkChanged(l device.LinkChanged) { r.told[l.Netdev] = l }
func (r *rig) Emit(e event.Event)               { r.events = append(r.events, e) }

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, node: testnet.NewNode(t), runDir: t.TempDir()}
	r.open(netif.State{})
	return r
}

// open makes the Owner and makes it read the existing links.
func (r *rig) open(s netif.State) {
	r.t.Helper()
	r.told = make(map[string]device.LinkChanged)
	r.changes = make(chan []links.Link)
	r.node.In(r.t, func() (err error) {
		r.Owner, err = netif.Open(netif.Options{RunDir: r.runDir, DeviceID: 1, News: r, State: s})
		return err
	})
	ended, owner, changes := make(chan struct{}), r.Owner, r.changes
	go func() {
		defer close(changes)
		for {
			changed, err := owner.Read()
			if err != nil {
				return
			}
			select {
			case changes <- changed:
			case <-ended:
				return
			}
		}
	}()
	r.t.Cleanup(func() { close(ended); owner.Close() })
	r.update()
}

// restart replaces the Owner by a successor with its state.
func (r *rig) restart() {
	r.t.Helper()
	var handedOn bytes.Buffer
	testnet.Must(r.t, gob.NewEncoder(&handedOn).Encode(r.State()))
	r.Close()
	var s netif.State
	testnet.Must(r.t, gob.NewDecoder(&handedOn).Decode(&s))
	r.open(s)
}

// update waits for the next changes of links.
func (r *rig) update() {
	r.t.Helper()
	select {
	case changed := <-r.changes:
		r.rebuild = r.Update(changed) || r.rebuild
	case <-time.After(10 * time.Second):
		r.t.Fatal("no link changes any more")
	}
}

func (r *rig) await(what string, is func() bool) {
	r.t.Helper()
	r.t.Logf("awaits: %s", what)
	for !is() {
		r.update()
	}
}

func (r *rig) configure(text string) {
	r.t.Helper()
	m, err := config.Parse(text, nil)
	testnet.Must(r.t, err)
	testnet.Must(r.t, r.Build(m))
	testnet.Must(r.t, r.Activate())
}

// link returns the state of a link in the kernel.
func (r *rig) link(name string) links.Link {
	r.t.Helper()
	l, err := r.node.Links.Link(name)
	testnet.Must(r.t, err)
	return l
}

func (r *rig) has(name, address string) bool {
	return slices.Contains(r.Links().Get(name).Addresses, netip.MustParsePrefix(address))
}

func (r *rig) noEvents() {
	r.t.Helper()
	for _, e := range r.events {
		r.t.Errorf("logged: %s", e)
	}
}
