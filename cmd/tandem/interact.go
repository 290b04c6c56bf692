package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"tandem/internal/manage"
	"tandem/internal/manage/terminal"
)

// interact runs a console session on a terminal until the user leaves it.
func interact(ctx context.Context, client *manage.Client, in *os.File, out io.Writer) error {
	session, err := client.Open(ctx, true)
	if err != nil {
		return err
	}
	defer session.Close(context.WithoutCancel(ctx))
	saved, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return fmt.Errorf("terminal: %w", err)
	}
	defer func() { _ = term.Restore(int(in.Fd()), saved) }()
	sizes, stop := watchSize(in)
	defer stop()
	return terminal.Terminal{Keys: in, Screen: out, Sizes: sizes}.Run(ctx, session, session.Prompt)
}

// watchSize sends the size of a terminal, and every new size.
func watchSize(in *os.File) (sizes <-chan terminal.Size, stop func()) {
	told := make(chan terminal.Size)
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, unix.SIGWINCH)
	changed <- unix.SIGWINCH // causes the first size to be sent
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-changed:
			case <-done:
				return
			}
			w, h, err := term.GetSize(int(in.Fd()))
			if err != nil {
				continue
			}
			select {
			case told <- terminal.Size{Width: w, Height: h}:
			case <-done:
				return
			}
		}
	}()
	return told, func() {
		signal.Stop(changed)
		close(done)
	}
}
