package pairtest

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"tandem/internal/linux/links"
	"tandem/internal/linux/testnet"
)

// openVSwitch is Open vSwitch as the access switch, in a namespace of its own. Its LACP
// and its forwarding are not the kernel's: a process reads and writes frames at packet
// sockets.
type openVSwitch struct {
	t    *testing.T
	node *testnet.Node
	dir  string
}

// hostPort is the port to the host, vswitch the bridge.
const (
	hostPort = "host"
	vswitch  = "ovs"
)

// newOpenVSwitch starts the switch with a bond over both legs, which hashes by layers 3
// and 4 like the kernel's. The legs must exist already.
func newOpenVSwitch(t *testing.T, node *testnet.Node) *openVSwitch {
	t.Helper()
	s := &openVSwitch{t, node, t.TempDir()}
	s.run("ovsdb-tool", "create", s.path("db"), "/usr/share/openvswitch/vswitch.ovsschema")
	s.start("ovsdb-server", "--remote=punix:"+s.path("db.sock"), s.path("db"))
	s.configure("--no-wait", "init")
	s.start("ovs-vswitchd", "unix:"+s.path("db.sock"))
	s.configure("add-br", vswitch, "--", "set", "bridge", vswitch, "datapath_type=netdev", "--",
		"add-port", vswitch, hostPort, "--",
		"add-bond", vswitch, lagLink, "leg-a", "leg-b", "lacp=active", "bond_mode=balance-tcp", "other_config:lacp-time=fast")
	return s
}

// requireOpenVSwitch skips the test if its programs are not installed.
func requireOpenVSwitch(t *testing.T) {
	t.Helper()
	for _, program := range []string{"ovs-vswitchd", "ovsdb-server", "ovsdb-tool", "ovs-vsctl", "ovs-appctl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs Open vSwitch (Debian package openvswitch-switch): %v", err)
		}
	}
}

func (s *openVSwitch) path(name string) string { return s.dir + "/" + name }

// start starts one of the switch's two daemons, until the test ends.
func (s *openVSwitch) start(name string, args ...string) {
	s.t.Helper()
	cmd := exec.Command(name, append([]string{"--unixctl=" + s.path(name+".control")}, args...)...)
	var said strings.Builder
	cmd.Stderr = &said
	testnet.Must(s.t, s.node.Start(cmd))
	s.t.Cleanup(func() {
		if _, _ = cmd.Process.Kill(), cmd.Wait(); s.t.Failed() {
			s.t.Logf("%s said:\n%s", name, &said)
		}
	})
}

// configure changes the switch and waits until the change is in force.
func (s *openVSwitch) configure(args ...string) {
	s.t.Helper()
	s.run("ovs-vsctl", append([]string{"--retry", "--timeout=20", "--db=unix:" + s.path("db.sock")}, args...)...)
}

func (s *openVSwitch) run(name string, args ...string) {
	s.t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		s.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

func (s *openVSwitch) shows(what ...string) (string, error) {
	out, err := exec.Command("ovs-appctl", append([]string{"--target=" + s.path("ovs-vswitchd.control"), "--timeout=5"}, what...)...).CombinedOutput()
	return string(out), err
}

func (s *openVSwitch) legs() *testnet.Node { return s.node }

// enabledMember matches the ports that the bond uses. Ports with another LACP system than
// the first port are not used.
var enabledMember = regexp.MustCompile(`(?m)^(?:member|slave) leg-(\w+): enabled$`)

func (s *openVSwitch) members() (devices []string, err error) {
	text, err := s.shows("bond/show", lagLink)
	if err == nil && !strings.Contains(text, "lacp_status: negotiated") {
		return nil, errors.New("LACP is not negotiated")
	}
	for _, m := range enabledMember.FindAllStringSubmatch(text, -1) {
		devices = append(devices, m[1])
	}
	slices.Sort(devices)
	return devices, err
}

func (s *openVSwitch) describe() string {
	var b strings.Builder
	for _, what := range [][]string{{"bond/show", lagLink}, {"lacp/show", lagLink}, {"dpctl/dump-flows"}} {
		text, err := s.shows(what...)
		fmt.Fprintln(&b, text, err)
	}
	return b.String()
}

// finishChecksums makes an interface compute the checksums of the packets that it sends,
// like a network card. A veth leaves them to the receiving kernel; Open vSwitch passes
// packets on unchanged, and the host would drop them.
func finishChecksums(t *testing.T, n *testnet.Node, link string) {
	t.Helper()
	n.In(t, func() error {
		fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		const setTxChecksum = 0x17           // ETHTOOL_STXCSUM
		value := [2]uint32{setTxChecksum, 0} // struct ethtool_value
		request := struct {                  // struct ifreq
			name [unix.IFNAMSIZ]byte
			data unsafe.Pointer
			_    [16]byte
		}{data: unsafe.Pointer(&value)}
		copy(request.name[:], link)
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request))); errno != 0 {
			return fmt.Errorf("%s: finish checksums: %w", link, errno)
		}
		return nil
	})
}

// newOpenVSwitchPair returns a pair below Open vSwitch.
func newOpenVSwitchPair(t *testing.T) *lagPair {
	t.Helper()
	requireBonding(t, testnet.NewNode(t).Links)
	requireOpenVSwitch(t)
	n := newLegless(t)
	node := testnet.NewNode(t)
	testnet.Cable(t, n.host, "eth0", node, hostPort)
	testnet.Must(t, n.host.Links.AddPort(bridge, "eth0", links.PortOptions{}))
	for d, device := range n.nodes {
		testnet.Cable(t, node, "leg-"+d, device, portLink)
		finishChecksums(t, device, portLink)
	}
	return &lagPair{pair: &pair{n, newDevice(t, "a", n.nodes["a"]), newDevice(t, "b", n.nodes["b"])}, lag: newOpenVSwitch(t, node)}
}

// TestAggregateOfOpenVSwitch is the main scenario with another make of switch: its
// aggregate has both devices, and the listeners behind it are served while each device
// dies and returns.
func TestAggregateOfOpenVSwitch(t *testing.T) {
	p := newOpenVSwitchPair(t)
	p.start()
	t.Logf("one aggregate over both devices after %v", p.aggregates("a", "b"))
	src, listeners := p.serves()
	served := func(by ...string) {
		t.Helper()
		p.aggregates(by...)
		for _, l := range listeners {
			l.awaits(src)
		}
	}
	for d, left := range map[*device]string{p.a: "b", p.b: "a"} {
		from := src.position()
		d.crash()
		served(left)
		died := src.position()
		d.start()
		served("a", "b")
		p.forms(len(listeners))
		p.counts("tandemd of "+d.name+" killed and back empty", listeners, from, died, src.position())
	}
}
