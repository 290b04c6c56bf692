package vm

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// line is the serial line to the host.
const line = "/dev/ttyS1"

// GuestMain is the main function of the guest's first process. It does the work that the
// host has written into the initramfs, and switches the machine off. It does not return.
func GuestMain() {
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "this is for the first process of a virtual machine")
		os.Exit(2)
	}
	if err := guest(); err != nil {
		fmt.Fprintln(os.Stderr, "guest:", err) // standard error is the kernel's console
	}
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART) // with qemu's option -no-reboot this ends the emulator
	select {}
}

func guest() error {
	for _, m := range []struct{ kind, on, options string }{
		{"devtmpfs", "/dev", ""}, {"proc", "/proc", ""}, {"sysfs", "/sys", ""},
		{"tmpfs", "/run", "mode=0755"}, {"tmpfs", "/tmp", "mode=1777"},
	} {
		if err := unix.Mount(m.kind, m.on, m.kind, 0, m.options); err != nil {
			return fmt.Errorf("mount %s: %w", m.on, err)
		}
	}
	host, err := openLine()
	if err != nil {
		return err
	}
	if err := prepare(host); err != nil {
		_, _ = io.WriteString(host, mark{Event: eventFailed, Name: err.Error()}.line())
		return err
	}
	return unix.IoctlSetInt(int(host.Fd()), unix.TCSBRK, 1) // waits until all bytes are sent
}

// prepare prepares the machine and runs the programs.
func prepare(host *os.File) error {
	text, err := os.ReadFile(workFile)
	if err != nil {
		return err
	}
	var w work
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	for _, module := range w.Modules {
		if err := loadModule(module); err != nil {
			return fmt.Errorf("module %s: %w", module, err)
		}
	}
	for key, value := range map[string]string{
		"kernel/hostname": "guest", "kernel/printk": "4",
		"net/core/netdev_max_backlog": "20000", // because emulated processors are sometimes late
	} {
		if err := os.WriteFile("/proc/sys/"+key, []byte(value), 0o644); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(host, mark{Event: eventBooted}.line()); err != nil {
		return err
	}
	for _, p := range w.Run {
		if err := runProgram(host, p); err != nil {
			return err
		}
	}
	return nil
}

// openLine opens the serial line and makes it transmit bytes unchanged.
func openLine() (*os.File, error) {
	f, err := os.OpenFile(line, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	t, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", line, err)
	}
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ICANON | unix.ISIG
	t.Cflag = t.Cflag&^unix.CBAUD | unix.B115200
	if err := unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, t); err != nil {
		return nil, fmt.Errorf("%s: %w", line, err)
	}
	return f, nil
}

func loadModule(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil && !errors.Is(err, unix.EEXIST) {
		return err
	}
	return nil
}

// runProgram runs one program and sends its result to the host.
func runProgram(host *os.File, p Program) error {
	if _, err := io.WriteString(host, mark{Event: eventStart, Name: p.Name}.line()); err != nil {
		return err
	}
	cmd := exec.Command(p.Args[0], p.Args[1:]...)
	cmd.Env = append([]string{"PATH=/bin", "HOME=/root", "TMPDIR=/tmp", "TANDEM_VM=1"}, p.Env...)
	cmd.Dir = "/root"
	out := &endsLine{w: host}
	cmd.Stdout, cmd.Stderr = out, out
	began := time.Now()
	err := cmd.Run()
	end := mark{Event: eventEnd, Name: p.Name, Took: time.Since(began)}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.Exited():
		end.Status = exit.ExitCode()
	case err != nil:
		end.Status = 255
		fmt.Fprintln(out, err)
	}
	out.finish()
	for _, file := range p.Fetch {
		if data, err := os.ReadFile(file); err == nil {
			if _, err := io.WriteString(host, mark{Event: eventFile, Name: file, Data: data}.line()); err != nil {
				return err
			}
		}
	}
	_, err = io.WriteString(host, end.line())
	return err
}

// endsLine records whether the last write ended a line.
type endsLine struct {
	w    io.Writer
	open bool
}

func (e *endsLine) Write(b []byte) (int, error) {
	if len(b) > 0 {
		e.open = !strings.HasSuffix(string(b[len(b)-1:]), "\n")
	}
	return e.w.Write(b)
}

func (e *endsLine) finish() {
	if e.open {
		_, _ = io.WriteString(e.w, "\n")
	}
}
