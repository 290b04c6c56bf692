package console

import (
	"regexp"
	"slices"
	"strings"

	"tandem/internal/command"
	"tandem/internal/config"
)

const diagnosticInformation = "diagnostic-information"

// What the display makes of the table in which it stands itself, so that both are filled
// in once that is made: the displays that need no more words, and Session.Exec.
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

// displayDiagnostics runs every display that needs no more words, for a report in one file.
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

// plainForm is a display without what may be left out, and with the first of every
// choice; false when words of the operator's would have to stand in it.
func plainForm(syntax string) (string, bool) {
	for optional.MatchString(syntax) {
		syntax = optional.ReplaceAllString(syntax, "")
	}
	syntax = choice.ReplaceAllString(syntax, "$1")
	line := strings.Join(strings.Fields(syntax), " ")
	return line, strings.HasPrefix(line, displayWord+" ") && !strings.ContainsAny(line, "<{|")
}
