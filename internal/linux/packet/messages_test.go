package packet_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"tandem/internal/linux/packet"
	"tandem/internal/linux/testnet"
	"tandem/internal/mld"
)

var (
	stranger = netip.MustParseAddr("fe80::1111")
	alert    = []byte{5, 2, 0, 0, 1, 0}
)

// report1 is an MLDv1 report of the group, with its checksum.
func report1(dst netip.Addr) []byte { return message1(131, dst) }

func message1(typ byte, dst netip.Addr) []byte {
	b := make([]byte, 24)
	b[0] = typ
	g := group.As16()
	copy(b[8:], g[:])
	mld.SetChecksum(stranger, dst, b)
	return b
}

// report2 is an MLDv2 report of the group, with additional bytes after its only record.
func report2(dst netip.Addr, more int) []byte {
	b := mld.AppendReport(nil, []mld.GroupRecord{{Type: mld.ChangeToExclude, Group: group}})
	b = append(b, make([]byte, more)...)
	mld.SetChecksum(stranger, dst, b)
	return b
}

func broken(b []byte) []byte {
	b[2] ^= 1
	return b
}

// unfinished returns a message whose checksum the network card has yet to fill in.
func unfinished(b []byte) []byte {
	b[2], b[3] = 0x12, 0x34
	return b
}

// TestPackets: a stranger sends packets. The correct ones are received; for each other one
// Read returns what is wrong.
func TestPackets(t *testing.T) {
	unheard := errors.New("nothing comes")
	long := make([]byte, 8*250-2) // padding: eight options of 250 bytes, without the header
	for at := 0; at < len(long); {
		size := min(len(long)-at, 257)
		if len(long)-at-size == 1 {
			size--
		}
		long[at], long[at+1] = 1, byte(size-2)
		at += size
	}
	tests := map[string]struct {
		packet testnet.Packet
		want   error
		alert  bool
	}{
		"MLDv1 report to its group":           {testnet.Packet{Dst: group, HopByHop: alert, Payload: report1(group)}, nil, true},
		"MLDv1 report without Router Alert":   {testnet.Packet{Dst: group, Payload: report1(group)}, nil, false},
		"group query without Router Alert":    {testnet.Packet{Dst: group, Payload: message1(130, group)}, nil, false},
		"done":                                {testnet.Packet{Dst: allRouters, HopByHop: alert, Payload: message1(132, allRouters)}, nil, true},
		"MLDv2 report without Router Alert":   {testnet.Packet{Dst: reports, Payload: report2(reports, 0)}, nil, false},
		"Router Alert for RSVP":               {testnet.Packet{Dst: reports, HopByHop: []byte{5, 2, 0, 1, 1, 0}, Payload: report2(reports, 0)}, nil, false},
		"longest hop-by-hop header":           {testnet.Packet{Dst: reports, HopByHop: long, Payload: report2(reports, 0)}, nil, false},
		"option to be skipped":                {testnet.Packet{Dst: reports, HopByHop: []byte{0x1e, 4, 1, 2, 3, 4}, Payload: report2(reports, 0)}, nil, false},
		"hop limit 64, which mld judges":      {testnet.Packet{Dst: reports, HopLimit: 64, Payload: report2(reports, 0)}, nil, false},
		"padding behind the packet":           {testnet.Packet{Dst: reports, Padding: make([]byte, 30), Payload: report2(reports, 0)}, nil, false},
		"additional data, odd in length":      {testnet.Packet{Dst: reports, Payload: report2(reports, 3)}, nil, false},
		"checksum left to a card":             {testnet.Packet{Dst: reports, Unfinished: true, Payload: unfinished(report2(reports, 0))}, nil, false},
		"wrong checksum":                      {testnet.Packet{Dst: reports, HopByHop: alert, Payload: broken(report2(reports, 0))}, packet.ErrChecksum, false},
		"ICMPv6 longer than the IPv6 payload": {testnet.Packet{Dst: reports, Longer: -12, Payload: report2(reports, 0)}, packet.ErrChecksum, false},
		"shorter than the payload length":     {testnet.Packet{Dst: reports, Longer: 1, Payload: report2(reports, 0)}, packet.ErrLength, false},
		"no payload length":                   {testnet.Packet{Dst: reports, Longer: -28, Payload: report2(reports, 0)}, packet.ErrLength, false},
		"payload ends in the options":         {testnet.Packet{Dst: reports, HopByHop: long, Longer: -28 - 8, Payload: report2(reports, 0)}, packet.ErrHopByHop, false},
		"jumbo payload option":                {testnet.Packet{Dst: reports, HopByHop: []byte{0xc2, 4, 0, 1, 0, 0}, Payload: report2(reports, 0)}, packet.ErrHopByHop, false},
		"option cut off":                      {testnet.Packet{Dst: reports, HopByHop: []byte{5, 200, 0, 0, 1, 0}, Payload: report2(reports, 0)}, packet.ErrHopByHop, false},
		"as long as a message can be":         {testnet.Packet{Dst: reports, HopByHop: alert, Payload: report2(reports, packet.MaxMessage-28)}, nil, true},
		"longer":                              {testnet.Packet{Dst: reports, HopByHop: alert, Payload: report2(reports, packet.MaxMessage-27)}, packet.ErrTooLong, false},
		"first fragment":                      {testnet.Packet{Dst: reports, Next: 44, Payload: append([]byte{58, 0, 0, 1, 0, 0, 0, 7}, report2(reports, 0)...)}, unheard, false},
		"destination options":                 {testnet.Packet{Dst: reports, Next: 60, Payload: append([]byte{58, 0, 1, 4, 0, 0, 0, 0}, report2(reports, 0)...)}, unheard, false},
		"two hop-by-hop headers":              {testnet.Packet{Dst: reports, HopByHop: alert, Next: 60, Payload: append([]byte{58, 0, 1, 4, 0, 0, 0, 0}, report2(reports, 0)...)}, unheard, false},
		"echo request":                        {testnet.Packet{Dst: reports, Payload: message1(128, reports)}, unheard, false},
		"type between":                        {testnet.Packet{Dst: reports, Payload: message1(142, reports)}, unheard, false},
		"no ICMPv6 at all":                    {testnet.Packet{Dst: reports, HopByHop: alert}, unheard, false},
	}
	n := testnet.New(t)
	for _, node := range []struct {
		*testnet.Node
		link string
	}{{n.Hosts[0], "h0"}, {n.Router, "d0"}} {
		node.SetMTU(t, node.link, 12000)
	}
	c, in := listen(t, n.Router)
	testnet.Must(t, c.Join(n.Down0.Index))
	n.Hosts[0].SetSysctl("ipv6/conf/h0/disable_ipv6", "1") // the host sends no MLD of its own
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := tt.packet
			p.Src = stranger
			if p.HopLimit == 0 {
				p.HopLimit = 1
			}
			for len(in) > 0 {
				<-in
			}
			n.Hosts[0].Send(t, "h0", p)
			// This message is sent last, so all others have arrived when it is received.
			n.Hosts[0].Send(t, "h0", testnet.Packet{Src: stranger, Dst: reports, HopLimit: 77, Payload: report2(reports, 0)})
			got := next(t, in)
			if got.HopLimit == 77 {
				if tt.want != unheard {
					t.Errorf("nothing comes, want %v", tt.want)
				}
				return
			}
			next(t, in)
			if got.Err != tt.want || got.Ifindex != n.Down0.Index {
				t.Errorf("%v by interface %d, want error %v by %d", got, got.Ifindex, tt.want, n.Down0.Index)
			}
			if got.Err == nil && (got.Src != stranger || got.Dst != p.Dst || got.HopLimit != int(p.HopLimit) || got.RouterAlert != tt.alert) {
				t.Errorf("%v, hop limit %d, Router Alert %v", got, got.HopLimit, got.RouterAlert)
			}
		})
	}
}

