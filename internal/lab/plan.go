package lab

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
)

// Names of the links. The device's own are those of the procedure files.
const (
	legLink      = "eth-trunk10"
	upstreamLink = "up0"
	coreLink     = "core0"
	bridgeLink   = "br0"
	portLink     = "port0" // of the Eth-Trunk, with LACP
	lagLink      = "lag"   // the switch's bond
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
	// etrunkID, ethTrunkID, serviceName and profileName are those of the procedure files.
	etrunkID    = 1
	ethTrunkID  = 10
	serviceName = "rbs1"
	profileName = "rbp1"
)

// sourceAddr sends every stream.
var sourceAddr = netip.MustParseAddr("2001:db8:5::10")

// stream is one group with the source that sends to it.
type stream struct {
	group netip.Addr
	// ssm streams are joined with their source, the others from any source.
	ssm bool
}

func (s stream) String() string {
	if s.ssm {
		return fmt.Sprintf("(%s, %s)", sourceAddr, s.group)
	}
	return fmt.Sprintf("(*, %s)", s.group)
}

// streams are sent all the time. Half of them hash to either device.
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

// membership is one host listening to one stream.
type membership struct {
	host   int // 1..hostCount
	stream stream
}

func (m membership) String() string { return fmt.Sprintf("h%d %s", m.host, m.stream.group) }

// memberships gives every stream two listeners: hosts 1 to 4 share the first
// four streams, hosts 5 to 8 the rest, because an MLDv1 host cannot name sources.
func memberships() []membership {
	var list []membership
	for i, s := range streams {
		block := i / 4 * 4
		list = append(list, membership{i + 1, s}, membership{block + (i+1)%4 + 1, s})
	}
	return list
}

// plan tells where a lab lives and of what kind it is.
type plan struct {
	prefix string // of the names of its namespaces
	dir    string // of its state
	// lacp: the switch and the devices have bonds that speak LACP, made by the
	// kernel, instead of a switch that the lab plays.
	lacp bool
}

// Environment variables by which a lab passes itself on to its own processes,
// and by which a second lab can live beside the first.
const (
	envPrefix = "TANDEM_LAB_PREFIX"
	envDir    = "TANDEM_LAB_DIR"
	envLACP   = "TANDEM_LAB_LACP"
)

// newPlan returns the plan of the caller's lab. Root's state is below /run; that
// of others in the directory for temporary files.
func newPlan() plan {
	p := plan{prefix: "tandem", dir: os.Getenv(envDir), lacp: os.Getenv(envLACP) != ""}
	if v := os.Getenv(envPrefix); v != "" {
		p.prefix = v
	}
	if p.dir != "" {
		return p
	}
	if os.Geteuid() == 0 {
		p.dir = filepath.Join("/run", p.prefix+"-lab")
	} else {
		p.dir = filepath.Join(os.TempDir(), fmt.Sprintf("%s-lab-%d", p.prefix, os.Getuid()))
	}
	return p
}

// legCable is the device's end of the cable to the switch.
func (p plan) legCable() string {
	if p.lacp {
		return portLink
	}
	return legLink
}

// ns is the name of the namespace of a part: a, b, ce, src, core, h1 to h8.
func (p plan) ns(part string) string { return p.prefix + "-" + part }

// deviceDir holds what belongs to a device's daemon.
func (p plan) deviceDir(device string) string { return filepath.Join(p.dir, device) }

// runDir is where a device's daemon puts its socket, pid file and list of legs.
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

// mac makes a locally administered address, the same in every lab: the hash of
// the switch then spreads the hosts over both legs in the same way each time.
func mac(kind, n byte) net.HardwareAddr { return net.HardwareAddr{2, 0, 0, 0, kind, n} }

// addresses of the links of a part.
func deviceAddr(network, device string) netip.Prefix {
	return netip.MustParsePrefix(fmt.Sprintf("2001:db8:%s::%s/64", network, device))
}

func hostAddr(h int) netip.Prefix {
	return netip.MustParsePrefix(fmt.Sprintf("2001:db8:10::1%d/64", h))
}
