package pairtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/testnet"
)

// machine is a copy of this machine; changes are only in memory.
type machine struct {
	t    *testing.T
	root string
}

// newMachine mounts an overlay in memory over the root file system.
func newMachine(t *testing.T) *machine {
	t.Helper()
	for _, tool := range []string{"dpkg", "dpkg-deb", "setpriv", "chroot"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s", tool)
		}
	}
	memory := t.TempDir()
	m := &machine{t: t, root: filepath.Join(memory, "root")}
	mount := func(source, target, kind string, flags uintptr, data string) {
		t.Helper()
		testnet.Must(t, os.MkdirAll(target, 0o755))
		if err := unix.Mount(source, target, kind, flags, data); err != nil {
			t.Skipf("needs to mount %s: %v", kind, err)
		}
		t.Cleanup(func() { _ = unix.Unmount(target, unix.MNT_DETACH) })
	}
	over := filepath.Join(memory, "over")
	mount("tmpfs", over, "tmpfs", 0, "mode=755")
	upper, work := filepath.Join(over, "upper"), filepath.Join(over, "work")
	testnet.Must(t, os.Mkdir(upper, 0o755))
	testnet.Must(t, os.Mkdir(work, 0o755))
	mount("overlay", m.root, "overlay", 0, "lowerdir=/,upperdir="+upper+",workdir="+work)
	mount("proc", filepath.Join(m.root, "proc"), "proc", 0, "")
	mount("/dev", filepath.Join(m.root, "dev"), "", unix.MS_BIND|unix.MS_REC, "")
	return m
}

