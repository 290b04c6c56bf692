package packet_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"tandem/internal/linux/links"
	"tandem/internal/linux/packet"
	"tandem/internal/linux/testnet"
)

var (
	group      = netip.MustParseAddr("ff1e::1234")
	allNodes   = netip.MustParseAddr("ff02::1")
	allRouters = netip.MustParseAddr("ff02::2")
	reports    = netip.MustParseAddr("ff02::16")
)

// received is a message with its own copy of the payload.
type received struct {
	packet.Message
	group netip.Addr // of a v1 message or of the first record
}

func (m received) String() string {
	if m.Err != nil {
		return fmt.Sprintf("error %v", m.Err)
	}
	return fmt.Sprintf("type %d for %s from %s to %s", m.Payload[0], m.group, m.Src, m.Dst)
}

// listen opens a socket in a node and reads it in the background.
func listen(t testing.TB, n *testnet.Node) (*packet.Conn, <-chan received) {
	t.Helper()
	c := open(t, n)
	out := make(chan received, 1000)
	go func() {
		defer close(out)
		batch := make([]packet.Message, packet.BatchSize)
		for {
			k, err := c.Read(batch)
			if err != nil {
				if !errors.Is(err, net.ErrClosed) {
					t.Errorf("Read: %v", err)
				}
				return
			}
			for _, m := range batch[:k] {
				m.Payload = append([]byte(nil), m.Payload...)
				out <- received{m, firstGroup(m.Payload)}
			}
		}
	}()
	return c, out
}

func open(t testing.TB, n *testnet.Node) *packet.Conn {
	t.Helper()
	var c *packet.Conn
	n.In(t, func() (err error) {
		c, err = packet.Open()
		return err
	})
	t.Cleanup(func() { c.Close() })
	return c
}

func firstGroup(b []byte) netip.Addr {
	at := 8 // queries, v1 reports and dones
	if len(b) > 0 && b[0] == 143 {
		at = 12
	}
	if len(b) < at+16 {
		return netip.Addr{}
	}
	return netip.AddrFrom16([16]byte(b[at:]))
}

// await waits for a message of a type for the group.
func await(t testing.TB, in <-chan received, typ byte) received {
	t.Helper()
	timeout := time.After(5 * time.Second)
	for {
		select {
		case m := <-in:
			if m.Err == nil && m.Payload[0] == typ && m.group == group {
				return m
			}
		case <-timeout:
			t.Fatalf("no message of type %d for %s", typ, group)
		}
	}
}

// check compares the addresses and other properties of a message with what is expected.
func check(t *testing.T, m received, l links.Link, dst netip.Addr) {
	t.Helper()
	if m.Ifindex != l.Index || m.Dst != dst || m.HopLimit != 1 || !m.RouterAlert || !m.Src.IsLinkLocalUnicast() {
		t.Errorf("%v: interface %d, hop limit %d, router alert %v; want interface %d, 1, true, to %s",
			m, m.Ifindex, m.HopLimit, m.RouterAlert, l.Index, dst)
	}
}

func TestReceiveReportsV2(t *testing.T) {
	n := testnet.New(t)
	c, in := listen(t, n.Router)
	testnet.Must(t, c.Join(n.Down0.Index))
	testnet.Must(t, c.Join(n.Down0.Index)) // joining again is no error
	n.Receiver(t, 0).Join(group)
	check(t, await(t, in, 143), n.Down0, reports)

	testnet.Must(t, c.Leave(n.Down0.Index))
	testnet.Must(t, c.Leave(n.Down0.Index))
	if got := c.Counters(); got.Received == 0 || got.Truncated+got.Malformed+got.Overrun != 0 {
		t.Errorf("counters %+v, want messages received and none dropped", got)
	}
}

func TestReceiveV1(t *testing.T) {
	n := testnet.New(t)
	testnet.Must(t, n.Hosts[1].SetSysctl("ipv6/conf/h0/force_mld_version", "1"))
	c, in := listen(t, n.Router)
	testnet.Must(t, c.Join(n.Down1.Index))

	r := n.Receiver(t, 1)
	r.Join(group)
	check(t, await(t, in, 131), n.Down1, group)
	r.Leave(group)
	check(t, await(t, in, 132), n.Down1, allRouters)
}

