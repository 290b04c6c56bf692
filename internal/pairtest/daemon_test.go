package pairtest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"tandem/internal/linux/mroute"
	"tandem/internal/linux/testnet"
)

// notApplied is how the console's message on a failed commit begins.
const notApplied = "Error: the commit cannot be applied, nothing is changed: "

// keepsServing fails unless hellos still arrive, which shows that the configuration in force
// works.
func keepsServing(d *device) {
	d.t.Helper()
	before, err := d.trunk()
	testnet.Must(d.t, err)
	eventually(d.t, "device "+d.name+" goes on", func() error {
		f, err := d.trunk()
		if err == nil && f.Received < before.Received+2 {
			err = fmt.Errorf("%d hellos received, %d before", f.Received, before.Received)
		}
		return err
	})
	eventually(d.t, "device "+d.name+" shares", d.shares)
}

// TestHelloPortInUse: a commit that cannot be carried out changes nothing.
func TestHelloPortInUse(t *testing.T) {
	p := newPair(t)
	p.start()
	s := p.stream(asmGroup)
	l := p.join(asmGroup, noSource)
	l.awaits(s)
	var other net.PacketConn
	p.a.In(t, func() (err error) {
		other, err = new(net.ListenConfig).ListenPacket(t.Context(), "udp6", "[2001:db8:c::a]:2000")
		return err
	})
	defer other.Close()

	before := p.a.shows("current-configuration")
	p.a.types("system-view", "e-trunk ipv6 port 2000")
	contains(t, p.a.refuses("commit"), notApplied+"E-Trunk hellos: udp [2001:db8:c::a]:2000: bind: address already in use")
	if after := p.a.shows("current-configuration"); after != before {
		t.Errorf("the configuration in force became:\n%s\nfrom:\n%s", after, before)
	}
	keepsServing(p.a)
	l.awaits(s)

	// The candidate still exists and can be committed when the port is free.
	testnet.Must(t, other.Close())
	p.a.types("commit", "return")
	p.b.configures("e-trunk ipv6 port 2000")
	p.forms(1)

	// A daemon that starts while the port is in use waits for it.
	p.a.crash()
	p.a.In(t, func() (err error) {
		other, err = new(net.ListenConfig).ListenPacket(t.Context(), "udp6", "[2001:db8:c::a]:2000")
		return err
	})
	p.a.start()
	eventually(t, "an alarm says so", func() error {
		names, err := p.a.alarms()
		if err == nil && !slices.Contains(names, "ETRUNK_NOT_LISTENING") {
			err = fmt.Errorf("alarms %v", names)
		}
		return err
	})
	testnet.Must(t, other.Close())
	p.forms(1)
}

// TestMulticastTableInUse: another routing daemon has the kernel's multicast table.
func TestMulticastTableInUse(t *testing.T) {
	p := newPair(t)
	var table *mroute.Table
	p.a.In(t, func() (err error) {
		table, err = mroute.Open(0)
		return err
	})
	defer table.Close()
	p.a.start()
	p.a.types(routing()[:len(routing())-1]...)
	contains(t, p.a.refuses("commit"), notApplied+"multicast routing: another daemon owns the IPv6 multicast forwarding table")
	if current := p.a.shows("current-configuration"); strings.Contains(current, "mld") {
		t.Errorf("the refused configuration is shown:\n%s", current)
	}
	if files := p.a.kernelFile("igmp6"); strings.Contains(files, upLink+" ff020000000000000000000000000016") {
		t.Error("the refused configuration listens for MLD")
	}

	testnet.Must(t, table.Close())
	p.a.types("commit", "return")
	s := p.stream(asmGroup)
	p.join(asmGroup, noSource).awaits(s)
}

// TestTableInUseAtRestart: if a configuration that was in force cannot be applied at a restart,
// the daemon ends with the reason; its supervisor tries again.
func TestTableInUseAtRestart(t *testing.T) {
	p := newPair(t)
	p.a.start(configuration("a")...)
	p.a.signal(syscall.SIGTERM)
	var table *mroute.Table
	p.a.In(t, func() (err error) {
		table, err = mroute.Open(0)
		return err
	})
	defer table.Close()
	status, said := p.a.run(p.a.command("-run", p.a.runDir(), "-state", p.a.path("state"), "-log", "error"))
	if status != 1 {
		t.Errorf("exit status %d", status)
	}
	oneLine(t, said)
	contains(t, said, "tandemd: multicast routing: another daemon owns the IPv6 multicast forwarding table")

	testnet.Must(t, table.Close())
	p.a.start()
	testnet.Must(t, p.a.listens(legLink, true))
}

// TestSecondDaemonInOneRunDirectory: the second daemon gets a one-line error about this, even
// if it has another reason to fail.
func TestSecondDaemonInOneRunDirectory(t *testing.T) {
	p := newPair(t)
	p.start()
	for _, wrapper := range [][]string{nil, {"setpriv", "--bounding-set", "-sys_nice"}} {
		second := p.a.command("-run", p.a.runDir(), "-state", p.a.path("other"))
		if wrapper != nil {
			second = exec.Command(wrapper[0], append(wrapper[1:], second.Args...)...)
		}
		status, said := p.a.run(second)
		if status != 1 {
			t.Errorf("%q: exit status %d", second.Args, status)
		}
		oneLine(t, said)
		contains(t, said, fmt.Sprintf("tandemd: another tandemd is running here: pid %d holds %s/tandemd.pid", p.a.process.cmd.Process.Pid, p.a.runDir()))
	}
	keepsServing(p.a)
}

// TestSecondDaemonInOneNamespace: a daemon with its own directories cannot share the kernel
// with the first one, and does not disturb it.
func TestSecondDaemonInOneNamespace(t *testing.T) {
	p := newPair(t)
	p.start()
	s := p.stream(asmGroup)
	l := p.join(asmGroup, noSource)
	l.awaits(s)
	file := p.a.path("device.cfg")
	status, said := p.a.run(p.a.command("-run", p.a.path("other-run"), "-state", p.a.path("other"), "-config", file))
	if status != 1 {
		t.Errorf("exit status %d", status)
	}
	contains(t, said, "multicast routing: another daemon owns the IPv6 multicast forwarding table")
	keepsServing(p.a)
	l.awaits(s)
	p.forms(1)
}

// TestNoCapability: a user without privileges gets a one-line error.
func TestNoCapability(t *testing.T) {
	p := newPair(t)
	const nobody = 65534
	credential := &syscall.Credential{Uid: nobody, Gid: nobody}
	probe := exec.Command("true")
	probe.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	if err := probe.Run(); err != nil {
		t.Skipf("cannot run anything as user %d: %v", nobody, err)
	}
	dir, err := os.MkdirTemp("", "pairtest-nobody-")
	testnet.Must(t, err)
	defer os.RemoveAll(dir)
	testnet.Must(t, os.Chown(dir, nobody, nobody))
	for what, args := range map[string][]string{
		"directories of its own": {"-run", dir + "/run", "-state", dir + "/state"},
		"directories of root":    {"-run", p.a.runDir(), "-state", p.a.path("state")},
	} {
		cmd := p.a.command(args...)
		cmd.Dir = "/"
		cmd.SysProcAttr.Credential = credential
		status, said := p.a.run(cmd)
		if status != 1 {
			t.Errorf("%s: exit status %d", what, status)
		}
		oneLine(t, said)
		contains(t, said, "tandemd: missing CAP_NET_ADMIN and CAP_NET_RAW (needed for ")
		contains(t, said, "run as root or grant them to the program")
	}
}
