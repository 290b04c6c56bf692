package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"tandem/internal/command"
	"tandem/internal/config"
	"tandem/internal/state"
)

// System holds what all sessions of a device share. Fill in every field before the first
// session. After that the methods may be called from several goroutines.
type System struct {
	Backend Backend
	Journal Journal
	Store   *config.Store
	// HTTP returns the state of the web server, nil if there is none.
	HTTP  func() state.HTTPServer
	Build state.Build
	// Record writes a recording of the device's latest inputs; nil if the device keeps
	// none.
	Record func(io.Writer) error

	zeros zeros
	// SSH returns the state of the SSH server, nil if there is none.
	SSH func() state.SSHServer
}

// Login identifies the user of a session.
type Login struct {
	User   string // name of the user, for the list of commits and the audit
	Source string // address or terminal of the user, for the same purpose
	Level  Level
	// Interactive sessions are asked before changes are lost; other sessions get an
	// error.
	Interactive bool
}

// Level says which commands a user may use.
type Level uint8

// Levels, with VRP's numbers.
const (
	Monitoring    Level = 1 // display commands only
	Configuration Level = 2 // all commands
)

// NewSession opens a session in the user view.
func (sys *System) NewSession(l Login) *Session { return &Session{sys: sys, login: l} }

// Session is the dialogue with one operator: a view, a candidate configuration of its
// own, and perhaps an open question. It is not safe for concurrent use.
type Session struct {
	sys   *System
	login Login

	// JSON makes displays print JSON, even if the line does not request it.
	JSON bool

	layout config.Layout
	// candidate also holds the view. It is nil in the user view.
	candidate *config.Candidate
	// immediate sessions commit every line.
	immediate bool
	closed    bool
	// screenLength is how many lines are shown at a time, see Result.
	screenLength int
	// monitor says which events are shown as they come, see Result.
	monitor *uint64
	// question is the open question, nil if there is none. The next line is its answer.
	question *question
	// warned holds the warnings of the last commit.
	warned config.Problems

	// The state of the line that is being run:
	shown   Display
	printed strings.Builder
	said    string // the line without secrets, for history and audit; empty if no command was found
	ctx     context.Context
	// interrupt cancels ctx.
	interrupt atomic.Pointer[context.CancelFunc]
	// history holds the lines before this one, without secrets, the oldest first.
	history []string
}

// question is a question that the session has to ask before it goes on.
type question struct {
	text   string
	answer func(answer string) (understood bool, err error)
}

// Result is the result of a line.
type Result struct {
	// Output is the text to print, error lines included.
	Output string
	// Err is why the line was refused: a *command.Error if no command was found, else the
	// error of the command.
	Err error
	// Prompt is what to show next: the prompt, or the question that the next line
	// answers.
	Prompt   string
	Question bool
	// ScreenLength is how many lines to show at a time: 0 means as many as the screen
	// has, a negative number means all.
	ScreenLength int
	// Monitor is a number: events with a higher number must be shown as they come, see
	// System.Follow. nil means that no events are shown.
	Monitor *uint64
	Closed  bool // the session has ended
}

// Exec runs one line as typed after the prompt. Blank lines and comments do nothing; #
// alone, and a line that is indented less than the one before, return to the system view,
// see config.Layout.
func (s *Session) Exec(line string) Result {
	return s.turn(line, func() error { return s.run(line) })
}

// turn runs a line and returns the result. line is shown in error messages.
func (s *Session) turn(line string, run func() error) Result {
	s.shown = Display{}
	s.printed.Reset()
	s.said = ""
	var stop context.CancelFunc
	s.ctx, stop = context.WithCancel(context.Background())
	defer stop()
	s.interrupt.Store(&stop)
	prompt, asked := s.Prompt(), s.question != nil
	err := run()
	s.audit(prompt, err)
	if !asked {
		s.remember()
	}
	if err != nil {
		s.printed.WriteString(errorText(err, line, prompt))
	}
	return Result{Output: s.printed.String(), Err: err, Prompt: s.Prompt(), Question: s.question != nil,
		ScreenLength: s.screenLength, Monitor: s.monitor, Closed: s.closed}
}

// Interrupt ends the line that is being run, if its command can be interrupted. It may be
// called while Exec runs.
func (s *Session) Interrupt() {
	if stop := s.interrupt.Load(); stop != nil {
		(*stop)()
	}
}

// errorText returns the text that the console prints for an error. If no command was
// found, it is a caret below the wrong place, and then the reason.
func errorText(err error, line, prompt string) string {
	var parse *command.Error
	if errors.As(err, &parse) {
		return parse.Render(line, utf8.RuneCountInString(prompt)) + "\n"
	}
	var b strings.Builder
	for reason := range strings.Lines(err.Error()) {
		fmt.Fprintf(&b, "Error: %s\n", strings.TrimSuffix(reason, "\n"))
	}
	return b.String()
}

// views returns the views of the command table for the session's present view and level.
func (s *Session) views() []string {
	switch {
	case s.login.Level < Configuration:
		return []string{config.ViewAny} // ViewAny has only commands that change nothing
	case s.candidate == nil:
		return []string{config.ViewUser, config.ViewAny}
	}
	return s.candidate.View.Chain()
}

// Pending reports whether the candidate has changes.
func (s *Session) Pending() bool {
	return s.candidate != nil && s.candidate.Changed()
}

// Prompt returns the open question, else the prompt of the view: <A>, [~A] with nothing
// to commit, [*A] with changes, [A] in an immediate session.
func (s *Session) Prompt() string {
	if s.question != nil {
		return s.question.text
	}
	name := s.sys.Store.Running().SysName
	if s.candidate == nil {
		return "<" + name + ">"
	}
	mark := "~"
	switch {
	case s.immediate:
		mark = ""
	case s.Pending():
		mark = "*"
	}
	return "[" + mark + name + s.candidate.View.Prompt() + "]"
}

// warn prints a warning line.
func (s *Session) warn(format string, args ...any) {
	fmt.Fprintf(&s.printed, "Warning: "+format+"\n", args...)
}

// inform prints a line that is not a warning.
func (s *Session) inform(format string, args ...any) {
	fmt.Fprintf(&s.printed, "Info: "+format+"\n", args...)
}

// reply passes an answer to the open question. If the answer is not valid, the question
// stays open.
func (s *Session) reply(line string) error {
	answer := strings.ToLower(strings.TrimSpace(line))
	if answer == "" {
		return nil
	}
	q := s.question
	s.said, s.question = answer, nil
	understood, err := q.answer(answer)
	if !understood {
		s.question = q
	}
	return err
}
