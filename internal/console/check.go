package console

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"tandem/internal/command"
	"tandem/internal/config"
	"tandem/internal/echo"
	"tandem/internal/state"
)

// Finding is a fault in a configuration file.
type Finding struct {
	Line    int    `json:"line"` // from 1; 0 if the fault concerns the whole file
	Text    string `json:"text"` // the text of the line
	Warning bool   `json:"warning"`
	Problem string `json:"problem"`
}

// Check reads a configuration file without a device: either the text form, or commands
// that begin with system-view. It returns the resulting configuration and all faults. An
// error means that nothing could be checked.
func Check(text string) (*config.Model, []Finding, error) {
	store, remove, err := config.Scratch()
	if err != nil {
		return nil, nil, err
	}
	defer remove()
	sys := &System{Backend: nowhere{}, Store: store}
	c := &checker{session: sys.NewSession(Login{User: "check", Level: Configuration}), lines: strings.Split(text, "\n"), opened: map[string]int{}}
	var m *config.Model
	if IsScript(text) {
		c.script()
		m = store.Running()
	} else {
		m = c.text()
	}
	slices.SortStableFunc(c.findings, func(a, b Finding) int { return a.Line - b.Line })
	return m, c.findings, nil
}

type checker struct {
	session  *Session
	lines    []string
	opened   map[string]int // number of the line that first opened each view, by the view's name in problems
	findings []Finding
	// lost is the indentation of lines to skip, because they belong to a section that
	// could not be opened. 0 means that no lines are skipped.
	lost int
}

// IsScript reports whether a text is one for typing: its first command enters the system
// view.
func IsScript(text string) bool {
	s := new(Session)
	var layout config.Layout
	for line := range strings.Lines(text) {
		if kind := layout.Next(line); kind == config.CommandLine || kind == config.OutdentedLine {
			s.login.Level = Configuration
			match, err := table().Match(s.views(), line)
			return err == nil && strings.HasPrefix(match.Command.Syntax, "system-view")
		}
	}
	return false
}

// script runs the lines as `tandem -f` does, but goes on after a refused line.
func (c *checker) script() {
	last := 0
	for i, line := range c.lines {
		if c.session.closed {
			break
		}
		if c.exec(i, line) {
			last = i + 1
		}
	}
	if c.session.Pending() {
		c.add(last, false, "the last commands are not committed")
	}
	c.problems(config.Validate(c.session.sys.Store.Running()).Warnings(), 0)
}

// text reads the text form, from the system view up to return.
func (c *checker) text() *config.Model {
	_ = c.session.run("system-view") // cannot fail in the user view
	candidate := c.session.candidate
	if end := slices.IndexFunc(c.lines, func(line string) bool { return strings.TrimSpace(line) == "return" }); end >= 0 {
		c.lines = c.lines[:end]
	}
	for i, line := range c.lines {
		c.exec(i, line)
	}
	c.problems(config.Validate(candidate.Model), 0)
	return candidate.Model
}

// exec runs a line, records its fault if there is one, and reports whether it is a
// command.
func (c *checker) exec(i int, line string) bool {
	kind := c.session.layout.Next(line)
	switch indent := c.session.layout.Indent(); {
	case kind == config.BlankLine:
		return false
	case kind == config.SectionEnd:
		c.lost = 0
	case c.lost > 0 && indent >= c.lost:
		return true
	}
	err := c.run(kind, line)
	if c.lost = 0; err != nil {
		c.lost = c.session.layout.Indent() + 1
		c.refused(i, err)
	}
	if candidate := c.session.candidate; candidate != nil {
		if view := candidate.View.String(); c.opened[view] == 0 {
			c.opened[view] = i + 1
		}
	}
	return kind != config.SectionEnd
}

// refused records the fault of a line.
func (c *checker) refused(i int, err error) {
	var parse *command.Error
	var invalid *config.InvalidError
	switch {
	case errors.As(err, &invalid):
		c.problems(invalid.Problems, i+1)
	case errors.As(err, &parse):
		c.add(i+1, false, strings.Replace(parse.Error(), " found at '^' position.", "", 1))
	default:
		c.add(i+1, false, err.Error())
	}
}

// run runs a line, unless its command needs a device. If an outdented line is refused,
// the section before it has still ended.
func (c *checker) run(kind config.LineKind, line string) error {
	s := c.session
	u, err := s.understand(kind, line)
	if err != nil && kind == config.OutdentedLine && s.candidate != nil {
		s.candidate.View = config.SystemView
	}
	if err != nil || u == nil || c.asks(u.match.Command.Syntax) {
		return err
	}
	return s.do(u)
}

// asks reports whether a command needs a device.
func (c *checker) asks(syntax string) bool {
	inUserView := c.session.candidate == nil
	return takesPipe(syntax) || inUserView && !strings.HasPrefix(syntax, "system-view") && syntax != "quit"
}

// problems records the problems of objects, at the lines that opened the objects.
func (c *checker) problems(problems config.Problems, otherwise int) {
	for _, p := range problems {
		line := c.opened[p.Where]
		if line == 0 {
			line = 1 + slices.IndexFunc(c.lines, func(l string) bool { return strings.HasPrefix(strings.TrimSpace(l), p.Where) })
		}
		if line == 0 {
			line = otherwise
		}
		c.add(line, p.Warning, p.String())
	}
}

func (c *checker) add(line int, warning bool, problem string) {
	f := Finding{Line: line, Warning: warning, Problem: problem}
	if line > 0 {
		f.Text = strings.TrimSpace(c.lines[line-1])
	}
	if !slices.Contains(c.findings, f) {
		c.findings = append(c.findings, f)
	}
}

// nowhere is a Backend without a device: it accepts everything and has nothing to show.
type nowhere struct{}

func (nowhere) Snapshot() state.Device                                     { return state.Device{} }
func (nowhere) Groups(string, bool) []state.Group                          { return nil }
func (nowhere) Redundancy() (r state.Redundancy)                           { return r }
func (nowhere) Routes() []state.Route                                      { return nil }
func (nowhere) BFD() []state.BFDSession                                    { return nil }
func (nowhere) BFDStatistics() state.BFDStatistics                         { return state.BFDStatistics{} }
func (nowhere) Apply(*config.Model) error                                  { return nil }
func (nowhere) Switchover(uint32, bool) error                              { return nil }
func (nowhere) ResetGroups(string, netip.Addr) error                       { return nil }
func (nowhere) UnicastRoutes(string) ([]state.UnicastRoute, error)         { return nil, nil }
func (nowhere) BatchBackup(string) error                                   { return nil }
func (nowhere) Interfaces() []state.Interface                              { return nil }
func (nowhere) EthTrunk(uint32) (state.EthTrunk, error)                    { return state.EthTrunk{}, nil }
func (nowhere) Ping(context.Context, echo.Request, func(echo.Reply)) error { return nil }
