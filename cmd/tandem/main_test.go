package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tandem/internal/console/consoletest"
	"tandem/internal/journal"
	"tandem/internal/manage"
)

// startDaemon runs a console socket until the test ends.
func startDaemon(t *testing.T) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "console.sock")
	l, err := manage.Listen(socket, "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	system := consoletest.NewSystem(t)
	go func() { ended <- manage.Serve(ctx, l, system, system.Journal.(*journal.Journal)) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return socket
}

// outcome is the result of a run of the program.
type outcome struct {
	code     int
	out, err string
}

func tandem(t *testing.T, args ...string) outcome {
	t.Helper()
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer nothing.Close()
	var out, errOut bytes.Buffer
	code := run(t.Context(), args, nothing, &out, &errOut)
	return outcome{code, out.String(), errOut.String()}
}

func commandFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "commands")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFile(t *testing.T) {
	for _, c := range []struct {
		name, text string
		code       int
		want       []string // parts of the error output
	}{
		{"good", "# a comment\n\n! another\nsystem-view\n sysname A\ncommit\nreturn\n", exitDone, nil},
		{"stops at the first error", "system-view\n\nbogus\ncommit\n", exitRefused,
			[]string{":3: refused\n[~Tandem]bogus\n         ^\nError: Unrecognized command found at '^' position.\n"}},
		{"refusal", "system-view\ne-trunk 1\npriority 0\n", exitRefused, []string{":3: refused\n[*Tandem-e-trunk-1]priority 0\n"}},
		{"forgotten commit", "system-view\nsysname A\n", exitRefused, []string{"not committed"}},
		{"empty", "\n", exitDone, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := tandem(t, "-s", startDaemon(t), "-f", commandFile(t, c.text))
			if got.code != c.code || got.out != "" {
				t.Errorf("%+v, want code %d and no output", got, c.code)
			}
			if c.want == nil && got.err != "" {
				t.Errorf("says %q", got.err)
			}
			for _, w := range c.want {
				if !strings.Contains(got.err, w) {
					t.Errorf("%q is missing in %q", w, got.err)
				}
			}
		})
	}
}

func TestVerboseFileIsATranscript(t *testing.T) {
	got := tandem(t, "-s", startDaemon(t), "-v", "-f", commandFile(t, "system-view\nsysname A\ncommit\nreturn\ndisplay version | inc Sys\n"))
	want := "<Tandem>system-view\n[~Tandem]sysname A\n[*Tandem]commit\n[~A]return\n<A>display version | inc Sys\nSysname       : A\n"
	if diff := cmp.Diff(want, got.out); diff != "" || got.code != exitDone {
		t.Errorf("code %d, %s (-want +got):\n%s", got.code, got.err, diff)
	}
}

// TestRecordingIsPrivate: other users cannot read a recording, and save does not write
// through a symbolic link into another file.
func TestRecordingIsPrivate(t *testing.T) {
	dir := t.TempDir()
	file, other := filepath.Join(dir, "old.rec"), filepath.Join(dir, "precious")
	for _, name := range []string{file, other} {
		if err := os.WriteFile(name, []byte("old"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := save(file, strings.NewReader("new"), false); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 || info.Size() != 3 {
		t.Errorf("%v, %v", info, err)
	}
	link := filepath.Join(dir, "link.rec")
	if err := os.Symlink(other, link); err != nil {
		t.Fatal(err)
	}
	if err := save(link, strings.NewReader("new"), false); err == nil || !strings.Contains(err.Error(), "is a symbolic link") {
		t.Errorf("a link: %v", err)
	}
	if b, err := os.ReadFile(other); err != nil || string(b) != "old" {
		t.Errorf("%q, %v", b, err)
	}
}
