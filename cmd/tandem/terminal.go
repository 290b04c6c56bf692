package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"tandem/internal/manage"
)

// Control keys of the console.
const (
	ctrlC = 0x03
	ctrlZ = 0x1a
)

// interact runs a console session on a terminal until it is left.
func interact(ctx context.Context, client *manage.Client, in *os.File, out io.Writer) error {
	session, err := client.Open(ctx, true)
	if err != nil {
		return err
	}
	defer session.Close(context.WithoutCancel(ctx))
	saved, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return fmt.Errorf("terminal: %w", err)
	}
	defer func() { _ = term.Restore(int(in.Fd()), saved) }()
	c := &console{ctx: ctx, session: session, screen: readWriter{newKeys(ctx, in), out}, in: in}
	return c.loop()
}

// readWriter is both sides of a terminal.
type readWriter struct {
	io.Reader
	io.Writer
}

// followSize keeps the line editor's width that of the terminal.
func followSize(t *term.Terminal, in *os.File) (stop func()) {
	resize := func() {
		if w, h, err := term.GetSize(int(in.Fd())); err == nil && w > 0 {
			// A width that cannot be set leaves the old one, which only wraps badly.
			_ = t.SetSize(w, h)
		}
	}
	resize()
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, unix.SIGWINCH)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-changed:
				resize()
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(changed)
		close(done)
	}
}

// console is the interactive client.
type console struct {
	ctx      context.Context
	session  *manage.Session
	screen   readWriter
	in       *os.File
	terminal *term.Terminal
	last     manage.Reply
}

// edit starts the line editor and returns how to stop it.
func (c *console) edit() (stop func()) {
	c.terminal = term.NewTerminal(c.screen, c.session.Prompt)
	c.terminal.AutoCompleteCallback = c.key
	return followSize(c.terminal, c.in)
}

func (c *console) loop() error {
	stop := c.edit()
	defer func() { stop() }()
	for !c.last.Closed {
		line, err := c.terminal.ReadLine()
		switch {
		case errors.Is(err, io.EOF):
			// Ctrl+D leaves, but not past changes without a question.
			if !c.last.Pending || c.last.Question {
				return nil
			}
			line = "return"
			// The editor that has seen the end sees nothing but the end.
			stop()
			stop = c.edit()
		case err != nil && !errors.Is(err, term.ErrPasteIndicator):
			return fmt.Errorf("terminal: %w", err)
		}
		if c.last, err = c.session.Exec(c.ctx, line); err != nil {
			return err
		}
		if _, err := io.WriteString(c.terminal, c.last.Output); err != nil {
			return fmt.Errorf("terminal: %w", err)
		}
		c.terminal.SetPrompt(c.session.Prompt)
	}
	return nil
}

// key handles Tab and the question mark while a line is typed.
func (c *console) key(line string, pos int, key rune) (newLine string, newPos int, ok bool) {
	if c.last.Question {
		return "", 0, false
	}
	switch {
	case key == '?' && strings.Count(line[:pos], `"`)%2 == 0:
		return c.help(line, pos)
	case key == '\t':
		return c.expand(line, pos)
	}
	return "", 0, false
}

func (c *console) help(line string, pos int) (string, int, bool) {
	answer, err := c.session.Complete(c.ctx, line[:pos])
	switch {
	case err != nil:
		fmt.Fprintln(c.terminal, "Error:", err)
	case answer.Error != "":
		fmt.Fprintln(c.terminal, answer.Error)
	default:
		io.WriteString(c.terminal, helpText(answer.Candidates))
	}
	return line, pos, true
}

func (c *console) expand(line string, pos int) (string, int, bool) {
	answer, err := c.session.Complete(c.ctx, line[:pos])
	if err != nil || answer.Error != "" {
		return line, pos, true
	}
	if answer.Expanded == line[:pos] && len(answer.Candidates) > 1 {
		io.WriteString(c.terminal, helpText(answer.Candidates))
	}
	return answer.Expanded + line[pos:], len(answer.Expanded), true
}

// helpText prints candidates in two columns.
func helpText(candidates []manage.Candidate) string {
	width := 0
	for _, x := range candidates {
		width = max(width, len(x.Word))
	}
	var b strings.Builder
	for _, x := range candidates {
		fmt.Fprintf(&b, "  %s\n", strings.TrimRight(fmt.Sprintf("%-*s  %s", width, x.Word, x.Help), " "))
	}
	return b.String()
}

// keys translates the keys that the line editor does not know in VRP's sense:
// Ctrl+Z types `return`, Ctrl+C drops the line. Its Read ends with the context.
type keys struct {
	ctx     context.Context
	pressed <-chan []byte // closed at the end of input
	pending []byte
}

// Line editor keys: to the end of the line, delete to its beginning.
const dropLine = "\x05\x15"

// newKeys begins to read keys. A read cannot be taken back, so its goroutine
// stays until there is another key or the program ends.
func newKeys(ctx context.Context, from io.Reader) *keys {
	pressed := make(chan []byte)
	go func() {
		defer close(pressed)
		for {
			buf := make([]byte, 256)
			n, err := from.Read(buf)
			if n > 0 {
				select {
				case pressed <- buf[:n]:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	return &keys{ctx: ctx, pressed: pressed}
}

func (k *keys) Read(p []byte) (int, error) {
	if len(k.pending) == 0 {
		select {
		case <-k.ctx.Done():
			return 0, context.Cause(k.ctx)
		case pressed, ok := <-k.pressed:
			if !ok {
				return 0, io.EOF
			}
			k.pending = translate(pressed)
		}
	}
	n := copy(p, k.pending)
	k.pending = k.pending[n:]
	return n, nil
}

func translate(pressed []byte) []byte {
	var out []byte
	for _, b := range pressed {
		switch b {
		case ctrlZ:
			out = append(out, dropLine+"return\r"...)
		case ctrlC:
			out = append(out, dropLine+"\r"...)
		default:
			out = append(out, b)
		}
	}
	return out
}
