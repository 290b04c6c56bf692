package pimio_test

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"tandem/internal/linux/pimio"
	"tandem/internal/linux/testnet"
)

var allRouters = netip.MustParseAddr("ff02::d")

// open makes a socket in a node.
func open(t *testing.T, n *testnet.Node) (c *pimio.Conn) {
	t.Helper()
	n.In(t, func() (err error) {
		c, err = pimio.Open()
		return err
	})
	t.Cleanup(func() { c.Close() })
	return c
}

// next waits for one message.
func next(t *testing.T, c *pimio.Conn) pimio.Message {
	t.Helper()
	end := time.AfterFunc(5*time.Second, c.Interrupt)
	defer end.Stop()
	list := make([]pimio.Message, 1)
	for {
		n, err := c.Read(list)
		testnet.Must(t, err)
		if n == 1 {
			return list[0]
		}
	}
}

// TestConn sends messages between two nodes, over one interface that is joined and one that
// is not.
func TestConn(t *testing.T) {
	a, b := testnet.NewNode(t), testnet.NewNode(t)
	testnet.Cable(t, a, "a0", b, "b0")
	testnet.Cable(t, a, "a1", b, "b1")
	a0, a1 := testnet.AwaitLinkLocal(t, a, "a0"), testnet.AwaitLinkLocal(t, a, "a1")
	b0, b1 := testnet.AwaitLinkLocal(t, b, "b0"), testnet.AwaitLinkLocal(t, b, "b1")
	from, to := open(t, a), open(t, b)
	testnet.Must(t, to.Join(b0.Index))
	testnet.Must(t, to.Join(b0.Index))

	hello, other := []byte{0x20, 0, 1, 2}, []byte{0x23, 0, 1, 2, 3}
	frames := b.Capture(t, "b0")
	testnet.Must(t, from.Send(a1.Index, a1.LinkLocal, allRouters, other)) // no socket receives it
	testnet.Must(t, from.Send(a1.Index, a1.LinkLocal, b1.LinkLocal, other))
	testnet.Must(t, from.Send(a0.Index, a0.LinkLocal, allRouters, hello))
	m := next(t, to)
	if m.Ifindex != b0.Index || m.Src != a0.LinkLocal || m.Dst != allRouters || !bytes.Equal(m.Payload, hello) {
		t.Errorf("received %+v", m)
	}
	for _, f := range frames() {
		if bytes.HasSuffix(f, hello) && (f[20] != 103 || f[21] != 1 || f[14]&0xf != 0xc || f[15]>>4 != 0) {
			t.Errorf("on the wire % x: not protocol 103, hop limit 1, traffic class 0xc0", f)
		}
	}
	if n := to.Counters(); n.Received != 1 || n.Foreign != 1 || n.Overrun != 0 {
		t.Errorf("receiver counts %+v", n)
	}
	if n := from.Counters(); n.Sent != 3 {
		t.Errorf("sender counts %+v", n)
	}

	// A successor receives what arrived before Adopt.
	to.Interrupt()
	testnet.Must(t, from.Send(a0.Index, a0.LinkLocal, b0.LinkLocal, other))
	file, joined := to.HandOver()
	fd, err := dup(file)
	testnet.Must(t, err)
	successor, err := pimio.Adopt(fd, joined)
	testnet.Must(t, err)
	defer successor.Close()
	if m := next(t, successor); m.Dst != b0.LinkLocal || !bytes.Equal(m.Payload, other) {
		t.Errorf("the successor received %+v", m)
	}
	successor.Leave(b0.Index)
	if left := successor.Joined(); len(left) != 0 {
		t.Errorf("still hears %v", left)
	}
	successor.Close()
	if _, err := successor.Read(make([]pimio.Message, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// TestAdoptRefuses: Adopt refuses a socket that is not for PIM.
func TestAdoptRefuses(t *testing.T) {
	n := testnet.NewNode(t)
	n.In(t, func() error {
		fd, err := otherSocket()
		if err != nil {
			return err
		}
		if _, err := pimio.Adopt(fd, nil); err == nil {
			t.Error("a UDP socket is adopted")
		}
		return nil
	})
}
