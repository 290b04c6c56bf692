package vm

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// TestArchive checks an archive against the format: a header of 110 characters, then name
// and content, each padded to four bytes.
func TestArchive(t *testing.T) {
	var b bytes.Buffer
	a := newArchive(&b)
	a.text("/etc/x", "hello")
	a.device("/dev/null", 1, 3)
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	want := "070701" + "00000001" + "000041ED" + "00000000" + "00000000" + "00000001" + "00000000" + "00000000" +
		"00000000" + "00000000" + "00000000" + "00000000" + "00000004" + "00000000" + "etc\x00" + "\x00\x00" +
		"070701" + "00000002" + "000081ED" + "00000000" + "00000000" + "00000001" + "00000000" + "00000005" +
		"00000000" + "00000000" + "00000000" + "00000000" + "00000006" + "00000000" + "etc/x\x00" + "hello\x00\x00\x00"
	got := b.String()
	if !strings.HasPrefix(got, want) {
		t.Errorf("%q, want it to begin with\n%q", got, want)
	}
	if !strings.Contains(got, "0000000100000003"+"0000000900000000dev/null\x00") || !strings.Contains(got, "TRAILER!!!") || len(got)%4 != 0 {
		t.Errorf("%q", got)
	}
}

// TestListen gives listen the text of a serial line and checks the results.
func TestListen(t *testing.T) {
	text := mark{Event: eventBooted}.line() +
		mark{Event: eventStart, Name: "one"}.line() + "a\nb\n" + mark{Event: eventEnd, Name: "one", Took: time.Second}.line() +
		mark{Event: eventStart, Name: "two"}.line() + "c\n" + mark{Event: eventFile, Name: "/tmp/f", Data: []byte("\x00d")}.line() + mark{Event: eventEnd, Name: "two", Status: 3}.line()
	var shown bytes.Buffer
	var g Guest
	booted := 0
	if err := (Machine{Output: &shown}).listen(strings.NewReader(text), func() { booted++ }, &g); err != nil {
		t.Fatal(err)
	}
	if booted != 1 {
		t.Errorf("said %d times that it is ready", booted)
	}
	if len(g.Results) != 2 || string(g.Results[0].Output) != "a\nb\n" || g.Results[0].Took != time.Second ||
		g.Results[1].Status != 3 || string(g.Results[1].Files["/tmp/f"]) != "\x00d" || string(g.Results[1].Output) != "c\n" || shown.String() != "a\nb\nc\n" {
		t.Errorf("%+v, shown %q", g, shown.String())
	}
}

func TestListenFailure(t *testing.T) {
	var g Guest
	err := (Machine{}).listen(strings.NewReader(mark{Event: eventFailed, Name: "module x"}.line()), func() {}, &g)
	if err == nil || err.Error() != "module x" {
		t.Errorf("%v", err)
	}
}
