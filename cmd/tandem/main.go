// Command tandem is the operator's program: the console of a running device, interactive
// or with commands from a file, and related tools.
//
//	tandem [-s SOCKET]                   a console session
//	tandem [-s SOCKET] -c "CMD; CMD"     run commands, print what they show, with -json as JSON
//	tandem [-s SOCKET] -f FILE [-v]      run a file of commands, stop at the first error
//	tandem check FILE ...                check files of configuration without a device
//	tandem diff FILE [FILE]              compare the running configuration, or a file, with a file
//	tandem load [-replace] FILE          put a file of configuration in force, whole
//	tandem pki A=ADDRESS B=ADDRESS       certificates for the pair's replication channel
//	tandem restart [-run DIR]            replace the daemon by the installed program, without a gap
//	tandem upgrade-check [PROGRAM]       say whether that would go
//	tandem version                       say which program this is
//	tandem trunk-guard [-run DIR]        take the legs of a dead daemon out of service
//
// Exit codes: 0 done, 1 a command was refused or the run was interrupted, 2 wrong use, 3
// no daemon.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"tandem/internal/manage"
)

// Exit codes.
const (
	exitDone = iota
	exitRefused
	exitUsage
	exitNoDaemon
)

// socketVariable names the environment variable that stands for -s.
const socketVariable = "TANDEM_SOCKET"

func main() {
	// Subcommands handle signals themselves.
	if len(os.Args) > 1 {
		for _, s := range subcommands() {
			if s.name == os.Args[1] || s.name == "version" && strings.TrimLeft(os.Args[1], "-") == s.name {
				os.Exit(s.run(os.Args[2:]))
			}
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options holds the values of the command line.
type options struct {
	socket   string
	commands string
	file     string
	verbose  bool
	json     bool // displays print JSON
}

func run(ctx context.Context, args []string, in *os.File, out, errOut io.Writer) int {
	opts, err := parseOptions(args, errOut)
	if errors.Is(err, flag.ErrHelp) {
		return exitDone
	}
	if err != nil {
		fmt.Fprintln(errOut, "tandem:", err)
		return exitUsage
	}
	client := manage.NewClient(opts.socket)
	defer client.Close()
	if err := dispatch(ctx, client, opts, in, out, errOut); err != nil {
		fmt.Fprintln(errOut, "tandem:", err)
		if errors.Is(err, errRefused) || errors.Is(err, context.Canceled) {
			return exitRefused
		}
		return exitNoDaemon
	}
	return exitDone
}

func parseOptions(args []string, errOut io.Writer) (options, error) {
	var opts options
	fs := opts.flags()
	fs.SetOutput(errOut)
	fs.Usage = func() { usage(errOut, fs) }
	if err := fs.Parse(args); err != nil {
		return opts, err
	}
	switch {
	case fs.NArg() > 0:
		return opts, unknownSubcommand(fs.Args())
	case opts.commands != "" && opts.file != "":
		return opts, errors.New("-c and -f exclude each other")
	}
	return opts, nil
}

// flags returns the flags of the program itself, without a subcommand.
func (o *options) flags() *flag.FlagSet {
	fs := flag.NewFlagSet("tandem", flag.ContinueOnError)
	fs.StringVar(&o.commands, "c", "", "run `commands` separated by semicolons")
	fs.StringVar(&o.file, "f", "", "run the commands of a `file`, - for standard input; stop at the first error")
	fs.BoolVar(&o.json, "json", false, "print what displays show as JSON, one document each")
	socketFlag(fs, &o.socket)
	fs.BoolVar(&o.verbose, "v", false, "with -f: print what is typed and what it prints")
	return fs
}

// socketFlag adds the flag of the console socket.
func socketFlag(fs *flag.FlagSet, socket *string) {
	otherwise := manage.DefaultSocket
	if s := os.Getenv(socketVariable); s != "" {
		otherwise = s
	}
	fs.StringVar(socket, "s", otherwise, "console `socket` of the daemon, also from "+socketVariable)
}

func dispatch(ctx context.Context, client *manage.Client, opts options, in *os.File, out, errOut io.Writer) error {
	switch {
	case opts.commands != "":
		return runScript(ctx, client, commandLines(opts.commands), script{show: out, json: opts.json, warn: errOut})
	case opts.file != "" && opts.file != "-":
		f, err := os.Open(opts.file)
		if err != nil {
			return fmt.Errorf("%w: %w", errRefused, err)
		}
		defer f.Close()
		return runFile(ctx, client, f, opts, out, errOut)
	case opts.file == "-" || !term.IsTerminal(int(in.Fd())):
		return runFile(ctx, client, in, opts, out, errOut)
	}
	return interact(ctx, client, in, out)
}
