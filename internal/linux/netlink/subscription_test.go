package netlink_test

import (
	"errors"
	"net"
	"testing"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netlink"
	"tandem/internal/linux/testnet"
)

// subscribe subscribes to the links of a new node.
func subscribe(t *testing.T, filter netlink.Filter) (*testnet.Node, *netlink.Subscription) {
	t.Helper()
	n := testnet.NewNode(t)
	var s *netlink.Subscription
	n.In(t, func() (err error) {
		s, err = netlink.Subscribe(unix.NETLINK_ROUTE, 4096, filter, unix.RTNLGRP_LINK)
		return err
	})
	t.Cleanup(func() { s.Close() })
	return n, s
}

// TestOverrun: more notices come than the buffer holds. Receive reports the overrun. After
// Drain it receives new notices.
func TestOverrun(t *testing.T) {
	n, s := subscribe(t, nil)
	for range 50 {
		testnet.Must(t, n.Links.SetUp("lo", true))
		testnet.Must(t, n.Links.SetUp("lo", false))
	}
	overrun, err := s.Receive(func([]byte) bool { return true })
	testnet.Must(t, err)
	if !overrun {
		t.Error("nothing is said of an overrun")
	}
	testnet.Must(t, s.Drain())
	testnet.Must(t, n.Links.SetUp("lo", true))
	heard := 0
	overrun, err = s.Receive(func(b []byte) bool {
		if m, _, ok := netlink.NextMessage(b); ok && m.Type == unix.RTM_NEWLINK {
			heard++
		}
		return false
	})
	if heard != 1 || overrun || err != nil {
		t.Errorf("%d messages heard, overrun %v, %v", heard, overrun, err)
	}
}

// TestFilter: notices that the filter refuses are not received.
func TestFilter(t *testing.T) {
	n, s := subscribe(t, netlink.Filter{{Code: unix.BPF_RET | unix.BPF_K, K: 0}})
	testnet.Must(t, n.Links.SetUp("lo", true))
	ended := make(chan error)
	go func() {
		_, err := s.Receive(func([]byte) bool { t.Error("heard something"); return true })
		ended <- err
	}()
	testnet.Must(t, n.Links.SetUp("lo", false))
	testnet.Must(t, s.Close())
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Receive after Close: %v", err)
	}
	if err := s.Drain(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Drain after Close: %v", err)
	}
}
