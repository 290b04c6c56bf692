package terminal

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tandem/internal/manage"
)

// counting is a dialogue in which every line is a number, and the reply has that many
// lines. The line "wait" runs until it is interrupted.
type counting struct {
	length      int
	interrupted chan struct{}
}

func (c *counting) Interrupt(context.Context) error {
	select {
	case c.interrupted <- struct{}{}:
	default: // the line has ended
	}
	return nil
}

func (c *counting) Exec(_ context.Context, line string) (manage.Reply, error) {
	var n int
	if line == "wait" {
		<-c.interrupted
	}
	if _, err := fmt.Sscanf(line, "length %d", &c.length); err != nil {
		_, _ = fmt.Sscan(line, &n)
	}
	return manage.Reply{Output: numbered(n), Prompt: ">", ScreenLength: c.length}, nil
}

func (c *counting) Complete(_ context.Context, line string) (manage.Completion, error) {
	answer := manage.Completion{Expanded: line}
	for i := range 7 {
		answer.Candidates = append(answer.Candidates, manage.Candidate{Word: fmt.Sprintf("w%d", i)})
	}
	return answer, nil
}

func (c *counting) Follow(ctx context.Context, _ uint64) (manage.LogReply, error) {
	<-ctx.Done()
	return manage.LogReply{}, ctx.Err()
}

func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d\n", i)
	}
	return b.String()
}

// display is a screen on which a test can wait for text.
type display struct {
	mu      sync.Mutex
	changed *sync.Cond
	text    strings.Builder
}

func newDisplay() *display {
	d := &display{}
	d.changed = sync.NewCond(&d.mu)
	return d
}

func (d *display) Write(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changed.Broadcast()
	return d.text.Write(b)
}

// asks waits until the screen asks whether to show more.
func (d *display) asks() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for !strings.HasSuffix(d.text.String(), moreText) {
		d.changed.Wait()
	}
}

// press types keys on a screen of four rows and returns the rows that it shows, without
// rows that were cleared. A + in the keys waits until the screen asks whether to show more.
func press(t *testing.T, keys string) []string {
	t.Helper()
	return send(t, strings.Split(keys, ""))
}

// send does what press does, but several keys may arrive at once.
func send(t *testing.T, chunks []string) []string {
	t.Helper()
	read, write := io.Pipe()
	screen := newDisplay()
	ended := make(chan error, 1)
	c := &console{ctx: t.Context(), dialogue: &counting{interrupted: make(chan struct{})}, first: ">", size: Size{40, 4}}
	c.keys = newKeys(t.Context(), read)
	c.screen = readWriter{c.keys, screen}
	c.edit()
	go func() { ended <- c.loop() }()
	for _, keys := range chunks {
		if keys == "+" {
			screen.asks()
			continue
		}
		if _, err := write.Write([]byte(keys)); err != nil {
			t.Fatal(err)
		}
	}
	write.Close()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	var rows []string
	for row := range strings.SplitSeq(screen.text.String(), "\r\n") {
		rows = append(rows, seen(row))
	}
	return rows
}

var control = regexp.MustCompile(`\x1b\[(\d*)([KD])|\r`)

// seen returns a row as the screen shows it, after cursor movements and deletions.
func seen(row string) string {
	var shown []rune
	at := 0
	for row != "" {
		if c := control.FindStringSubmatchIndex(row); c != nil && c[0] == 0 {
			code := row[:c[1]]
			switch n := max(1, atoi(strings.Trim(code, "\x1b[KD"))); {
			case code == "\r":
				at = 0
			case strings.HasSuffix(code, "D"):
				at = max(at-n, 0)
			default:
				shown = shown[:min(at, len(shown))]
			}
			row = row[c[1]:]
			continue
		}
		shown = append(shown[:min(at, len(shown))], append([]rune{rune(row[0])}, shown[min(at+1, len(shown)):]...)...)
		at, row = at+1, row[1:]
	}
	return string(shown)
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func TestPager(t *testing.T) {
	for _, c := range []struct {
		keys string
		want []string
	}{
		{"3\r", []string{">3", "0", "1", "2", ">"}},
		{"7\r+ + ", []string{">7", "0", "1", "2", "3", "4", "5", "6", ">"}},
		{"7\r+x\r+\r+q", []string{">7", "0", "1", "2", "3", "4", ">"}},
		{"7\r+\x03", []string{">7", "0", "1", "2", ">"}},
		{"length 5\r7\r+q", []string{">length 5", ">7", "0", "1", "2", "3", "4", ">"}},
		{"length -1\r7\r", []string{">length -1", ">7", "0", "1", "2", "3", "4", "5", "6", ">"}},
		{"wait\rahead\x032\r", []string{">wait", ">2", "0", "1", ">"}},
		{"4?+q", []string{">4?", "  w0", "  w1", ">4"}},
		{"4?+ + \r+q", []string{">4?", "  w0", "  w1", "  w2", "  w3", "  w4", "  w5", "  w6", ">4", "0", "1", "2", ">"}},
	} {
		if diff := cmp.Diff(c.want, press(t, c.keys)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.keys, diff)
		}
	}
}

// TestPaste sends several lines at once, as a paste and programs do. The pager, Tab and the
// help must not take any of them, with any line end.
func TestPaste(t *testing.T) {
	for _, c := range []struct {
		chunks []string
		want   []string
	}{
		{[]string{"7\r2\r1\r"}, []string{">7", "0", "1", "2", "3", "4", "5", "6", ">2", "0", "1", ">1", "0", ">"}},
		{[]string{"7\n2\n"}, []string{">7", "0", "1", "2", "3", "4", "5", "6", ">2", "0", "1", ">"}},
		{[]string{"2\r\n1\r\n"}, []string{">2", "0", "1", ">1", "0", ">"}},
		{[]string{"7\r", "+", "2\r"}, []string{">7", "0", "1", "2", "3", "4", "5", "6", ">2", "0", "1", ">"}},
		{[]string{"7\r", "+", "\x1b[A", " ", "+", "q"}, []string{">7", "0", "1", "2", "3", "4", "5", ">"}},
		{[]string{"\t2\t?\r", "1\r"}, []string{"> 2 ?", "0", "1", ">1", "0", ">"}},
		{[]string{"\t", "2", "\r"}, []string{"> 2", "0", "1", ">"}},
	} {
		if diff := cmp.Diff(c.want, send(t, c.chunks)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.chunks, diff)
		}
	}
}

func TestCutRows(t *testing.T) {
	for _, c := range []struct {
		text        string
		rows, width int
		head        string
	}{
		{"a\nb\nc\n", 2, 10, "a\nb\n"},
		{"a\nb\nc\n", 0, 10, "a\nb\nc\n"},
		{"abcdef\nb\n", 2, 3, "abcdef\n"},
		{"abcdefghi\nb\n", 2, 3, "abcdefghi\n"}, // a line with more rows than the screen
		{"", 2, 3, ""},
	} {
		if head, rest := cutRows(c.text, c.rows, c.width); head != c.head || head+rest != c.text {
			t.Errorf("%q cut behind %d rows of %d: %q, %q", c.text, c.rows, c.width, head, rest)
		}
	}
}