// TestQueryIsAnswered: the kernel of a host answers a general query. So the query has the
// correct form.
func TestQueryIsAnswered(t *testing.T) {
	n := testnet.New(t)
	host, heard := listen(t, n.Hosts[0])
	testnet.Must(t, host.Join(n.Hosts[0].Interface(t, "h0").Index))
	n.Receiver(t, 0).Join(group) // joined last, so its record is the first one of an answer
	c, in := listen(t, n.Router)
	testnet.Must(t, c.Join(n.Down0.Index))
	// Wait for an answer to the query, not for the report of the join.
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
		testnet.Must(t, c.Send(n.Down0.Index, n.Down0.LinkLocal, allNodes, generalQuery(100), true))
		q := <-heard
		for q.Err == nil && q.Payload[0] != 130 { // the router reports groups, too
			q = <-heard
		}
		if q.Src != n.Down0.LinkLocal || !q.RouterAlert || q.HopLimit != 1 {
			t.Fatalf("host heard %v, hop limit %d, router alert %v", q, q.HopLimit, q.RouterAlert)
		}
		m := await(t, in, 143)
		if recordType := m.Payload[8]; recordType == 2 { // MODE_IS_EXCLUDE: current state
			check(t, m, n.Down0, reports)
			return
		}
	}
	t.Error("no answer to a general query")
}

// generalQuery is an MLDv2 query for all groups; the maximum response delay is in ms.
func generalQuery(delay byte) []byte {
	b := make([]byte, 28)
	b[0], b[5] = 130, delay
	b[24], b[25] = 2, 125 // robustness, query interval
	return b
}

func TestInterfaceReturns(t *testing.T) {
	n := testnet.New(t)
	c, in := listen(t, n.Router)
	testnet.Must(t, c.Join(n.Down0.Index))
	testnet.Must(t, n.Router.Links.Delete("d0"))
	testnet.Cable(t, n.Hosts[0], "h0", n.Router, "d0")
	back := testnet.AwaitLinkLocal(t, n.Router, "d0")
	testnet.AwaitLinkLocal(t, n.Hosts[0], "h0")
	testnet.Must(t, c.Leave(n.Down0.Index))
	testnet.Must(t, c.Join(back.Index))
	n.Receiver(t, 0).Join(group)
	check(t, await(t, in, 143), back, reports)
}

func TestJoinUnknownInterface(t *testing.T) {
	c := open(t, testnet.NewNode(t))
	if err := c.Join(4711); err == nil {
		t.Error("joined on an interface that does not exist")
	}
	if err := c.Send(4711, netip.Addr{}, allNodes, generalQuery(1), true); err == nil {
		t.Error("sent on an interface that does not exist")
	}
}

func TestOpenWithoutCapability(t *testing.T) {
	testnet.WithoutCapabilities(t, func() {
		if _, err := packet.Open(); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("Open = %v, want fs.ErrPermission", err)
		}
	})
}

func TestClosed(t *testing.T) {
	c, in := listen(t, testnet.NewNode(t))
	testnet.Must(t, c.Close())
	select {
	case <-in: // closed by the reader, which checks the error
	case <-time.After(5 * time.Second):
		t.Fatal("Read did not return after Close")
	}
	if err := c.Join(1); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Join after Close = %v, want net.ErrClosed", err)
	}
}

func TestReceiveBuffer(t *testing.T) {
	c := open(t, testnet.NewNode(t))
	size, err := c.ReceiveBuffer()
	testnet.Must(t, err)
	want := packet.WantedReceiveBuffer
	if testnet.Inside() {
		// Only root of the initial user namespace may exceed the limit.
		b, err := os.ReadFile("/proc/sys/net/core/rmem_max")
		if err != nil {
			// The limit belongs to the whole machine, and a network namespace does not show
			// it.
			t.Skip("net.core.rmem_max cannot be read here")
		}
		limit, err := strconv.Atoi(strings.TrimSpace(string(b)))
		testnet.Must(t, err)
		want = min(want, limit)
	}
	// The kernel doubles the requested size.
	if size != 2*want {
		t.Errorf("receive buffer %d bytes, want %d", size, 2*want)
	}
}

func TestUserNamespace(t *testing.T) { testnet.InUserNamespace(t) }

// BenchmarkRead receives reports of one record. The time for sending them is not measured.
func BenchmarkRead(b *testing.B) {
	n := testnet.New(b)
	c, h := open(b, n.Router), open(b, n.Hosts[0])
	testnet.Must(b, c.Join(n.Down0.Index))
	out := n.Hosts[0].Interface(b, "h0").Index
	report := make([]byte, 28)
	report[0], report[7], report[8] = 143, 1, 4
	g := group.As16()
	copy(report[12:], g[:])

	batch := make([]packet.Message, packet.BatchSize)
	b.ReportAllocs()
	for done := 0; done < b.N; {
		b.StopTimer()
		for range min(packet.BatchSize, b.N-done) {
			testnet.Must(b, h.Send(out, netip.Addr{}, reports, report, true))
		}
		b.StartTimer()
		k, err := c.Read(batch)
		testnet.Must(b, err)
		done += k
	}
}
