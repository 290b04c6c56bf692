package lab

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/netns"
)

// keeperCommand is the command of the background process of "up -detach". Users do not
// call it.
const keeperCommand = "keeper"

// envRootless is set in a process that runs in a user namespace of the lab.
const envRootless = "TANDEM_LAB_ROOTLESS"

func rootless() bool { return os.Getenv(envRootless) != "" }

// self returns a command that runs this program again for the same lab. Without root it runs in
// a user namespace, in which it is root.
func self(p plan, args []string) (*exec.Cmd, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), envDir+"="+p.dir, envPrefix+"="+p.prefix)
	if p.lacp {
		cmd.Env = append(cmd.Env, envLACP+"=1")
	}
	if p.plain {
		cmd.Env = append(cmd.Env, envPlain+"=1")
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if os.Geteuid() != 0 {
		cmd.Env = append(cmd.Env, envRootless+"=1")
		netns.Unprivileged(cmd)
	}
	return cmd, nil
}

// errNoNamespaces replaces an error by one line that explains why a user without privileges
// cannot have a lab, if that is the cause.
func errNoNamespaces(err error) error {
	forbidden := slices.ContainsFunc([]error{
		unix.EPERM, unix.EACCES, unix.ENOSPC, unix.EUSERS, unix.EINVAL, unix.ENOSYS,
	}, func(cause error) bool { return errors.Is(err, cause) })
	if !forbidden || os.Geteuid() == 0 && !rootless() {
		return err
	}
	return fmt.Errorf("not root, and this kernel does not let users make network namespaces (%w): run it as root", err)
}

// inUserNamespace runs the program again in a user namespace and waits for it.
func inUserNamespace(p plan, args []string) error {
	cmd, err := self(p, args)
	if err != nil {
		return err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	// Ctrl-C reaches the other process, too; this one waits for it.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return errNoNamespaces(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			if s != os.Interrupt {
				_ = cmd.Process.Signal(s)
			}
		case err := <-ended:
			var exit *exec.ExitError
			if errors.As(err, &exit) && exit.Exited() {
				return exitStatus(exit.ExitCode())
			}
			return err
		}
	}
}

// mayBuild tests, in a user namespace, the operations that the kernel or its policy may
// forbid there, even if the user namespace itself is permitted.
func mayBuild() error {
	if !rootless() {
		return nil
	}
	ns, err := netns.New()
	if err != nil {
		return errNoNamespaces(err)
	}
	return ns.Close()
}

// The descriptor on which the keeper answers its parent: a line "ok" and the description
// of the lab, or an error.
const (
	replyFD = 3
	replyOK = "ok"
)

// detached starts a keeper in the background and waits until the lab is up.
func detached(p plan) error {
	if k, alive := keeperAlive(p); alive {
		return fmt.Errorf("a lab is up already, kept by process %d: \"tandem-lab down\" removes it", k.PID)
	}
	cmd, err := self(p, []string{keeperCommand})
	if err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	cmd.ExtraFiles = []*os.File{w}
	cmd.SysProcAttr.Setsid = true
	err = cmd.Start()
	w.Close()
	if err != nil {
		return errNoNamespaces(err)
	}
	reply := bufio.NewReader(r)
	first, _ := reply.ReadString('\n')
	rest, _ := io.ReadAll(reply)
	if strings.TrimSpace(first) == replyOK {
		fmt.Print(string(rest))
		return cmd.Process.Release()
	}
	if err := cmd.Wait(); first == "" {
		return errors.Join(errors.New("the keeper ended without a word"), err)
	}
	return errors.New(strings.TrimSpace(first + string(rest)))
}

// runKeeper is the process in the background.
func runKeeper(p plan, _ []string) error {
	// Processes that the keeper starts must not keep the pipe open.
	syscall.CloseOnExec(replyFD)
	reply := os.NewFile(replyFD, "reply")
	ctx, stop := untilSignal()
	defer stop()
	err := keep(ctx, p, printf, func(l *lab) error {
		defer reply.Close()
		fmt.Fprintln(reply, replyOK)
		l.describe(reply)
		return logTo(filepath.Join(p.dir, "keeper.log"))
	})
	if err != nil {
		fmt.Fprintln(reply, err) // has no reader if the lab was ready before
	}
	return err
}

// logTo sends standard output and errors to a file.
func logTo(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, fd := range []int{1, 2} {
		if err := syscall.Dup3(int(f.Fd()), fd, 0); err != nil {
			return err
		}
	}
	return nil
}
