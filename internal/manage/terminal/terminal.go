// Package terminal shows a console session to a person, with a line editor that has
// history, `?` and Tab. It works on any stream of characters in both directions.
package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/term"

	"tandem/internal/command"
	"tandem/internal/manage"
)

// Dialogue is a console session, in this process or over the socket.
type Dialogue interface {
	// Exec runs one line. If the console refuses the line, that is not an error of Exec.
	Exec(ctx context.Context, line string) (manage.Reply, error)
	// Complete returns what may follow at the end of a line.
	Complete(ctx context.Context, line string) (manage.Completion, error)
	// Follow waits for events with a number above after.
	Follow(ctx context.Context, after uint64) (manage.LogReply, error)
}

// Size is the size of a screen, in characters.
type Size struct{ Width, Height int }

// Terminal is a screen with keys, in raw mode.
type Terminal struct {
	Keys   io.Reader
	Screen io.Writer
	// Sizes receives each new size of the screen, and the first one. It is nil if the size
	// is unknown.
	Sizes <-chan Size
}

// Run runs a dialogue until the user leaves it or the input ends. It first shows the
// prompt.
func (t Terminal) Run(ctx context.Context, d Dialogue, prompt string) error {
	keys := newKeys(ctx, t.Keys)
	c := &console{ctx: ctx, dialogue: d, first: prompt, keys: keys, screen: readWriter{keys, t.Screen}}
	c.edit()
	ended := make(chan struct{})
	defer close(ended)
	defer c.monitor(nil)
	go c.follow(t.Sizes, ended)
	return c.loop()
}

// readWriter combines the input and the output of a terminal.
type readWriter struct {
	io.Reader
	io.Writer
}

// console is a dialogue with its line editor.
type console struct {
	ctx      context.Context
	dialogue Dialogue
	keys     *keys
	screen   readWriter
	first    string // the first prompt
	last     manage.Reply
	silence  context.CancelFunc // ends the display of the log; nil if the log is not displayed
	printing sync.Mutex         // held while text is shown page by page, so that no log lines come between

	mu       sync.Mutex // guards the fields that follow shares with the loop
	terminal *term.Terminal
	size     Size
}

// edit starts a line editor.
func (c *console) edit() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.terminal = term.NewTerminal(c.screen, c.prompt())
	c.terminal.AutoCompleteCallback = c.key
	c.fit()
}

// fit sets the width of the line editor to that of the screen.
func (c *console) fit() {
	if c.size.Width > 0 {
		// If the width cannot be set, lines only wrap at the wrong place.
		_ = c.terminal.SetSize(c.size.Width, c.size.Height)
	}
}

// follow receives new sizes of the screen.
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
			// Ctrl+D leaves the console. If there are uncommitted changes, the console
			// first asks a question.
			if !c.last.Pending || c.last.Question {
				return nil
			}
			line = "return"
			// An editor that has reached the end of its input stays there. So a new one is
			// needed.
			c.edit()
		case err != nil && !errors.Is(err, term.ErrPasteIndicator):
			return fmt.Errorf("terminal: %w", err)
		}
		if c.last, err = c.exec(line); err != nil {
			return err
		}
		c.monitor(c.last.Monitor)
		if err := c.show(c.last.Output); err != nil {
			return err
		}
		c.terminal.SetPrompt(c.prompt())
	}
	return nil
}

// exec runs a line. Ctrl+C interrupts it if the dialogue supports that.
func (c *console) exec(line string) (manage.Reply, error) {
	done, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		c.keys.watch(done, func() {
			if d, ok := c.dialogue.(interface{ Interrupt(context.Context) error }); ok {
				// If this fails, the line has already ended.
				_ = d.Interrupt(c.ctx)
			}
		})
	}()
	defer func() { close(done); <-watched }()
	return c.dialogue.Exec(c.ctx, line)
}

func (c *console) prompt() string {
	if c.last.Prompt == "" {
		return c.first
	}
	return c.last.Prompt
}

// key handles Tab and the question mark while a line is typed. At the start of a line a tab
// is white space. In a pasted line a question mark is an ordinary character.
func (c *console) key(line string, pos int, key rune) (newLine string, newPos int, ok bool) {
	if c.last.Question {
		return "", 0, false
	}
	switch {
	case key == '?' && !c.keys.whole && strings.Count(line[:pos], `"`)%2 == 0:
		return c.help(line, pos)
	case key == '\t' && strings.TrimSpace(line[:pos]) == "":
		return line[:pos] + " " + line[pos:], pos + 1, true
	case key == '\t':
		return c.expand(line, pos)
	}
	return "", 0, false
}

func (c *console) help(line string, pos int) (string, int, bool) {
	answer, err := c.dialogue.Complete(c.ctx, line[:pos])
	text := helpText(answer.Candidates)
	switch {
	case err != nil:
		text = fmt.Sprintln("Error:", err)
	case answer.Error != "":
		text = answer.Error + "\n"
	}
	c.aside(line, line[:pos]+"?\n"+text)
	return line, pos, true
}

func (c *console) expand(line string, pos int) (string, int, bool) {
	answer, err := c.dialogue.Complete(c.ctx, line[:pos])
	if err != nil || answer.Error != "" {
		return line, pos, true
	}
	if answer.Expanded == line[:pos] && len(answer.Candidates) > 1 {
		c.aside(line, line[:pos]+"\n"+helpText(answer.Candidates))
	}
	return answer.Expanded + line[pos:], len(answer.Expanded), true
}

// aside prints text below the prompt and the present line. Then the line editor shows the
// line again below the text.
func (c *console) aside(line, text string) {
	prompt := c.prompt()
	text = prompt + text
	page, width := c.page()
	if _, rest := cutRows(text, page, width); rest == "" || utf8.RuneCountInString(prompt+line) >= width {
		// The line editor wraps the line and moves the cursor itself, so the screen must
		// not be cleared here.
		io.WriteString(c.terminal, text)
		return
	}
	io.WriteString(c.screen, clearRow)
	// An error appears again when the next key is read.
	_ = c.show(text)
}

// helpText prints candidates in two columns.
func helpText(candidates []manage.Candidate) string {
	list := make([]command.Candidate, len(candidates))
	for i, c := range candidates {
		list[i] = command.Candidate(c)
	}
	return command.HelpText(list)
}
