package main

import (
	"os"
	"strings"
	"testing"

	"tandem/internal/golden"
	"tandem/internal/manpage"
)

// TestManual: the manual page is the one that the program generates.
func TestManual(t *testing.T) { keepPage(t, "../../docs/man/tandem.1", manual()) }

func keepPage(t *testing.T, file, page string) {
	t.Helper()
	golden.Check(t, file, page)
	manpage.Lint(t, file)
}

func manual() string {
	p := manpage.New("tandem", 1, "User commands", "console of a Tandem device, and what goes with it")
	p.Section("SYNOPSIS")
	p.Synopsis("tandem", "[ -s socket ]")
	p.Synopsis("tandem", "[ -s socket ] [ -json ] -c commands")
	p.Synopsis("tandem", "[ -s socket ] [ -json ] [ -v ] -f file")
	for _, s := range subcommands() {
		p.Synopsis("tandem "+s.name, s.usage)
	}
	p.Section("DESCRIPTION")
	p.Paragraph("Without -c, -f and a subcommand, tandem opens a console session of the daemon that runs on this machine, as long as " +
		"its standard input is a terminal; otherwise it runs the commands that it reads there. The commands themselves are in tandem-commands(7).")
	p.Section("OPTIONS")
	var o options
	os.Unsetenv(socketVariable)
	p.Options(o.flags())
	p.Section("SUBCOMMANDS")
	for _, s := range subcommands() {
		p.Item(strings.TrimSpace(s.name+" "+s.usage), strings.ToUpper(s.about[:1])+s.about[1:]+".")
	}
	p.Section("KEYS OF THE CONSOLE")
	for _, key := range [][2]string{
		{"?", "What may come next, with the range of every parameter."},
		{"Tab", "Complete a keyword as far as it is certain; once more lists what there is."},
		{"Up, Down", "Lines that were typed before."},
		{"Ctrl+Z", "Back to the user view, as return."},
		{"Ctrl+C", "Drop the line."},
		{"Ctrl+D", "Leave the console; with changes that are not committed there is a question first."},
		{"Space, Enter, q", "Behind a screenful of output: the next one, the next line, no more. See screen-length."},
	} {
		p.Item(key[0], key[1])
	}
	p.Section("EXIT STATUS")
	for _, code := range [][2]string{
		{"0", "All was done. check found no error, diff no difference."},
		{"1", "A command was refused, or the run was interrupted. check found an error, diff a difference."},
		{"2", "Wrong use, or a file that check, diff or load cannot read."},
		{"3", "No daemon answers."},
	} {
		p.Item(code[0], code[1])
	}
	p.Section("ENVIRONMENT")
	p.Item(socketVariable, "The socket of the daemon where -s does not name it.")
	p.Section("FILES")
	p.Item("/run/tandem/console.sock", "Where the daemon listens. Who may write to it may use the console.")
	p.Section("EXAMPLES")
	p.Item(`tandem -c "display e-trunk 1"`, "Show an E-Trunk.")
	p.Item("tandem -json -c \"display mld group verbose\"", "Every listener, for a program.")
	p.Item("tandem check new.cfg && tandem -f new.cfg", "Apply a file of commands that has no errors.")
	p.Item("tandem load -replace -compare saved.cfg", "Show what would change if the device had the configuration of a file.")
	p.See("tandem-commands(7)", "tandemd(8)")
	return p.String()
}
