package console

import (
	"slices"
	"strings"
	"testing"

	"tandem/internal/golden"
	"tandem/internal/manpage"
)

const referenceFile = "../../docs/commands.md"

// TestReference: docs/commands.md is the one that the commands generate.
func TestReference(t *testing.T) {
	got := reference()
	golden.Check(t, referenceFile, got)
}

const manualFile = "../../docs/man/tandem-commands.7"

// TestManual: the manual page of the commands is the one that the commands generate.
func TestManual(t *testing.T) {
	p := manpage.New("tandem-commands", 7, "Miscellanea", "commands of a Tandem device")
	p.Section("DESCRIPTION")
	for paragraph := range strings.SplitSeq(plain(referenceText), "\n\n") {
		p.Paragraph(strings.ReplaceAll(paragraph, "\n", " "))
	}
	p.Section("COMMANDS")
	for _, c := range chapters {
		p.Subsection(plain(c.title))
		for _, cmd := range allCommands() {
			if slices.Contains(cmd.Views, c.view) {
				p.Item(readable(cmd.Syntax), cmd.Help+".")
			}
		}
	}
	p.See("tandem(1)", "tandemd(8)")
	golden.Check(t, manualFile, p.String())
}

// plain removes the marks of Markdown.
func plain(text string) string {
	return strings.NewReplacer("`", "", "([json.md](json.md)) ", "").Replace(text)
}

func TestReferenceHasEveryCommand(t *testing.T) {
	for _, c := range allCommands() {
		known := slices.ContainsFunc(chapters, func(ch chapter) bool { return slices.Contains(c.Views, ch.view) })
		if !known || c.Help == "" {
			t.Errorf("%v %q is not in the reference, or has no help", c.Views, c.Syntax)
		}
	}
}
