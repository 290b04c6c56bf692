package pairtest

import (
	"encoding/binary"
	"encoding/hex"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tandem/internal/golden"
	"tandem/internal/linux/testnet"
)

const dissector = "../../contrib/wireshark/tandem.lua"

// dissect lets tshark decode frames with the dissectors of this project and prints the fields,
// one packet on each line. It fails if a packet cannot be decoded.
func dissect(t *testing.T, frames [][]byte, filter string, fields ...string) [][]string {
	t.Helper()
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("needs tshark")
	}
	file := filepath.Join(t.TempDir(), "capture.pcap")
	testnet.Must(t, os.WriteFile(file, testnet.Pcap(frames), 0o644))
	args := []string{"-n", "-X", "lua_script:" + dissector, "-r", file, "-Y", filter, "-T", "fields", "-E", "separator=|", "-E", "aggregator=,"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	cmd := exec.Command(tshark, args...)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil || strings.Contains(complaints.String(), "Lua") {
		t.Fatalf("tshark: %v\n%s", err, complaints.String())
	}
	var lines [][]string
	for line := range strings.Lines(string(out)) {
		lines = append(lines, strings.Split(strings.TrimSuffix(line, "\n"), "|"))
	}
	return lines
}

// column lists the different values of a field.
func column(lines [][]string, at int) []string {
	var values []string
	for _, line := range lines {
		for _, v := range strings.Split(line[at], ",") {
			if v != "" && !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
	}
	slices.Sort(values)
	return values
}

// TestDissector lets Wireshark decode all messages of a pair from the start: none is malformed,
// and the fields agree with the displays.
func TestDissector(t *testing.T) {
	p := newPair(t)
	captured := p.nodes["a"].Capture(t, coreLink)
	p.start()
	for _, d := range []*device{p.a, p.b} {
		d.configures("remote-backup-service rbs1", "transport plaintext")
	}
	s := p.stream(ssmGroup)
	l := p.join(ssmGroup, sourceAddr)
	l.awaits(s)
	p.forms(1)
	p.b.kill()
	p.b.start() // the databases are compared and the record is sent again
	p.forms(1)
	l.leave()
	p.forms(0)
	frames := captured()

	const wrong = "_ws.malformed || etrunk.malformed || rbs.malformed || _ws.lua.error"
	if lines := dissect(t, frames, wrong, "frame.number", "_ws.col.Info"); len(lines) > 0 {
		t.Errorf("malformed: %v", lines)
	}
	want := func(filter, field string, values ...string) {
		t.Helper()
		slices.Sort(values)
		if got := column(dissect(t, frames, filter, field), 0); !slices.Equal(got, values) {
			t.Errorf("%s: %s is %v, want %v", filter, field, got, values)
		}
	}
	sent := func(device string) string { return "etrunk && !icmpv6 && ipv6.src == " + addr("c", device).String() }
	want(sent("a"), "etrunk.priority", "10")
	want(sent("b"), "etrunk.priority", "20")
	want(sent("a"), "etrunk.member", "10")
	want(sent("a"), "etrunk.mode", "0", "1") // the procedure sets the mode in a later commit
	want(sent("a"), "etrunk.fail_time", "3000")
	want(sent("a")+" && etrunk.backup_id", "etrunk.backup_id", "10")
	want(sent("a")+" && etrunk.covers == 1 && etrunk.reason == 1", "etrunk.role", "2")
	want("rbs", "rbs.group", ssmGroup.String())
	want("rbs", "rbs.source", sourceAddr.String())
	want("rbs", "rbs.backup_id", "10")
	seen := column(dissect(t, frames, "rbs", "rbs.type"), 0)
	for _, kind := range []string{"1", "2", "3", "4", "6", "7", "11"} {
		if !slices.Contains(seen, kind) {
			t.Errorf("no frame of type %s among %v", kind, seen)
		}
	}
}

// TestDissectorReadsTheExamples decodes every example frame of docs/protocol/rbs.md, whole and
// with its end missing.
func TestDissectorReadsTheExamples(t *testing.T) {
	examples := golden.Frames(t, golden.Read(t, "../../docs/protocol/rbs.md"))
	var frames [][]byte
	var types []string
	next := uint32(1)
	add := func(frame []byte) {
		frames = append(frames, inTCP(next, frame))
		next += uint32(len(frame))
	}
	for _, frame := range examples {
		add(frame)
		types = append(types, strconv.Itoa(int(frame[2])))
		if frame[2] != 8 && frame[2] != 9 && frame[2] != 10 { // texts of any length
			missing := 1
			if frame[2] == 1 { // version 1 has no last field
				missing = 5
			}
			short := slices.Clone(frame[:len(frame)-missing])
			binary.BigEndian.PutUint16(short, uint16(len(short)))
			add(short)
			types = append(types, strconv.Itoa(int(frame[2]))+" malformed")
		}
	}
	if len(examples) < 14 {
		t.Fatalf("%d examples found", len(examples))
	}
	for i, line := range dissect(t, frames, "tcp", "rbs.type", "rbs.malformed") {
		got := line[0]
		if line[1] != "" {
			got += " malformed"
		}
		if got != types[i] {
			t.Errorf("example %d is dissected as %q, want %q", i, got, types[i])
		}
	}
}

// TestDissectorReadsTheHello decodes the whole example of docs/protocol/etrunk.md.
func TestDissectorReadsTheHello(t *testing.T) {
	page := golden.Read(t, "../../docs/protocol/etrunk.md")
	hello := golden.Hex(t, golden.Code(golden.Section(t, page, "### 2.2 Example"))[0])
	fields := map[string]string{
		"etrunk.malformed": "", "etrunk.id": "7", "etrunk.role": "2", "etrunk.fail_time": "20000", "etrunk.member": "10,20,10,20", "etrunk.remote": "10,21",
		"etrunk.mode": "1,0", "etrunk.member_reason": "1,6", "etrunk.covers": "1,0", "etrunk.work": "2,1", "etrunk.lacp_priority": "100",
		"etrunk.backup_id": "10,4000000000", "etrunk.digest": hex.EncodeToString(hello[len(hello)-32:]),
	}
	names := slices.Sorted(maps.Keys(fields))
	for i, got := range dissect(t, [][]byte{inUDP(1025, hello)}, "udp", names...)[0] {
		if want := fields[names[i]]; got != want {
			t.Errorf("%s is %q, want %q", names[i], got, want)
		}
	}
}

// inIPv6 returns the IPv6 header of a packet from b to a with a payload of some size.
func inIPv6(protocol byte, size int) []byte {
	from, to := addr("c", "b").As16(), addr("c", "a").As16()
	b := append(make([]byte, 12), 0x86, 0xdd, 0x60, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(size))
	return append(append(append(b, protocol, 64), from[:]...), to[:]...)
}

// inUDP returns a datagram whose source and destination ports are equal.
func inUDP(port uint16, payload []byte) []byte {
	b := inIPv6(17, 8+len(payload))
	for _, v := range []uint16{port, port, uint16(8 + len(payload)), 0xffff} {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	return append(b, payload...)
}

// inTCP returns a segment of a connection to the port of RBS.
func inTCP(sequence uint32, payload []byte) []byte {
	b := inIPv6(6, 20+len(payload))
	b = binary.BigEndian.AppendUint16(b, 40000)
	b = binary.BigEndian.AppendUint16(b, 7000)
	b = binary.BigEndian.AppendUint32(b, sequence)
	b = append(b, 0, 0, 0, 1, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0)
	return append(b, payload...)
}
