// Package terminal is a console session in front of a person: a line editor with
// history, `?` and Tab, on whatever carries characters both ways.
package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"golang.org/x/term"

	"tandem/internal/manage"
)

// Dialogue is a console session, near or far.
type Dialogue interface {
	// Exec runs one line. A line that the console refuses is no error here.
	Exec(ctx context.Context, line string) (manage.Reply, error)
	// Complete says what may come at the end of a line.
	Complete(ctx context.Context, line string) (manage.Completion, error)
}

// Size is that of a screen, in characters.
type Size struct{ Width, Height int }

// Terminal is a screen with keys, in raw mode.
type Terminal struct {
	Keys   io.Reader
	Screen io.Writer
	// Sizes tells of a new size, the first one included; nil when none is known.
	Sizes <-chan Size
}

// Run holds a dialogue, which shows the prompt first, until it is left or the keys end.
func (t Terminal) Run(ctx context.Context, d Dialogue, prompt string) error {
	c := &console{ctx: ctx, dialogue: d, screen: readWriter{newKeys(ctx, t.Keys), t.Screen}}
	c.edit(prompt)
	ended := make(chan struct{})
	defer close(ended)
	go c.follow(t.Sizes, ended)
	return c.loop()
}

// readWriter is both sides of a terminal.
type readWriter struct {
	io.Reader
	io.Writer
}

// console is a dialogue with its line editor.
type console struct {
	ctx      context.Context
	dialogue Dialogue
	screen   readWriter
	last     manage.Reply

	mu       sync.Mutex // guards what follow shares with the loop
	terminal *term.Terminal
	size     Size
}

// edit starts a line editor.
func (c *console) edit(prompt string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.terminal = term.NewTerminal(c.screen, prompt)
	c.terminal.AutoCompleteCallback = c.key
	c.fit()
}

// fit keeps the line editor's width that of the screen.
func (c *console) fit() {
	if c.size.Width > 0 {
		// A width that cannot be set leaves the old one, which only wraps badly.
		_ = c.terminal.SetSize(c.size.Width, c.size.Height)
	}
}

// follow takes up new sizes of the screen.
func (c *console) follow(sizes <-chan Size, ended <-chan struct{}) {
	for {
		select {
		case size, ok := <-sizes:
			if !ok {
				return
			}
			c.mu.Lock()
			c.size = size
			c.fit()
			c.mu.Unlock()
		case <-ended:
			return
		}
	}
}

func (c *console) loop() error {
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
			c.edit(c.last.Prompt)
		case err != nil && !errors.Is(err, term.ErrPasteIndicator):
			return fmt.Errorf("terminal: %w", err)
		}
		if c.last, err = c.dialogue.Exec(c.ctx, line); err != nil {
			return err
		}
		if _, err := io.WriteString(c.terminal, c.last.Output); err != nil {
			return fmt.Errorf("terminal: %w", err)
		}
		c.terminal.SetPrompt(c.last.Prompt)
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
	answer, err := c.dialogue.Complete(c.ctx, line[:pos])
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
	answer, err := c.dialogue.Complete(c.ctx, line[:pos])
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
