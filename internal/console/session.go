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

// System is what all sessions of a device share. Fill in every field before
// the first session; the methods may then be called from several goroutines.
type System struct {
	Backend Backend
	Journal Journal
	Store   *config.Store
	// HTTP tells where the web page is served, nil where there is none.
	HTTP  func() state.HTTPServer
	Build state.Build
	// Record writes a recording of what the device was told lately; nil where none is kept.
	Record func(io.Writer) error

	zeros zeros
	// SSH tells of the SSH server, nil where there is none.
	SSH func() state.SSHServer
}

// Login is who begins a session.
type Login struct {
	User   string // for the list of commits and the audit
	Source string // where the user is, for the same
	Level  Level
	// Interactive sessions are asked before they lose changes; others get an error.
	Interactive bool
}

// Level is what a user may do.
type Level uint8

// Levels as VRP numbers them.
const (
	Monitoring    Level = 1 // to look
	Configuration Level = 2 // everything
)

// NewSession opens a session in the user view.
func (sys *System) NewSession(l Login) *Session { return &Session{sys: sys, login: l} }

// Session is one operator's dialogue: a view, a candidate configuration of its
// own, perhaps an open question. It is not safe for concurrent use.
type Session struct {
	sys   *System
	login Login

	// JSON makes displays print JSON without being asked.
	JSON bool

	layout config.Layout
	// candidate holds the view as well, it is nil in the user view.
	candidate *config.Candidate
	// immediate sessions commit every line.
	immediate bool
	closed    bool
	// screenLength is how many lines are shown at a time, see Result.
	screenLength int
	// monitor shows events as they come, see Result.
	monitor *uint64
	// question takes the next line as its answer when there is one.
	question *question
	// warned is what the last commit warned of.
	warned config.Problems

	// Of the line being run:
	shown   Display
	printed strings.Builder
	said    string // as others may see it, empty when it was not understood
	ctx     context.Context
	// interrupt ends ctx.
	interrupt atomic.Pointer[context.CancelFunc]
	// history holds what was said before, the oldest first.
	history []string
}

// question is what the session wants to know before it goes on.
type question struct {
	text   string
	answer func(answer string) (understood bool, err error)
}

// Result is what a line brought about.
type Result struct {
	// Output is what is printed, the error lines included.
	Output string
	// Err is why the line was refused: a *command.Error when it was not
	// understood, else the reason of the command.
	Err error
	// Prompt is what to show next: the prompt, or the question that the next
	// line answers.
	Prompt   string
	Question bool
	// ScreenLength is how many lines are shown at a time: as many as the screen has
	// when it is 0, all when it is negative.
	ScreenLength int
	// Monitor says that the events after one of this number are to be shown as they
	// come, see System.Follow; nil shows none.
	Monitor *uint64
	Closed  bool // the session has ended
}

// Exec runs one line as typed after the prompt. Blank lines and comments do nothing;
// # alone, and a line that is indented less than the one before, go back to the system
// view, see config.Layout.
func (s *Session) Exec(line string) Result {
	return s.turn(line, func() error { return s.run(line) })
}

// turn does what a line says, which is shown with errors, and tells what came of it.
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

// Interrupt ends the line that is being run, if it takes its time. It may be called
// while Exec runs.
func (s *Session) Interrupt() {
	if stop := s.interrupt.Load(); stop != nil {
		(*stop)()
	}
}

// errorText is what the console prints of an error: for a line that was not
// understood a caret below the place, then the reason.
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

// views are the tables that hold where the session is.
func (s *Session) views() []string {
	switch {
	case s.login.Level < Configuration:
		return []string{config.ViewAny} // what is in every view changes nothing
	case s.candidate == nil:
		return []string{config.ViewUser, config.ViewAny}
	}
	return s.candidate.View.Chain()
}

// Pending says that the candidate differs from what it began as.
func (s *Session) Pending() bool {
	return s.candidate != nil && s.candidate.Changed()
}

// Prompt is the open question, else the prompt of the view: <A>, [~A] with
// nothing to commit, [*A] with changes, [A] in an immediate session.
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

// warn prints a line that is not an error.
func (s *Session) warn(format string, args ...any) {
	fmt.Fprintf(&s.printed, "Warning: "+format+"\n", args...)
}

// inform prints a line that is no warning either.
func (s *Session) inform(format string, args ...any) {
	fmt.Fprintf(&s.printed, "Info: "+format+"\n", args...)
}

// reply hands an answer to the open question; one that it does not understand
// leaves it open.
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