// run runs a program of the machine and returns its output.
func (m *machine) run(argv ...string) string {
	m.t.Helper()
	cmd := exec.Command("chroot", append([]string{m.root}, argv...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "PATH=/usr/sbin:/usr/bin:/sbin:/bin")
	out, err := cmd.CombinedOutput()
	if err != nil {
		m.t.Fatalf("%v: %v\n%s", argv, err, out)
	}
	return string(out)
}

func (m *machine) path(name string) string { return filepath.Join(m.root, name) }

// makePackage builds the package as `make package` does and puts it on the machine.
func (m *machine) makePackage() string {
	m.t.Helper()
	dist := m.t.TempDir()
	cmd := exec.Command("../../scripts/package", dist)
	if out, err := cmd.CombinedOutput(); err != nil {
		m.t.Fatalf("scripts/package: %v\n%s", err, out)
	}
	for _, pattern := range []string{"/*.tar.gz", "/*.deb"} {
		found, _ := filepath.Glob(dist + pattern)
		if len(found) != 1 {
			m.t.Fatalf("%s: %v", pattern, found)
		}
		if pattern == "/*.deb" {
			content, err := os.ReadFile(found[0])
			testnet.Must(m.t, err)
			testnet.Must(m.t, os.WriteFile(m.path("tandem.deb"), content, 0o644))
		}
	}
	return "/tandem.deb"
}

var unitSetting = regexp.MustCompile(`(?m)^(\w+)=(.*)$`)

// unit returns the settings of the unit file, as systemd reads them.
func (m *machine) unit() map[string]string {
	m.t.Helper()
	text, err := os.ReadFile(m.path("usr/lib/systemd/system/tandemd.service"))
	testnet.Must(m.t, err)
	settings := make(map[string]string)
	for _, s := range unitSetting.FindAllStringSubmatch(string(text), -1) {
		settings[s[1]] = s[2]
	}
	return settings
}

// daemon returns the command of the unit's ExecStart, with only the unit's capabilities.
func (m *machine) daemon() *exec.Cmd {
	unit := m.unit()
	caps := strings.ToLower(strings.ReplaceAll(unit["CapabilityBoundingSet"], "CAP_", "+"))
	argv := []string{m.root, "setpriv", "--no-new-privs", "--inh-caps=-all",
		"--bounding-set=-all," + strings.Join(strings.Fields(caps), ",")}
	for _, word := range strings.Fields(unit["ExecStart"]) {
		if word != "$OPTIONS" {
			argv = append(argv, word)
		}
	}
	cmd := exec.Command("chroot", argv...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// TestPackage installs the Debian package, runs the unit's command with the unit's
// capabilities, upgrades it under traffic, and purges it.
func TestPackage(t *testing.T) {
	p := newPair(t)
	m := newMachine(t)
	deb := m.makePackage()
	m.run("dpkg", "-i", deb)
	if out := m.run("bash", "-c", `. /usr/share/bash-completion/completions/tandem
		COMP_WORDS=(tandem upg) COMP_CWORD=1; _tandem; echo "${COMPREPLY[@]}"`); strings.TrimSpace(out) != "upgrade-check" {
		t.Errorf("completion of upg: %q", out)
	}
	var programs []string
	for file := range strings.Lines(m.run("dpkg", "-L", "tandem")) {
		if file = strings.TrimSpace(file); strings.Contains(file, "bin/") {
			programs = append(programs, file)
		}
	}
	slices.Sort(programs)
	if want := []string{"/usr/bin/tandem", "/usr/sbin/tandemd"}; !slices.Equal(programs, want) {
		t.Errorf("the package has the programs %q, want %q", programs, want)
	}
	if pages, _ := filepath.Glob(m.path("usr/share/man/man*/tandem*.gz")); len(pages) == 0 {
		t.Error("no man page is installed")
	}

	for _, file := range []string{"prometheus", "grafana", "wireshark"} {
		if found, _ := filepath.Glob(m.path("usr/share/tandem/" + file + "/*")); len(found) == 0 {
			t.Errorf("nothing of contrib/%s is installed", file)
		}
	}
	if out := m.run("tandem", "version"); !strings.Contains(out, "Tandem 0.") {
		t.Errorf("version: %s", out)
	}

	// The installed configuration works unchanged; then the device is configured.
	p.a.installed = m.path("run/tandem")
	p.a.launch(m.daemon())
	p.a.connect()
	if out := m.run("tandem", "-c", "display version"); !strings.Contains(out, "Tandem") {
		t.Errorf("display version: %s", out)
	}
	p.a.types(configuration("a")...)
	p.b.start(configuration("b")...)
	p.forms(0)
	const streams = 100
	l := p.startLoad(streams)
	p.forms(streams)

	from := l.steady()
	m.run("dpkg", "-i", deb) // over the installed package, as for a later version
	p.a.succeeded(0)
	p.forms(streams)
	l.unbroken(from, "the upgrade")

	m.run("dpkg", "-P", "tandem")
	p.a.ends(syscall.SIGTERM)
	if p.a.exitStatus != 0 {
		t.Errorf("the daemon of the purged package ended with status %d", p.a.exitStatus)
	}
	for _, pattern := range []string{"usr/*bin/tandem*", "etc/tandem*", "etc/default/tandem*", "var/lib/tandem*", "run/tandem*",
		"usr/share/doc/tandem*", "usr/share/tandem*", "usr/share/man/man*/tandem*", "usr/share/*/*completions/*tandem*", "usr/lib/systemd/system/tandem*"} {
		if left, _ := filepath.Glob(m.path(pattern)); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

// TestUnit: systemd understands every line of the unit.
func TestUnit(t *testing.T) {
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("needs systemd-analyze")
	}
	text, err := os.ReadFile("../../packaging/tandemd.service")
	testnet.Must(t, err)
	file := filepath.Join(t.TempDir(), "tandemd.service")
	// The programs are not installed on this machine.
	testnet.Must(t, os.WriteFile(file, []byte(regexp.MustCompile(`/usr/s?bin/tandemd?\b`).ReplaceAllString(string(text), "/bin/true")), 0o644))
	out, err := exec.Command(tool, "verify", "--man=no", file).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestUnitAllowsSockets: the unit allows every kind of socket that a device in a pair has open.
func TestUnitAllowsSockets(t *testing.T) {
	text, err := os.ReadFile("../../packaging/tandemd.service")
	testnet.Must(t, err)
	allowed := strings.Fields(regexp.MustCompile(`(?m)^RestrictAddressFamilies=(.*)$`).FindStringSubmatch(string(text))[1])
	p := newPair(t)
	p.start()
	p.forms(0)
	used := p.a.process.addressFamilies(t)
	for _, family := range used {
		if !slices.Contains(allowed, family) {
			t.Errorf("the device has a socket of %s, the unit allows %v", family, allowed)
		}
	}
	if !slices.Contains(used, "AF_PACKET") || !slices.Contains(used, "AF_NETLINK") {
		t.Errorf("sockets of %v only", used)
	}
}

// addressFamilies returns the address families of a daemon's open sockets.
func (p *process) addressFamilies(t *testing.T) (families []string) {
	t.Helper()
	proc := fmt.Sprintf("/proc/%d/", p.cmd.Process.Pid)
	files, err := os.ReadDir(proc + "fd")
	testnet.Must(t, err)
	inodes := make(map[string]bool)
	for _, f := range files {
		link, _ := os.Readlink(proc + "fd/" + f.Name())
		if inode, ok := strings.CutPrefix(link, "socket:["); ok {
			inodes[strings.TrimSuffix(inode, "]")] = true
		}
	}
	for list, family := range map[string]string{"packet": "AF_PACKET", "raw6": "AF_INET6", "udp6": "AF_INET6", "tcp6": "AF_INET6",
		"tcp": "AF_INET", "netlink": "AF_NETLINK", "unix": "AF_UNIX"} {
		sockets, err := os.ReadFile(proc + "net/" + list)
		testnet.Must(t, err)
		if slices.ContainsFunc(strings.Fields(string(sockets)), func(field string) bool { return inodes[field] }) {
			families = append(families, family)
		}
	}
	return families
}

// TestContainerlab: the devices of the containerlab topology accept their configuration, as far
// as this kernel supports it.
func TestContainerlab(t *testing.T) {
	for _, name := range []string{"a", "b"} {
		text, err := os.ReadFile("../../packaging/containerlab/" + name + ".cfg")
		testnet.Must(t, err)
		d := newDevice(t, name, testnet.NewNode(t))
		d.start(strings.Split(strings.TrimSpace(string(text)), "\n")...)
		contains(t, d.shows("current-configuration"), "remote-backup-profile rbp1")
		d.signal(syscall.SIGTERM)
	}
}
