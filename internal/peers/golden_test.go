package peers

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/golden"
	"tandem/internal/linux/packet"
	"tandem/internal/linux/testnet"
	"tandem/internal/mld"
)

// capture contains the frames that the kernel sent for each of messages.
const capture = "testdata/mld.pcap"

const ethernet, ipv6Header, hopByHop = 14, 40, 8

// TestCaptured sends every kind of message through the real socket. It compares the frames
// on the wire, byte by byte, with the stored capture.
func TestCaptured(t *testing.T) {
	n := testnet.New(t)
	testnet.Must(t, n.Router.Links.AddAddress("d0", netip.PrefixFrom(sentFrom, 64)))
	frames := tap(t, n.Hosts[0])
	var conn *packet.Conn
	n.Router.In(t, func() (err error) {
		conn, err = packet.Open()
		return err
	})
	defer conn.Close()
	var got [][]byte
	for _, m := range messages(t) {
		testnet.Must(t, conn.Send(n.Down0.Index, sentFrom, m.dst, m.payload, true))
		got = append(got, frames())
	}
	if golden.Updating() {
		testnet.Must(t, os.WriteFile(capture, testnet.Pcap(got), 0o644))
	}
	want := captured(t)
	for i, m := range messages(t) {
		if i >= len(want) || !bytes.Equal(got[i], want[i]) {
			t.Errorf("%s: frame\n%x, not as captured", m.name, got[i])
		}
	}
}

// tap returns a function that waits, on a host, for the next MLD frame of the router. The
// frames have a source hardware address of zeros.
func tap(t *testing.T, n *testnet.Node) func() []byte {
	t.Helper()
	fd := -1
	n.In(t, func() (err error) {
		proto := binary.NativeEndian.Uint16([]byte{0x86, 0xdd})
		if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(proto)); err != nil {
			return err
		}
		wait := unix.NsecToTimeval(int64(patience))
		return unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait)
	})
	t.Cleanup(func() { unix.Close(fd) })
	return func() []byte {
		b := make([]byte, 2000)
		from := sentFrom.As16()
		for {
			k, _, err := unix.Recvfrom(fd, b, 0)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			testnet.Must(t, err)
			if k > ethernet+ipv6Header+hopByHop && bytes.Equal(b[ethernet+8:ethernet+24], from[:]) && b[ethernet+ipv6Header] == 58 {
				clear(b[6:12])
				return b[:k]
			}
		}
	}
}

// TestEncoded compares the messages of the codec with the capture, including checksums.
func TestEncoded(t *testing.T) {
	want := captured(t)
	all := messages(t)
	if len(want) != len(all) {
		t.Fatalf("%d messages captured, %d sent now", len(want), len(all))
	}
	for i, m := range all {
		mld.SetChecksum(sentFrom, m.dst, m.payload)
		if got := want[i][ethernet+ipv6Header+hopByHop:]; !bytes.Equal(m.payload, got) {
			t.Errorf("%s:\n%x, captured\n%x", m.name, m.payload, got)
		}
	}
}

// TestDissected lets Wireshark's dissectors read the capture. They must report no
// malformed message, no warning and no wrong checksum, and every field must have the
// intended value.
func TestDissected(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("needs tshark")
	}
	args := []string{"-n", "-r", capture, "-T", "fields", "-E", "separator=|", "-E", "aggregator=,"}
	for _, f := range dissected {
		args = append(args, "-e", f)
	}
	cmd := exec.Command(tshark, args...)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v\n%s", err, complaints.String())
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	all := messages(t)
	if len(lines) != len(all) {
		t.Fatalf("%d packets dissected, %d sent:\n%s", len(lines), len(all), out)
	}
	for i, m := range all {
		if want := expected(t, m); lines[i] != want {
			t.Errorf("%s: dissected\n%s, want\n%s", m.name, lines[i], want)
		}
	}
}

// dissected are the fields to compare, in the order of expected.
var dissected = []string{
	"_ws.malformed", "_ws.expert.message", "ipv6.src", "ipv6.dst", "ipv6.hlim", "ipv6.opt.router_alert",
	"icmpv6.checksum.status", "icmpv6.type", "icmpv6.code",
	"icmpv6.mld.maximum_response_delay", "icmpv6.mld.maximum_response_code", "icmpv6.mld.multicast_address",
	"icmpv6.mld.flag.s", "icmpv6.mld.flag.qrv", "icmpv6.mld.qqi", "icmpv6.mld.nb_sources", "icmpv6.mld.source_address",
	"icmpv6.mldr.nb_mcast_records", "icmpv6.mldr.mar.record_type", "icmpv6.mldr.mar.aux_data_len",
	"icmpv6.mldr.mar.nb_sources", "icmpv6.mldr.mar.multicast_address", "icmpv6.mldr.mar.source_address",
}

// expected returns the line that tshark should print for a message. Tshark decodes the
// exponential codes itself.
func expected(t *testing.T, m message) string {
	t.Helper()
	var p mld.Packet
	if err := p.Parse(m.payload); err != nil {
		t.Fatal(err)
	}
	f := map[string]string{
		"ipv6.src": sentFrom.String(), "ipv6.dst": m.dst.String(), "ipv6.hlim": "1", "ipv6.opt.router_alert": "0",
		"icmpv6.checksum.status": "1", "icmpv6.type": strconv.Itoa(int(p.Type)), "icmpv6.code": "0",
	}
	response := strconv.Itoa(int(p.MaxResponse / time.Millisecond))
	switch {
	case p.Type == mld.TypeReportV2:
		f["icmpv6.mldr.nb_mcast_records"] = strconv.Itoa(len(p.Records))
		for _, r := range p.Records {
			add(f, "icmpv6.mldr.mar.record_type", strconv.Itoa(int(r.Type)))
			add(f, "icmpv6.mldr.mar.aux_data_len", "0")
			add(f, "icmpv6.mldr.mar.nb_sources", strconv.Itoa(len(r.Sources)))
			add(f, "icmpv6.mldr.mar.multicast_address", r.Group.String())
			for _, s := range r.Sources {
				add(f, "icmpv6.mldr.mar.source_address", s.String())
			}
		}
	case p.Version == 1:
		f["icmpv6.mld.maximum_response_delay"], f["icmpv6.mld.multicast_address"] = response, p.Group.String()
	default:
		f["icmpv6.mld.maximum_response_code"], f["icmpv6.mld.multicast_address"] = response, p.Group.String()
		f["icmpv6.mld.flag.s"] = map[bool]string{false: "0", true: "1"}[p.Suppress]
		f["icmpv6.mld.flag.qrv"] = strconv.Itoa(p.Robustness)
		f["icmpv6.mld.qqi"] = strconv.Itoa(int(p.QueryInterval / time.Second))
		f["icmpv6.mld.nb_sources"] = strconv.Itoa(len(p.Sources))
		for _, s := range p.Sources {
			add(f, "icmpv6.mld.source_address", s.String())
		}
	}
	line := make([]string, len(dissected))
	for i, name := range dissected {
		line[i] = f[name]
	}
	return strings.Join(line, "|")
}

func add(f map[string]string, name, value string) {
	if f[name] != "" {
		value = f[name] + "," + value
	}
	f[name] = value
}

// captured reads the frames of the capture.
func captured(t *testing.T) (frames [][]byte) {
	t.Helper()
	b, err := os.ReadFile(capture)
	testnet.Must(t, err)
	for b = b[24:]; len(b) >= 16; {
		n := 16 + int(binary.LittleEndian.Uint32(b[8:]))
		frames, b = append(frames, b[16:n]), b[n:]
	}
	return frames
}