// next returns the next message. If it is from another sender than the stranger, it waits
// for one from the stranger.
func next(t *testing.T, in <-chan received) received {
	t.Helper()
	for end := time.After(5 * time.Second); ; {
		select {
		case m := <-in:
			if m.Err != nil || m.Src == stranger {
				return m
			}
		case <-end:
			t.Fatal("nothing comes")
		}
	}
}

// TestOwnMessages: messages that the router itself sends, and frames for other hosts, are
// not received.
func TestOwnMessages(t *testing.T) {
	n := testnet.New(t)
	c, in := listen(t, n.Router)
	testnet.Must(t, c.Join(n.Down0.Index))
	n.Router.Send(t, "d0", testnet.Packet{Src: stranger, Dst: reports, HopLimit: 1, Payload: report2(reports, 0)})
	testnet.Must(t, c.Send(n.Down0.Index, n.Down0.LinkLocal, reports, report2(reports, 0), true))
	n.Receiver(t, 0).Join(group)
	for {
		m := await(t, in, 143)
		if m.Src == stranger || m.Src == n.Down0.LinkLocal {
			t.Errorf("%v is the router's own", m)
			continue
		}
		return
	}
}

// TestCounted: each message is counted once, in the counter for its result.
func TestCounted(t *testing.T) {
	n := testnet.New(t)
	c, in := listen(t, n.Router)
	testnet.Must(t, c.Join(n.Down0.Index))
	before := c.Counters()
	for range 3 {
		n.Hosts[0].Send(t, "h0", testnet.Packet{Src: stranger, Dst: reports, HopLimit: 1, Payload: broken(report2(reports, 0))})
	}
	for seen := 0; seen < 3; {
		if m := next(t, in); m.Err != nil {
			seen++
		}
	}
	if got := c.Counters(); got.Malformed != before.Malformed+3 || got.Truncated+got.Overrun != 0 {
		t.Errorf("counters %+v after %+v, want 3 more malformed", got, before)
	}
}

// TestOverrun: messages that do not fit into the buffer are counted, also if no other
// message follows.
func TestOverrun(t *testing.T) {
	n := testnet.New(t)
	c := open(t, n.Router)
	testnet.Must(t, c.Join(n.Down0.Index))
	testnet.Must(t, c.SetReceiveBuffer(1))
	const sent = 100
	for range sent {
		n.Hosts[0].Send(t, "h0", testnet.Packet{Src: stranger, Dst: reports, HopLimit: 1, Payload: report2(reports, 0)})
	}
	var lost uint64
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if lost = c.Counters().Overrun; lost > sent/2 {
			break
		}
	}
	if again := c.Counters().Overrun; lost <= sent/2 || again < lost {
		t.Errorf("%d of %d lost, then %d", lost, sent, again)
	}
}
