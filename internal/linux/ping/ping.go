// Package ping sends ICMPv6 echo requests (RFC 4443, section 4).
package ping

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv6"

	"tandem/internal/echo"
)

// tokenSize is the size of the random number by which a series recognises its own replies.
const tokenSize = 8

// Run sends the requests one after the other and calls told with the result of each. It
// ends early when ctx ends. It returns an error only if it could send nothing at all.
func Run(ctx context.Context, r echo.Request, told func(echo.Reply)) error {
	listen := "::"
	if r.Source.IsValid() {
		listen = r.Source.WithZone(zoneFor(r.Source, r.Interface)).String()
	}
	conn, err := icmp.ListenPacket("ip6:ipv6-icmp", listen)
	if err != nil {
		return fmt.Errorf("ping from %s: %w", listen, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	p, err := newPinger(conn, r)
	if err != nil {
		return err
	}
	for n := 1; n <= r.Count; n++ {
		sent := time.Now()
		reply := p.once(n)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if told(reply); n == r.Count {
			break
		}
		select {
		case <-time.After(time.Until(sent.Add(r.Interval))):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// pinger sends one series of requests.
type pinger struct {
	echo.Request
	conn    *ipv6.PacketConn
	id      int
	data    []byte
	control *ipv6.ControlMessage
	buffer  []byte
}

func newPinger(conn *icmp.PacketConn, r echo.Request) (*pinger, error) {
	p := &pinger{Request: r, conn: conn.IPv6PacketConn(), data: make([]byte, max(r.Size, tokenSize)), buffer: make([]byte, 1<<16)}
	rand.Read(p.data[:tokenSize]) // never fails (crypto/rand)
	p.id = int(binary.BigEndian.Uint16(p.data))
	if r.Interface != "" {
		ifc, err := net.InterfaceByName(r.Interface)
		if err != nil {
			return nil, fmt.Errorf("ping by %s: %w", r.Interface, err)
		}
		p.control = &ipv6.ControlMessage{IfIndex: ifc.Index}
	}
	var filter ipv6.ICMPFilter
	filter.SetAll(true)
	filter.Accept(ipv6.ICMPTypeEchoReply)
	return p, errors.Join(p.conn.SetICMPFilter(&filter), p.conn.SetControlMessage(ipv6.FlagHopLimit, true))
}

// once sends one request and waits for its reply.
func (p *pinger) once(sequence int) echo.Reply {
	reply := echo.Reply{Sequence: sequence, Size: len(p.data)}
	request := icmp.Message{Type: ipv6.ICMPTypeEchoRequest, Body: &icmp.Echo{ID: p.id, Seq: sequence, Data: p.data}}
	b, err := request.Marshal(nil) // the kernel fills in the checksum
	if err != nil {
		reply.Err = err
		return reply
	}
	to := &net.IPAddr{IP: p.Destination.AsSlice(), Zone: zoneFor(p.Destination, p.Interface)}
	sent := time.Now()
	if _, err := p.conn.WriteTo(b, p.control, to); err != nil {
		reply.Err = err
		return reply
	}
	// Setting a deadline cannot fail on a socket that has just sent.
	_ = p.conn.SetReadDeadline(sent.Add(p.Timeout))
	for {
		n, control, from, err := p.conn.ReadFrom(p.buffer)
		if err != nil {
			reply.Err = err
			return reply
		}
		if !p.answers(p.buffer[:n], sequence) {
			continue
		}
		reply.RTT = time.Since(sent)
		if a, ok := from.(*net.IPAddr); ok {
			reply.From, _ = netip.AddrFromSlice(a.IP)
		}
		if control != nil {
			reply.HopLimit = control.HopLimit
		}
		return reply
	}
}

// protocol is the number of ICMPv6, for icmp.ParseMessage.
const protocol = 58

func (p *pinger) answers(b []byte, sequence int) bool {
	m, err := icmp.ParseMessage(protocol, b)
	if err != nil {
		return false
	}
	echo, ok := m.Body.(*icmp.Echo)
	return ok && m.Type == ipv6.ICMPTypeEchoReply && echo.ID == p.id && echo.Seq == sequence && len(echo.Data) == len(p.data) &&
		string(echo.Data[:tokenSize]) == string(p.data[:tokenSize])
}

// zoneFor returns the zone that a link-local address needs: the interface. For other
// addresses it returns no zone.
func zoneFor(a netip.Addr, netdev string) string {
	if a.IsLinkLocalUnicast() || a.IsLinkLocalMulticast() {
		return netdev
	}
	return ""
}
