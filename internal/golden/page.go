package golden

import (
	"encoding/binary"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Section returns the text of a page below a heading, such as "## 3. Frames", up to the
// next heading of any level.
func Section(t testing.TB, page, heading string) string {
	t.Helper()
	_, text, found := strings.Cut(page, "\n"+heading+"\n")
	if !found {
		t.Fatalf("the page has no section %q", heading)
	}
	text, _, _ = strings.Cut(text, "\n#")
	return text
}

// Tables returns the tables of a Markdown text by rows and cells. The first row of each
// table has the names of the columns.
func Tables(text string) (all [][][]string) {
	inside := false
	for line := range strings.Lines(text) {
		inner, is := strings.CutPrefix(strings.TrimSpace(line), "|")
		cells := strings.Split(strings.TrimSuffix(inner, "|"), "|")
		switch {
		case !is:
			inside = false
			continue
		case !inside:
			all, inside = append(all, nil), true
		case strings.HasPrefix(cells[0], "---"):
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		all[len(all)-1] = append(all[len(all)-1], cells)
	}
	return all
}

// Layouts returns the lengths of the fixed parts of the layouts in a text. A layout is a
// table whose first columns are offset and size in bytes. Its fixed part ends before the
// first field without a single offset or size. Each field must begin where the one before
// it ends.
func Layouts(t testing.TB, text string) (ends []int) {
	t.Helper()
	for _, rows := range Tables(text) {
		if !strings.EqualFold(rows[0][0], "offset") {
			continue
		}
		at := 0
		for _, row := range rows[1:] {
			if row[0] != strconv.Itoa(at) {
				t.Errorf("%q begins at %s, want %d", row[2], row[0], at)
			}
			size, err := strconv.Atoi(row[1])
			if err != nil {
				break
			}
			at += size
		}
		ends = append(ends, at)
	}
	return ends
}

// Code returns the blocks of a text that are code: lines indented by four blanks or more.
func Code(text string) (blocks []string) {
	inside := false
	for line := range strings.Lines(text) {
		is := strings.HasPrefix(line, "    ")
		if is && !inside {
			blocks = append(blocks, "")
		}
		if inside = is; is {
			blocks[len(blocks)-1] += line
		}
	}
	return blocks
}

// frame matches the beginning of a frame: its length in 16 bits, a type of 8 bits and a
// zero.
var frame = regexp.MustCompile(`(?m)^    [0-9a-f]{4} [0-9a-f]{2} 00( .*)?$(\n {8,}[0-9a-f]{2}.*)*`)

// Frames returns the example frames of docs/protocol/rbs.md. Dots at the end of a frame
// stand for zeros up to the frame's length.
func Frames(t testing.TB, page string) (frames [][]byte) {
	t.Helper()
	for _, text := range frame.FindAllString(page, -1) {
		text, more := strings.CutSuffix(text, " ...")
		b := Hex(t, text)
		size := int(binary.BigEndian.Uint16(b))
		if more {
			b = append(b, make([]byte, size-len(b))...)
		}
		if len(b) != size {
			t.Fatalf("example %q has %d bytes, its length is %d", text, len(b), size)
		}
		frames = append(frames, b)
	}
	return frames
}

// Hex decodes hexadecimal numbers. It ignores blanks, line ends, and comments from # to
// the end of a line.
func Hex(t testing.TB, text string) []byte {
	t.Helper()
	var digits strings.Builder
	for line := range strings.Lines(text) {
		given, _, _ := strings.Cut(line, "#")
		digits.WriteString(strings.Join(strings.Fields(given), ""))
	}
	b, err := hex.DecodeString(digits.String())
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return b
}
