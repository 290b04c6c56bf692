package rbs

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"tandem/internal/golden"
)

// The page docs/protocol/rbs.md is checked against the code: its examples (see
// TestGoldenFrames), its tables and its numbers.

func page(t testing.TB) string { return golden.Read(t, "../../docs/protocol/rbs.md") }

// examples returns the frames of the page by the names of their types.
func examples(t testing.TB) map[string][]byte {
	t.Helper()
	found := make(map[string][]byte)
	for _, b := range golden.Frames(t, page(t)) {
		f, n, err := nextFrame(b)
		if err != nil || n != len(b) || found[f.Type.String()] != nil {
			t.Fatalf("example %x: %v of %d bytes, %v", b, f.Type, n, err)
		}
		found[f.Type.String()] = b
	}
	return found
}

// TestDocumentedNumbers: the page and the dissector have every type and code.
func TestDocumentedNumbers(t *testing.T) {
	tables := func(heading string) [][][]string { return golden.Tables(golden.Section(t, page(t), heading)) }
	types, codes := tables("## 3. Frames")[1][1:], tables("### 4.8 ERROR")[1][1:]
	dissected := func(list string) []string {
		_, text, _ := strings.Cut(golden.Read(t, "../../contrib/wireshark/tandem.lua"), "local "+list+" = {")
		text, _, _ = strings.Cut(text, "}")
		return regexp.MustCompile(`"[^"]+"`).FindAllString(text, -1)
	}
	names, meanings := dissected("types"), dissected("codes")
	n := 1
	for ; frameType(n).String() != fmt.Sprintf("type %d", n); n++ {
		name := frameType(n).String()
		if n > len(types) || types[n-1][0] != strconv.Itoa(n) || types[n-1][1] != name {
			t.Errorf("the page does not list type %d, %s", n, name)
		}
		if n > len(names) || names[n-1] != strconv.Quote(name) {
			t.Errorf("the dissector does not know type %d, %s", n, name)
		}
		if examples(t)[name] == nil {
			t.Errorf("the page has no example of %s", name)
		}
	}
	if len(types) != n-1 || len(names) != n-1 {
		t.Errorf("%d types, the page lists %d, the dissector %d", n-1, len(types), len(names))
	}
	for n = 1; errorCode(n).String() != fmt.Sprintf("code %d", n); n++ {
		if n > len(codes) || codes[n-1][0] != strconv.Itoa(n) {
			t.Errorf("the page does not list code %d, %v", n, errorCode(n))
		}
	}
	if len(codes) != n-1 || len(meanings) != n-1 {
		t.Errorf("%d codes, the page lists %d, the dissector %d", n-1, len(codes), len(meanings))
	}
}

// Each field of the page's layouts begins where the one before it ends, and the fixed parts end where the code's do.
func TestDocumentedLayouts(t *testing.T) {
	fixed := map[string][]int{ // of each layout of a section
		"## 3. Frames": {headerSize}, "### 4.1 HELLO": {helloUntold}, "### 4.2 KEEPALIVE": {8}, "### 4.3 DIGESTS": {4},
		"### 4.4 BUCKET-REQUEST": {requestFixed, requestEntrySize}, "### 4.5 RECORDS": {recordsFixed, recordFixed},
		"### 4.6 ACK": {8}, "### 4.7 END-OF-SYNC": {8}, "### 4.8 ERROR": {2}, "### 4.9 STATUS-REQUEST and STATUS": {0},
		"### 4.10 BATCH": {recordsFixed, blockFixed, batchRecord}, "### 4.11 BRANCH-REQUEST": {8}, "### 4.12 BRANCH": {branchSize},
		"### 4.13 LEAF-REQUEST": {leafRequestFixed, leafEntrySize},
		"### 4.14 ARRIVING":     {arrivingFixed, arrivalSize},
	}
	for heading, want := range fixed {
		ends := golden.Layouts(t, golden.Section(t, page(t), heading))
		if fmt.Sprint(ends) != fmt.Sprint(want) {
			t.Errorf("%s: the fixed parts are of %v bytes, want %v", heading, ends, want)
		}
	}
}

// TestDocumentedBounds: the numbers on the page are those of the code.
func TestDocumentedBounds(t *testing.T) {
	text := strings.Join(strings.Fields(page(t)), " ")
	ms := func(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
	s := func(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s" }
	for _, says := range []string{
		fmt.Sprintf("port %d unless configured", DefaultPort),
		fmt.Sprintf("%s, doubling to %s, a random half taken off", ms(defaultBackoffMin), s(defaultBackoffMax)),
		fmt.Sprintf("from %s again after a connection that was synchronised and held for %s", ms(defaultBackoffMin), s(defaultBackoffMax)),
		fmt.Sprintf("every %s, whatever else is sent", ms(defaultKeepaliveInterval)),
		fmt.Sprintf("dead %s after the last byte", s(defaultDeadInterval)),
		fmt.Sprintf("not whole within %s of its first byte, or a window of which nothing is acknowledged for %[1]s", s(stallTimeout)),
		fmt.Sprintf("If at HELLO a device is %s or more behind", ms(time.Duration(clockTolerance.millis())*time.Millisecond)),
		fmt.Sprintf("by more than %d years of 365 days and the time", maxLead/(365*24*3600*1000)),
		fmt.Sprintf("Where buckets * %d <= %d a bucket has %[1]d leaves", Leaves, maxBuckets),
		fmt.Sprintf("header included: %d..%d", headerSize, maxFrame),
		fmt.Sprintf("sender's database, 1..%d", maxBuckets),
		fmt.Sprintf("This release sends versions %d and %d.", minVersion, maxVersion),
		fmt.Sprintf("magic `%08x`", magic),
		fmt.Sprintf("at least %d + %d n", recordFixed, sourceSize),
		fmt.Sprintf("a sender keeps it to %d", maxSources),
		fmt.Sprintf("reason in UTF-8, up to %d bytes", maxErrorText),
		fmt.Sprintf("in UTF-8, up to %d bytes: the fields of", MaxStatus),
		fmt.Sprintf("of which it holds more than %d records", Leaves),
		fmt.Sprintf("At most %d records are unacknowledged", maxInFlight),
		fmt.Sprintf("more than %d comparisons unanswered", overlapping),
		fmt.Sprintf("differs from the own one for %s although", s(auditPatienceMin)),
		fmt.Sprintf("in a row that this has not helped, to %s.", s(auditPatienceMax)),
		fmt.Sprintf("is older than %s, is not waiting to be sent and is still the same %s later", s(lateAfter), s(proofAfter)),
		fmt.Sprintf("give key `%016x`, hash `%016x`, bucket %d of 256", HashOf(goldenRecord.Key),
			Hash(goldenRecord.Key, goldenRecord.Version), BucketOf(goldenRecord.Key, 256)),
		fmt.Sprintf("a sender keeps the frame to %d bytes", maxArriving),
		fmt.Sprintf("or a comparison finds none, for %s at least", s(alarmLeast)),
	} {
		if !strings.Contains(text, says) {
			t.Errorf("the page does not say %q", says)
		}
	}
	if compareTimeout != time.Minute || writeTimeout != time.Minute || auditPeriod != time.Minute {
		t.Error("the page says a minute")
	}
}
