package bench

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tandem/internal/mld"
)

func TestQuantiles(t *testing.T) {
	var hundred times
	for i := range 100 {
		hundred = append(hundred, time.Duration(100-i))
	}
	for _, c := range []struct {
		of   times
		q    float64
		want time.Duration
	}{
		{nil, 0.5, 0},
		{times{7}, 0.99, 7},
		{hundred, 0, 1},
		{hundred, 0.5, 50},
		{hundred, 0.99, 99},
		{hundred, 1, 100},
	} {
		if got := c.of.quantile(c.q); got != c.want {
			t.Errorf("quantile %v of %d samples is %v, want %v", c.q, len(c.of), got, c.want)
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.0964: "0.0964", 1.2345: "1.23", 318_456: "318,000", 9_999: "10,000", 1_000_000: "1,000,000", 42: "42",
	} {
		if got := number(v); got != want {
			t.Errorf("number(%v) = %q, want %q", v, got, want)
		}
	}
}

// A frame must be like that of a real host. Otherwise the daemon under test drops it.
func TestReportFrame(t *testing.T) {
	host := hostAddr(3)
	frame := reportFrame(nil, host, join(70_000))
	message := frame[etherHeader+ipv6Header+hopByHop:]
	if got, want := mld.Checksum(host, allMLDv2Routers, message), uint16(message[2])<<8|uint16(message[3]); got != want {
		t.Errorf("checksum %04x, want %04x", want, got)
	}
	var p mld.Packet
	if err := p.Parse(message); err != nil {
		t.Fatal(err)
	}
	if len(p.Records) != 1 || p.Records[0].Type != mld.AllowNewSources || p.Records[0].Group != groupAddr(70_000) {
		t.Errorf("records %v", p.Records)
	}
	if got, want := int(frame[etherHeader+4])<<8|int(frame[etherHeader+5]), len(frame)-etherHeader-ipv6Header; got != want {
		t.Errorf("payload length %d, want %d", got, want)
	}
	if !host.IsLinkLocalUnicast() || frame[etherHeader+7] != 1 {
		t.Error("reports must come from a link-local address with hop limit 1")
	}
}

func TestGroupNumbers(t *testing.T) {
	for _, n := range []int{0, 255, 256, 70_000, 1 << 24} {
		a := groupAddr(n)
		if b := a.As16(); groupNumber(b[:]) != n || !a.IsMulticast() || !mld.Routable(a) {
			t.Errorf("group %d is %v", n, a)
		}
	}
}

func TestDestination(t *testing.T) {
	a := groupAddr(9).As16()
	attr := append([]byte{20, 0, 1, 0}, a[:]...) // RTA_DST
	before := []byte{8, 0, 15, 0, 1, 0, 0, 0}
	if g, ok := destination(append(before, attr...)); g != 9 || !ok {
		t.Errorf("group %d, %v", g, ok)
	}
	other := netip.MustParseAddr("ff0e::9").As16()
	if _, ok := destination(append([]byte{20, 0, 1, 0}, other[:]...)); ok {
		t.Error("a group of somebody else was taken for ours")
	}
	if _, ok := destination([]byte{200, 0, 1, 0}); ok {
		t.Error("an attribute that exceeds the message was taken")
	}
}

func TestTally(t *testing.T) {
	got := []arrived{{number: 9}, {number: 10}, {number: 10, leg: 1}, {number: 12}, {number: 14}}
	if lost, twice := new(traffic).tally(got, 10, 14); lost != 2 || twice != 1 {
		t.Errorf("%d lost, %d twice, want 2 and 1", lost, twice)
	}
}

func TestChoose(t *testing.T) {
	if all, err := choose(nil); err != nil || len(all) != len(figures) {
		t.Errorf("%d figures, %v", len(all), err)
	}
	if some, err := choose([]string{"f12"}); err != nil || len(some) != 1 || some[0].id != "F12" {
		t.Errorf("%v, %v", some, err)
	}
	if _, err := choose([]string{"F99"}); err == nil {
		t.Error("F99 was found")
	}
}

func TestPageKeepsWhatSurroundsTheTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	write := func(text string) error {
		return errors.Join(os.WriteFile(path, []byte(text), 0o644),
			writePage(path, []report{{Figure: "F2", Met: true, Rows: []row{{Name: "gate", Value: 5, Unit: "us"}}}}, beginning()))
	}
	if err := write("before\n" + tableBegin + "old\n" + tableEnd + "after\n"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := string(text)
	if !strings.HasPrefix(s, "before\n") || !strings.HasSuffix(s, "after\n") || strings.Contains(s, "old") ||
		!strings.Contains(s, "| F2 | gate | 5 us |") || !strings.Contains(s, "Met: F2. Missed: none.") {
		t.Error(s)
	}
	if write("no place for it\n") == nil {
		t.Error("a page without the lines was accepted")
	}
}

func TestReportPrints(t *testing.T) {
	var b bytes.Buffer
	figure4.report(outcome{Value: 1, Rows: []row{{Name: "x", Value: 123_456, Unit: "reports/s"}}}).print(&b)
	if s := b.String(); !strings.Contains(s, "MISSED") || !strings.Contains(s, "123,000 reports/s") {
		t.Error(s)
	}
}
