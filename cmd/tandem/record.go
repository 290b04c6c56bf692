package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tandem/internal/manage"
	"tandem/internal/tape"
)

// record writes a recording of the device's latest inputs to a file.
func record(args []string) int {
	var socket string
	fs := flag.NewFlagSet("tandem record", flag.ContinueOnError)
	socketFlag(fs, &socket)
	mask := fs.Bool("mask", false, "replace the unicast addresses")
	if err := fs.Parse(args); err != nil || fs.NArg() != 1 {
		return exitUsage
	}
	client := manage.NewClient(socket)
	defer client.Close()
	var b bytes.Buffer
	if err := client.Record(context.Background(), &b); err != nil {
		fmt.Fprintln(os.Stderr, "tandem record:", err)
		return exitNoDaemon
	}
	if err := save(fs.Arg(0), &b, *mask); err != nil {
		fmt.Fprintln(os.Stderr, "tandem record:", err)
		return exitRefused
	}
	return exitDone
}

// save writes a recording into a file that only its owner can read, because the recording
// shows which host listens to which stream. save does not follow a symbolic link: in a
// directory that others can write, the link may lead to any file. The name "-" is the
// standard output.
func save(name string, from io.Reader, mask bool) error {
	f := os.Stdout
	if name != "-" {
		var err error
		if f, err = create(name); err != nil {
			return err
		}
	}
	var err error
	if mask {
		err = tape.Mask(from, f)
	} else {
		_, err = io.Copy(f, from)
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

func create(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY|unix.O_NOFOLLOW, 0o600)
	if errors.Is(err, unix.ELOOP) {
		return nil, fmt.Errorf("%s is a symbolic link; name the file itself, or - for the standard output", name)
	}
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		err = f.Chmod(0o600) // the file may have existed with another mode
		if err != nil {
			f.Close()
			return nil, err
		}
	}
	return f, nil
}

// replay runs a recording through the code of this program and prints what it decides.
func replay(args []string) int {
	fs := flag.NewFlagSet("tandem replay", flag.ContinueOnError)
	quiet := fs.Bool("q", false, "print only what differs from what the device decided")
	if err := fs.Parse(args); err != nil || fs.NArg() != 1 {
		return exitUsage
	}
	f, err := os.Open(fs.Arg(0))
	if err != nil {
		fmt.Fprintln(os.Stderr, "tandem replay:", err)
		return exitRefused
	}
	defer f.Close()
	result, err := tape.Replay(f, func(s tape.Step) {
		if s.Differs || !*quiet {
			fmt.Print(stepText(s))
		}
	})
	if err != nil {
		fmt.Fprintf(os.Stderr, "tandem replay: %s: %v\n", fs.Arg(0), err)
		return exitRefused
	}
	fmt.Printf("%d inputs in %v, decided %d times, %d differ from the recording\n",
		result.Inputs, result.To.Sub(result.From).Round(time.Millisecond), result.Decided, result.Differing)
	if result.Differing > 0 {
		return exitRefused
	}
	return exitDone
}

func stepText(s tape.Step) string {
	at := s.At.SinceOrigin().Round(time.Microsecond).String()
	if !s.Wall.IsZero() {
		at = s.Wall.UTC().Format("2006-01-02T15:04:05.000000Z")
	}
	mark := ""
	if s.Differs {
		mark = "  DIFFERS"
	}
	return fmt.Sprintf("%s  after %s%s\n    %s\n", at, s.Cause, mark, strings.Join(s.Decisions, "\n    "))
}
