package pairtest

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"tandem/internal/linux/testnet"
)

// browser is a headless Chromium with one page. It is controlled over a pair of pipes with the
// DevTools protocol: JSON messages that end with a zero byte.
type browser struct {
	t       *testing.T
	in      *os.File
	session string

	mu       sync.Mutex
	last     int
	waiting  map[int]chan cdpMessage
	problems []string // errors that the page has logged
}

// cdpMessage is a call, an answer or an event of the protocol.
type cdpMessage struct {
	ID      int                       `json:"id,omitempty"`
	Session string                    `json:"sessionId,omitempty"`
	Method  string                    `json:"method,omitempty"`
	Params  any                       `json:"params,omitempty"`
	Result  json.RawMessage           `json:"result,omitempty"`
	Error   *struct{ Message string } `json:"error,omitempty"`
}

// newBrowser starts Chromium in the namespace of a device. It skips the test if there is none.
func newBrowser(t *testing.T, d *device) *browser {
	t.Helper()
	program := findBrowser()
	if program == "" {
		t.Skip("Chromium is not installed (Debian package chromium)")
	}
	b := &browser{t: t, waiting: make(map[int]chan cdpMessage)}
	theirIn, in, err := os.Pipe()
	testnet.Must(t, err)
	out, theirOut, err := os.Pipe()
	testnet.Must(t, err)
	b.in = in
	cmd := exec.Command(program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--hide-scrollbars", "--remote-debugging-pipe", "--user-data-dir="+t.TempDir(), "about:blank")
	cmd.ExtraFiles = []*os.File{theirIn, theirOut}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	testnet.Must(t, d.Start(cmd))
	theirIn.Close()
	theirOut.Close()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		in.Close()
		out.Close()
	})
	go b.read(out)

	var target struct{ TargetID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

func findBrowser() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func (b *browser) read(out *os.File) {
	r := bufio.NewReaderSize(out, 1<<20)
	for {
		raw, err := r.ReadBytes(0)
		if err != nil {
			return // the browser has ended
		}
		var m cdpMessage
		if json.Unmarshal(raw[:len(raw)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		switch m.Method {
		case "":
			b.waiting[m.ID] <- m
			delete(b.waiting, m.ID)
		case "Runtime.exceptionThrown", "Log.entryAdded":
			b.problems = append(b.problems, string(raw[:len(raw)-1]))
		case "Runtime.consoleAPICalled":
			if p, ok := m.Params.(map[string]any); ok && (p["type"] == "error" || p["type"] == "warning") {
				b.problems = append(b.problems, string(raw[:len(raw)-1]))
			}
		}
		b.mu.Unlock()
	}
}

// call calls a method and decodes its result.
func (b *browser) call(method string, params, result any) {
	b.t.Helper()
	b.mu.Lock()
	b.last++
	id, answer := b.last, make(chan cdpMessage, 1)
	b.waiting[id] = answer
	b.mu.Unlock()
	raw, err := json.Marshal(cdpMessage{ID: id, Session: b.session, Method: method, Params: params})
	testnet.Must(b.t, err)
	_, err = b.in.Write(append(raw, 0))
	testnet.Must(b.t, err)
	var m cdpMessage
	select {
	case m = <-answer:
	case <-time.After(3 * limit): // it must first start, which takes long on a slow machine
		b.t.Fatalf("%s: the browser does not answer", method)
	}
	if m.Error != nil {
		b.t.Fatalf("%s: %s", method, m.Error.Message)
	}
	if result != nil {
		testnet.Must(b.t, json.Unmarshal(m.Result, result))
	}
}

// open loads a page in a window of some width.
func (b *browser) open(url string, width int) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride",
		map[string]any{"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false}, nil)
	b.call("Page.navigate", map[string]any{"url": url}, nil)
}

// eval returns the value of an expression on the page.
func (b *browser) eval(expression string) (value any, err error) {
	b.t.Helper()
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails *struct {
			Exception struct{ Description string }
		}
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &r)
	if r.ExceptionDetails != nil {
		err = errors.New(r.ExceptionDetails.Exception.Description)
	}
	return r.Result.Value, err
}

// shows waits until an expression has a value.
func (b *browser) shows(expression string, want any) {
	b.t.Helper()
	eventually(b.t, fmt.Sprintf("%s is %v", expression, want), func() error {
		got, err := b.eval(expression)
		if err == nil && got != want {
			err = fmt.Errorf("it is %v", got)
		}
		return err
	})
}

// photograph writes a picture of the whole page.
func (b *browser) photograph(name string) {
	b.t.Helper()
	var picture struct{ Data string }
	b.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true}, &picture)
	png, err := base64.StdEncoding.DecodeString(picture.Data)
	testnet.Must(b.t, err)
	testnet.Must(b.t, os.WriteFile(*screenshots+"/"+name+".png", png, 0o644))
}

// quiet fails if the page has logged an error.
func (b *browser) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.problems {
		b.t.Errorf("the page complains: %s", p)
	}
	b.problems = nil
}
