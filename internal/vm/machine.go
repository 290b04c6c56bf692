package vm

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Modules are the kernel modules that programs of this project may need: bonding with LACP,
// VLANs, VRFs, a network emulator, the rules of the gate, and the datapath of Open vSwitch.
var Modules = []string{
	"bonding", "8021q", "vrf", "dummy", "veth", "bridge", "sch_netem", "sch_tbf",
	"nf_tables", "nft_hash", "nft_ct", "nf_conntrack_bridge", "nft_limit", "nft_meta_bridge", "tun", "virtio_rng", "virtio_pci",
}

// Program is a program to run in the guest.
type Program struct {
	Name string   // names the result
	Args []string // the first is its path in the guest
	Env  []string // in addition to PATH and HOME
	// Fetch are files that the guest sends to the host when the program has ended.
	Fetch []string
}

// Machine says what a guest contains and does.
type Machine struct {
	// Files maps paths in the guest to files on this machine. Programs are in /bin. The
	// libraries of dynamic programs are added.
	Files map[string]string
	// Init is the command line of the guest's first process, a program of Files
	// that calls [GuestMain].
	Init []string
	// Programs are what the guest runs, one after the other.
	Programs []Program
	// Processors is the number of the guest's processors; zero means 2.
	Processors int
	// MemoryMiB is the size of the guest's memory; zero means 1024.
	MemoryMiB int
	// Output receives the output of the programs while they run. It may be nil.
	Output io.Writer
}

// Result is the result of a program.
type Result struct {
	Name   string
	Status int // exit status, 255 if the program did not end by itself
	Output []byte
	Took   time.Duration     // duration by the guest's clock
	Files  map[string][]byte // the files of Fetch that exist
}

// Guest is the result of a machine that has run.
type Guest struct {
	Kernel  string // release of the guest's kernel
	Booted  time.Duration
	Results []Result
}

// work is the work that the host gives to the guest's first process.
type work struct {
	Modules []string // in the order of loading
	Run     []Program
}

// workFile is the file in the guest that contains the work.
const workFile = "/etc/vm.json"

// Run boots a machine and waits until it has run everything. The error is an
// [UnavailableError] if this machine cannot run virtual machines. The failure of a program
// is in its result; it is not an error of Run.
func (m Machine) Run(ctx context.Context) (Guest, error) {
	qemu, err := exec.LookPath(emulator)
	if err != nil {
		return Guest{}, unavailable("no %s (Debian package qemu-system-x86)", emulator)
	}
	k, err := fetchKernel(ctx)
	if err != nil {
		return Guest{}, err
	}
	dir, err := os.MkdirTemp("", "tandem-vm-")
	if err != nil {
		return Guest{}, err
	}
	defer os.RemoveAll(dir)
	initramfs := filepath.Join(dir, "initramfs")
	if err := m.build(initramfs, k); err != nil {
		return Guest{}, fmt.Errorf("initramfs: %w", err)
	}
	console := filepath.Join(dir, "console")
	for boots := 1; ; boots++ {
		g := Guest{Kernel: k.release}
		err = m.boot(exec.CommandContext(ctx, qemu, m.arguments(k, initramfs, console)...), &g)
		if err == nil && len(g.Results) < len(m.Programs) {
			err = errors.New("the guest ended early")
		}
		if err == nil {
			return g, nil
		}
		if boots == mostBoots || !errors.Is(err, errNoBoot) && !stalled(console) {
			return g, fmt.Errorf("virtual machine: %w\n%s", err, tail(console))
		}
	}
}

// mostBoots is how many times a machine is started if its processors stall. This happens
// sometimes, mostly while the guest boots on a busy machine. The programs in the guest do
// not cause it.
const mostBoots = 5

// bootLimit is how long the guest may take until it is ready. Usually it takes about five
// seconds.
const bootLimit = 40 * time.Second

var errNoBoot = fmt.Errorf("it was not ready after %v", bootLimit)

// stalled reports whether the guest's kernel has stopped because of a stall. The kernel is
// configured to panic then, which ends the machine.
func stalled(console string) bool {
	said, err := os.ReadFile(console)
	return err == nil && bytes.Contains(said, []byte("panic - not syncing: RCU Stall"))
}

// arguments returns the arguments of qemu, which never use hardware virtualisation.
func (m Machine) arguments(k kernel, initramfs, console string) []string {
	processors, memory := max(m.Processors, 0), max(m.MemoryMiB, 0)
	if processors == 0 {
		processors = 2
	}
	if memory == 0 {
		memory = 1024
	}
	// The guest must keep its clock source, even if the emulation has stopped for a while.
	cmdline := fmt.Sprintf("console=ttyS0 quiet panic=-1 sysctl.kernel.panic_on_rcu_stall=1 mitigations=off tsc=reliable no_timer_check nowatchdog random.trust_cpu=on rdinit=%s -- %s",
		m.Init[0], strings.Join(m.Init[1:], " "))
	return []string{
		"-accel", "tcg,thread=multi", "-cpu", "max,la57=off", "-machine", "q35",
		"-smp", fmt.Sprint(processors), "-m", fmt.Sprintf("%dM", memory),
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-nic", "none",
		"-object", "rng-random,id=rng0,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=rng0",
		"-serial", "file:" + console, "-serial", "stdio",
		"-kernel", k.image, "-initrd", initramfs, "-append", cmdline,
	}
}

// boot runs the emulator and reads the output of the guest.
func (m Machine) boot(cmd *exec.Cmd, g *Guest) error {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	var complaints strings.Builder
	cmd.Stderr = &complaints
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	hung := time.AfterFunc(bootLimit, func() { _ = cmd.Process.Kill() })
	read := m.listen(out, func() { hung.Stop(); g.Booted = time.Since(began) }, g)
	err = cmd.Wait()
	if !hung.Stop() && g.Booted == 0 {
		return errNoBoot
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(complaints.String()))
	}
	return read
}

// listen reads the serial line and stores the results. It calls booted when the guest is
// ready.
func (m Machine) listen(r io.Reader, booted func(), g *Guest) error {
	lines := bufio.NewReader(r)
	var current Result
	for {
		line, err := lines.ReadString('\n')
		if mark, ok := parseMark(line); ok {
			switch mark.Event {
			case eventBooted:
				booted()
			case eventStart:
				current = Result{Name: mark.Name, Files: make(map[string][]byte)}
			case eventFile:
				current.Files[mark.Name] = mark.Data
			case eventEnd:
				current.Status, current.Took = mark.Status, mark.Took
				g.Results = append(g.Results, current)
			case eventFailed:
				return errors.New(mark.Name)
			}
		} else if line != "" {
			current.Output = append(current.Output, line...)
			if m.Output != nil {
				_, _ = io.WriteString(m.Output, line)
			}
		}
		if err != nil {
			return nil // the machine was switched off
		}
	}
}

// tail returns the end of a file, for error messages.
func tail(path string) string {
	const most = 3000
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	if len(b) > most {
		b = b[len(b)-most:]
	}
	return string(b)
}
