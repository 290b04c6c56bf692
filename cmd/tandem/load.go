package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"tandem/internal/config"
	"tandem/internal/manage"
)

// load puts a configuration text in force: it shows the changes, then commits them.
func load(args []string) int {
	fs := flag.NewFlagSet("tandem load", flag.ContinueOnError)
	var socket string
	socketFlag(fs, &socket)
	replace := fs.Bool("replace", false, "in place of what is configured, not in addition")
	compare := fs.Bool("compare", false, "show what would change, and change nothing")
	fs.Usage = func() {
		fmt.Fprintln(fs.Output(), "usage: tandem load [ -s SOCKET ] [ -replace ] [ -compare ] FILE\n\n"+
			"Take a file into the configuration, whole or not at all, show what that changes,\nand commit. The file is what display current-configuration prints, or commands\nthat begin with system-view.")
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil || fs.NArg() != 1 {
		fs.Usage()
		return exitUsage
	}
	text, err := config.ReadText(fs.Arg(0))
	if err != nil {
		fmt.Fprintln(os.Stderr, "tandem load:", err)
		return exitUsage
	}
	err = loadText(socket, text, *replace, *compare)
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errRefused):
		fmt.Fprintf(os.Stderr, "tandem load: %s: %v\n", fs.Arg(0), err)
		return exitRefused
	}
	fmt.Fprintln(os.Stderr, "tandem load:", err)
	return exitNoDaemon
}

func loadText(socket, text string, replace, compare bool) error {
	ctx := context.Background()
	client := manage.NewClient(socket)
	defer client.Close()
	session, err := client.Open(ctx, false)
	if err != nil {
		return err
	}
	defer session.Close(ctx)
	// The changes are shown first, because the commit puts them in force.
	reply, err := taken(session.Load(ctx, text, replace, true))
	if err != nil {
		return err
	}
	fmt.Print(reply.Output)
	if compare {
		return nil
	}
	if _, err := taken(session.Load(ctx, text, replace, false)); err != nil {
		return err
	}
	reply, err = taken(session.Exec(ctx, "commit"))
	fmt.Print(reply.Output)
	return err
}

// taken makes an error of a refused line.
func taken(reply manage.Reply, err error) (manage.Reply, error) {
	if err == nil && reply.Failed {
		err = fmt.Errorf("%w\n%s", errRefused, strings.TrimRight(reply.Output, "\n"))
		reply.Output = ""
	}
	return reply, err
}
