package lab

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
)

// Names of the links. Those of a device are in the procedure files, too.
const (
	legLink      = "eth-trunk10"
	upstreamLink = "up0"
	coreLink     = "core0"
	bridgeLink   = "br0"
	portLink     = "port0" // port of the Eth-Trunk, with LACP
	lagLink      = "lag"   // bond of the switch
	hostLink     = "eth0"
)

// The two devices.
const (
	deviceA = "a"
	deviceB = "b"
)

var devices = [...]string{deviceA, deviceB}

func other(device string) string {
	if device == deviceA {
		return deviceB
	}
	return deviceA
}

const (
	hostCount = 8
	// v1Host speaks MLDv1 only.
	v1Host = 8
	// rbsPort is the port of the remote backup service in the procedure files.
	rbsPort = 7000
	// dataPort is the UDP port of the streams.
	dataPort = 5000
	// The objects in the procedure files.
	etrunkID    = 1
	ethTrunkID  = 10
	serviceName = "rbs1"
	profileName = "rbp1"
)

// sourceAddr is the source address of every stream.
var sourceAddr = netip.MustParseAddr("2001:db8:5::10")

// stream is one group with the source that sends to it.
type stream struct {
	group netip.Addr
	// ssm says that hosts join the stream with its source; otherwise they join any
	// source.
	ssm bool
}

func (s stream) String() string {
	if s.ssm {
		return fmt.Sprintf("(%s, %s)", sourceAddr, s.group)
	}
	return fmt.Sprintf("(*, %s)", s.group)
}

// streams are sent all the time. The hash gives each device half of them.
var streams = []stream{
	{netip.MustParseAddr("ff3e::8000:5"), true},
	{netip.MustParseAddr("ff3e::8000:6"), true},
	{netip.MustParseAddr("ff3e::8000:7"), true},
	{netip.MustParseAddr("ff3e::8000:8"), true},
	{netip.MustParseAddr("ff1e::108"), false},
	{netip.MustParseAddr("ff1e::109"), false},
	{netip.MustParseAddr("ff1e::10a"), false},
	{netip.MustParseAddr("ff1e::10b"), false},
}

// groupsOf lists the groups of streams.
func groupsOf(list []stream) []netip.Addr {
	groups := make([]netip.Addr, len(list))
	for i, s := range list {
		groups[i] = s.group
	}
	return groups
}

// membership is one listener: a host and its stream.
type membership struct {
	host   int // 1..hostCount
	stream stream
}

func (m membership) String() string { return fmt.Sprintf("h%d %s", m.host, m.stream.group) }

// memberships gives every stream two listeners. Hosts 1 to 4 listen to the first four streams,
// hosts 5 to 8 to the others, because an MLDv1 host cannot name sources.
func memberships() []membership {
	var list []membership
	for i, s := range streams {
		block := i / 4 * 4
		list = append(list, membership{i + 1, s}, membership{block + (i+1)%4 + 1, s})
	}
	return list
}

// plan says where a lab is and what kind of lab it is.
type plan struct {
	prefix string // prefix of the names of its namespaces
	dir    string // directory of its state
	// lacp says that the switch and the devices use bonds of the kernel that speak LACP.
	// Otherwise the lab itself acts as the switch.
	lacp bool
	// plain says that the legs are two ports of a plain VLAN, without a LAG, so that both
	// devices receive the reports of every host.
	plain bool
}

// Environment variables that tell the processes of a lab which lab they belong to. With them a
// second lab can exist beside the first.
const (
	envPrefix = "TANDEM_LAB_PREFIX"
	envDir    = "TANDEM_LAB_DIR"
	envLACP   = "TANDEM_LAB_LACP"
	envPlain  = "TANDEM_LAB_PLAIN"
)

// newPlan returns the plan of the caller's lab. Root's lab keeps its state in /run. The
// lab of another user keeps it in the user's runtime directory, or in the directory for
// temporary files if there is none.
func newPlan() plan {
	p := plan{prefix: "tandem", dir: os.Getenv(envDir), lacp: os.Getenv(envLACP) != "", plain: os.Getenv(envPlain) != ""}
	if v := os.Getenv(envPrefix); v != "" {
		p.prefix = v
	}
	if p.dir != "" {
		return p
	}
	switch own := os.Getenv("XDG_RUNTIME_DIR"); {
	case os.Geteuid() == 0:
		p.dir = filepath.Join("/run", p.prefix+"-lab")
	case own != "":
		p.dir = filepath.Join(own, p.prefix+"-lab")
	default:
		p.dir = filepath.Join(os.TempDir(), fmt.Sprintf("%s-lab-%d", p.prefix, os.Getuid()))
	}
	return p
}

// legCable returns the device's end of the cable to the switch.
func (p plan) legCable() string {
	if p.lacp {
		return portLink
	}
	return legLink
}

// ns returns the name of the namespace of a part: a, b, ce, src, core, h1 to h8.
func (p plan) ns(part string) string { return p.prefix + "-" + part }

// deviceDir returns the directory of a device's daemon.
func (p plan) deviceDir(device string) string { return filepath.Join(p.dir, device) }

// runDir is the run directory of a device's daemon, with its socket, pid file and list of legs.
func (p plan) runDir(device string) string { return filepath.Join(p.deviceDir(device), "run") }

func (p plan) socket(device string) string { return filepath.Join(p.runDir(device), "console.sock") }

// parts lists the namespaces in the order in which they are built.
func parts() []string {
	list := []string{"ce", "src", "core", deviceA, deviceB}
	for h := 1; h <= hostCount; h++ {
		list = append(list, hostPart(h))
	}
	return list
}

func hostPart(h int) string { return fmt.Sprintf("h%d", h) }

// mac returns a locally administered address. It is the same in every lab, so the hash of
// the switch distributes the hosts over the legs in the same way each time.
func mac(kind, n byte) net.HardwareAddr { return net.HardwareAddr{2, 0, 0, 0, kind, n} }

// deviceAddr and the next functions return the addresses of a part's links.
func deviceAddr(network, device string) netip.Prefix {
	return netip.MustParsePrefix(fmt.Sprintf("2001:db8:%s::%s/64", network, device))
}

func hostAddr(h int) netip.Prefix {
	return netip.MustParsePrefix(fmt.Sprintf("2001:db8:10::1%d/64", h))
}
