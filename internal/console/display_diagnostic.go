package console

import (
	"regexp"
	"slices"
	"strings"

	"tandem/internal/command"
	"tandem/internal/config"
)

const diagnosticInformation = "diagnostic-information"

// Values that depend on the table of commands, which contains this display itself. So
// they are set after the table is made: the displays that need no parameters, and
// Session.Exec.
var (
	plainDisplays []string
	execute       func(*Session, string) Result
)

func init() {
	execute = (*Session).Exec
	for _, c := range allCommands() {
		line, ok := plainForm(c.Syntax)
		if ok && slices.Contains(c.Views, config.ViewAny) && !strings.HasSuffix(line, diagnosticInformation) {
			plainDisplays = append(plainDisplays, line)
		}
	}
}

// displayDiagnostics runs every display that needs no parameters, for a report in one
// file.
func displayDiagnostics(s *Session, _ command.Args) (Display, error) {
	reader := s.sys.NewSession(s.login)
	var lines []string
	for _, line := range plainDisplays {
		out := execute(reader, line).Output
		lines = append(lines, "", "<"+line+">", "")
		lines = append(lines, strings.Split(strings.TrimRight(out, "\n"), "\n")...)
	}
	return linesDisplay(lines), nil
}

var (
	optional = regexp.MustCompile(`\[[^\[\]]*\]( \*)?`)
	choice   = regexp.MustCompile(`\{ ([^{}|<]*) \|[^{}]*\}`)
)

// plainForm returns a display command without its optional parts, and with the first
// alternative of every choice; false if it has a parameter that the operator must give.
func plainForm(syntax string) (string, bool) {
	for optional.MatchString(syntax) {
		syntax = optional.ReplaceAllString(syntax, "")
	}
	syntax = choice.ReplaceAllString(syntax, "$1")
	line := strings.Join(strings.Fields(syntax), " ")
	return line, strings.HasPrefix(line, displayWord+" ") && !strings.ContainsAny(line, "<{|")
}
