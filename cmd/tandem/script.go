package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"tandem/internal/command"
	"tandem/internal/config"
	"tandem/internal/manage"
)

// errRefused says that the device refused a command.
var errRefused = errors.New("refused")

// scriptLine is one command with its position.
type scriptLine struct {
	text  string
	where string // "file:12: ", empty if there is only one line
}

// script holds the settings of a run of commands.
type script struct {
	name string    // name of the file, for messages
	show io.Writer // where the output of commands goes, nil for nowhere
	echo bool      // print prompts and commands, too
	json bool      // displays print JSON
	warn io.Writer // where warnings and refusals go
}

// commandLines splits a text at line ends and at semicolons outside quotes.
func commandLines(text string) []scriptLine {
	var lines []scriptLine
	for _, line := range command.SplitLines(text) {
		lines = append(lines, scriptLine{text: line})
	}
	return lines
}

// fileLines reads the commands of a file without changing them, because indentation and #
// show where sections end. It leaves out blank lines and comments.
func fileLines(r io.Reader, name string) ([]scriptLine, error) {
	var lines []scriptLine
	var layout config.Layout
	scanner := bufio.NewScanner(r)
	for n := 1; scanner.Scan(); n++ {
		if layout.Next(scanner.Text()) != config.BlankLine {
			text := strings.TrimRight(scanner.Text(), " \t\r")
			lines = append(lines, scriptLine{text, fmt.Sprintf("%s:%d: ", name, n)})
		}
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("%w: reading %s: %w", errRefused, name, err)
	}
	return lines, nil
}

func runFile(ctx context.Context, client *manage.Client, r io.Reader, opts options, out, errOut io.Writer) error {
	name := opts.file
	if name == "" || name == "-" {
		name = "standard input"
	}
	lines, err := fileLines(r, name)
	if err != nil {
		return err
	}
	s := script{name: name, json: opts.json, warn: errOut}
	if opts.verbose || opts.json {
		s.show, s.echo = out, opts.verbose
	}
	return runScript(ctx, client, lines, s)
}

// runScript runs the lines in a session of their own and stops at the first one that is
// refused. Uncommitted changes at the end are an error, too, because they are lost with
// the session.
func runScript(ctx context.Context, client *manage.Client, lines []scriptLine, s script) error {
	session, err := client.Open(ctx, false)
	if err != nil {
		return err
	}
	session.JSON = s.json
	// The session is closed even if the run was interrupted.
	defer session.Close(context.WithoutCancel(ctx))
	pending := false
	for _, line := range lines {
		typed := session.Prompt + line.text // the line as a terminal shows it: the caret of an error points into this line
		if s.echo {
			fmt.Fprintln(s.show, typed)
		}
		reply, err := session.Exec(ctx, line.text)
		if err != nil {
			return fmt.Errorf("%s%w", line.where, err)
		}
		if reply.Failed {
			return fmt.Errorf("%s%w\n%s\n%s", line.where, errRefused, typed, strings.TrimRight(reply.Output, "\n"))
		}
		s.print(reply.Output)
		if pending = reply.Pending; reply.Closed {
			return nil
		}
	}
	if pending {
		return fmt.Errorf("%w: %s ends with changes that were not committed; they are dropped", errRefused, s.subject())
	}
	return nil
}

func (s script) subject() string {
	if s.name == "" {
		return "the list of commands"
	}
	return s.name
}

// print prints the output of a command. Warnings are printed in any case.
func (s script) print(output string) {
	if s.show != nil {
		io.WriteString(s.show, output)
		return
	}
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "Warning:") {
			io.WriteString(s.warn, line)
		}
	}
}
