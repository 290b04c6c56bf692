package pairtest

import (
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/bfd"
	"tandem/internal/linux/testnet"
)

// forges returns a UDP datagram of the attacker with another sender's address.
func forges(from, to netip.Addr, port uint16, payload []byte) testnet.Packet {
	b := binary.BigEndian.AppendUint16(nil, 50000)
	b = binary.BigEndian.AppendUint16(b, port)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(payload)))
	b = append(binary.BigEndian.AppendUint16(b, 0), payload...)
	binary.BigEndian.PutUint16(b[6:], udpChecksum(from, to, b))
	return testnet.Packet{Src: from, Dst: to, HopLimit: 255, Next: unix.IPPROTO_UDP, Payload: b}
}

// udpChecksum returns the UDP checksum (RFC 8200, section 8.1).
func udpChecksum(from, to netip.Addr, datagram []byte) uint16 {
	sum := uint32(len(datagram)) + unix.IPPROTO_UDP
	for _, b := range [][]byte{from.AsSlice(), to.AsSlice(), append(datagram[:len(datagram):len(datagram)], 0)} {
		for ; len(b) > 1; b = b[2:] {
			sum += uint32(binary.BigEndian.Uint16(b))
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// hardware returns the Ethernet address of a device's leg.
func (d *device) hardware() net.HardwareAddr {
	d.t.Helper()
	l, err := d.Links.Link(legLink)
	testnet.Must(d.t, err)
	return l.HardwareAddr
}

// TestHostileControl: a host sends BFD packets with the peer's address: with the state
// Down while the peer lives, and with the state Up after it has died. The first has no
// effect. In spite of the second, the stream comes at once from the remaining device.
func TestHostileControl(t *testing.T) {
	p, src, ssm, asm := receivingPair(t)
	p.forms(2)
	says := func(state bfd.State) testnet.Packet {
		packet := bfd.Packet{State: state, DetectMult: 50, MyDiscriminator: 2, YourDiscriminator: 1,
			DesiredMinTx: time.Second, RequiredMinRx: time.Second}
		f := forges(addr("c", "b"), addr("c", "a"), bfd.MultihopPort, packet.Append(nil))
		f.To = p.a.hardware()
		return f
	}
	send := func(state bfd.State, times int) {
		t.Helper()
		p.host.SendAll(t, bridge, func(yield func(testnet.Packet) bool) {
			for range times {
				if !yield(says(state)) {
					return
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	losses := p.losses()
	from := src.position()
	send(bfd.Down, 200)
	for _, l := range []*listener{ssm, asm} {
		if n := l.missed(from+1, src.position()-1); n > 0 {
			t.Errorf("%s missed %d packets", l.group, n)
		}
	}
	p.staysPair(losses)
	p.b.crash()
	send(bfd.Up, 500) // half a second
	eventually(t, "the device that is left serves alone", p.a.sole)
	ssm.awaits(src)
	asm.awaits(src)
	to := src.position()
	const takeover = 300 * time.Millisecond
	for _, l := range []*listener{ssm, asm} {
		if n := l.missed(from+1, to-1); n > int(takeover/streamInterval) {
			t.Errorf("%s missed %d packets: the peer's death was noticed late", l.group, n)
		}
	}
	var gate struct {
		Dropped int `json:"dropped-control-traffic-of-hosts"`
	}
	testnet.Must(t, p.a.display("multicast ipv6 gate", &gate))
	if gate.Dropped < 700 {
		t.Errorf("%d of 700 forged packets are counted", gate.Dropped)
	}
}
