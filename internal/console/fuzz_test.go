package console

import (
	"strings"
	"testing"
)

// FuzzSession types any lines into a session. The session must answer with whole lines
// and a prompt, and completion must not panic.
func FuzzSession(f *testing.F) {
	f.Add("system-view\ne-trunk 1\npriority 3\nreturn\nx\ny\n")
	f.Add("display e-trunk | include x\ndisplay mld group | json\n?\nquit")
	f.Add("sy\nint eth-t 10\ndisplay this\nundo e-trunk\n\"")
	f.Add("display current-configuration | \"|\ndisplay version |json|count\n\x00\xff")
	f.Fuzz(func(t *testing.T, text string) {
		st := newStage(t)
		for line := range strings.Lines(text) {
			line = strings.TrimSuffix(line, "\n")
			st.now.Complete(line)
			r := st.now.Exec(line)
			if r.Output != "" && !strings.HasSuffix(r.Output, "\n") {
				t.Fatalf("%q prints %q", line, r.Output)
			}
			if r.Prompt == "" {
				t.Fatalf("%q leaves no prompt", line)
			}
			if r.Closed {
				return
			}
		}
	})
}
