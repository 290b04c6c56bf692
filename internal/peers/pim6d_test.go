package peers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tandem/internal/instant"
	"tandem/internal/linux/testnet"
	"tandem/internal/pim"
)

// frrRoot returns the directory into which scripts/frr has unpacked FRR.
func frrRoot(t testing.TB) string {
	t.Helper()
	root := os.Getenv("TANDEM_FRR")
	if root == "" {
		root = "/var/cache/tandem/frr"
	}
	if _, err := os.Stat(root + "/usr/lib/frr/pim6d"); err != nil {
		t.Skip("needs pim6d: scripts/frr unpacks it")
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root: makes network namespaces")
	}
	return root
}

// core is a router of the core network: FRR's zebra and pim6d in a node.
type core struct {
	t    testing.TB
	node *testnet.Node
	root string // root of the file system that FRR runs in
	dir  string // directory of its sockets, as FRR sees it
	cmds map[string]*exec.Cmd
}

// newCore starts FRR in a node with a configuration.
func newCore(t testing.TB, n *testnet.Node, config string) *core {
	t.Helper()
	c := &core{t: t, node: n, root: frrRoot(t), cmds: map[string]*exec.Cmd{}}
	testnet.Must(t, n.EnableForwarding())
	dir, err := os.MkdirTemp(c.root+"/tmp", "core")
	testnet.Must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	c.dir = "/tmp/" + filepath.Base(dir)
	testnet.Must(t, os.Chmod(dir, 0o777))
	for _, daemon := range []string{"zebra", "pim6d"} {
		text := ""
		if daemon == "pim6d" {
			text = config
		}
		testnet.Must(t, os.WriteFile(dir+"/"+daemon+".conf", []byte(text), 0o644))
		c.start(daemon)
		c.await(daemon+" answers", func() bool { return c.ask("-d", daemon, "-c", "show version") != "" })
	}
	return c
}

// start starts a daemon. Its output goes to a file, which a failed test shows.
func (c *core) start(daemon string) {
	c.t.Helper()
	out, err := os.CreateTemp(c.t.TempDir(), daemon)
	testnet.Must(c.t, err)
	cmd := exec.Command("/usr/lib/frr/"+daemon, "-u", "frr", "-g", "frr", "-P", "0", "-f", c.dir+"/"+daemon+".conf",
		"-i", c.dir+"/"+daemon+".pid", "-z", c.dir+"/zserv", "--vty_socket", c.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: c.root}
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", out, out
	testnet.Must(c.t, c.node.Start(cmd))
	c.cmds[daemon] = cmd
	c.t.Cleanup(func() {
		c.kill(cmd)
		if text, err := os.ReadFile(out.Name()); err == nil && c.t.Failed() {
			c.t.Logf("%s said:\n%s", daemon, text)
		}
	})
}

func (c *core) kill(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}

// restart kills pim6d and starts it again.
func (c *core) restart() {
	c.t.Helper()
	c.kill(c.cmds["pim6d"])
	c.start("pim6d")
}

// ask runs vtysh and returns its output, or nothing if it fails.
func (c *core) ask(args ...string) string {
	cmd := exec.Command("/usr/bin/vtysh", append([]string{"--vty_socket", c.dir}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: c.root}
	cmd.Dir = "/"
	var out bytes.Buffer
	cmd.Stdout = &out
	if c.node.Run(cmd) != nil || strings.Contains(out.String(), "failed to connect") {
		return ""
	}
	return out.String()
}

// show runs a show command of pim6d and decodes its JSON.
func (c *core) show(what string) map[string]any {
	var shown map[string]any
	if json.Unmarshal([]byte(c.ask("-d", "pim6d", "-c", "show ipv6 pim "+what+" json")), &shown) != nil {
		return nil
	}
	return shown
}

// await waits until ok returns true.
func (c *core) await(what string, ok func() bool) {
	c.t.Helper()
	start := time.Now()
	defer func() { c.t.Logf("%v until %s", time.Since(start).Round(time.Millisecond), what) }()
	for end := start.Add(20 * time.Second); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("not so after 20 s: %s\n%s", what, c.ask("-d", "pim6d", "-c", "show ipv6 pim neighbor", "-c", "show ipv6 pim join", "-c", "show ipv6 pim upstream", "-c", "show ipv6 pim state"))
		}
	}
}

// hasNeighbor reports whether pim6d has a neighbor on an interface.
func (c *core) hasNeighbor(iface string, a netip.Addr) bool {
	of, _ := c.show("neighbor")[iface].(map[string]any)
	_, has := of[a.String()]
	return has
}

// joins returns the joins that pim6d has received on an interface, as "source group".
func (c *core) joins(iface string) (list []string) {
	of, _ := c.show("join")[iface].(map[string]any)
	for group, sources := range of {
		sources, isGroup := sources.(map[string]any)
		if _, err := netip.ParseAddr(group); err != nil || !isGroup {
			continue
		}
		for source, state := range sources {
			if fields, is := state.(map[string]any); is && fields["channelJoinName"] == "JOIN" {
				list = append(list, source+" "+group)
			}
		}
	}
	slices.Sort(list)
	return list
}

// received counts the packets to a group that arrive at a node on a link during a time.
func received(t testing.TB, n *testnet.Node, link string, group netip.Addr, while time.Duration) (count int) {
	t.Helper()
	frames := n.Capture(t, link)
	time.Sleep(while)
	to := group.As16()
	for _, f := range frames() {
		if len(f) > ethernet+ipv6Header && bytes.Equal(f[ethernet+24:ethernet+40], to[:]) && f[ethernet+6] == 17 {
			count++
		}
	}
	return count
}

// stream sends packets of the source to a group, 100 a second, until the test ends.
func stream(t testing.TB, n *testnet.Net, group netip.Addr) {
	t.Helper()
	s := n.Sender(t)
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			s.Send(group)
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-ended })
}

// below returns a network in which pim6d is the router of the source, and Tandem's router
// is downstream of it. config is the configuration of "router pim6". It waits until both
// are neighbors.
func below(t *testing.T, cfg pim.Config, config string) (n *testnet.Net, c *core, s *speaker) {
	t.Helper()
	frrRoot(t)
	n = testnet.New(t)
	testnet.Must(t, n.Router.Links.AddAddress("u0", netip.PrefixFrom(routerAddress, 64)))
	c = newCore(t, n.Router, "interface u0\n ipv6 pim\nexit\ninterface d0\n ipv6 pim\nexit\n"+config)
	ours, theirs := testnet.AwaitLinkLocal(t, n.Hosts[0], "h0").LinkLocal, n.Down0.LinkLocal
	s = speak(t, n.Hosts[0], cfg, "h0")
	c.await("pim6d is our neighbor", func() bool { return slices.Contains(s.neighbors(), theirs) })
	c.await("we are pim6d's neighbor", func() bool { return c.hasNeighbor("d0", ours) })
	s.route(testnet.Source, pim.NextHop{Interface: "h0", Gateway: theirs})
	s.route(routerAddress, pim.NextHop{Interface: "h0", Gateway: theirs})
	return n, c, s
}

// routerAddress is the address of pim6d on the link of the source.
var routerAddress = testnet.Source.Next()

// TestPIM6DJoins uses FRR's pim6d as the first-hop router of an SSM stream. Both become
// neighbors. pim6d obeys Tandem's join and prune. After pim6d was killed and started
// again, a join arrives before the regular refresh is due.
func TestPIM6DJoins(t *testing.T) {
	n, c, s := below(t, pim.DefaultConfig(), "")
	us, group := n.Hosts[0], netip.MustParseAddr("ff3e::8000:1")
	stream(t, n, group)
	want := []string{fmt.Sprintf("%v %v", testnet.Source, group)}
	s.want(group, pim.Wants{Sources: []netip.Addr{testnet.Source}})
	c.await("pim6d has our join", func() bool { return slices.Equal(c.joins("d0"), want) })
	c.await("the stream comes", func() bool { return received(t, us, "h0", group, 200*time.Millisecond) > 10 })

	s.want(group, pim.Wants{})
	c.await("pim6d has our prune", func() bool { return len(c.joins("d0")) == 0 })
	c.await("the stream ends", func() bool { return received(t, us, "h0", group, 200*time.Millisecond) == 0 })

	s.want(group, pim.Wants{Sources: []netip.Addr{testnet.Source}})
	c.await("pim6d has our join again", func() bool { return slices.Equal(c.joins("d0"), want) })
	c.restart()
	c.await("the stream comes from a pim6d that has started again", func() bool {
		return slices.Equal(c.joins("d0"), want) && received(t, us, "h0", group, 200*time.Millisecond) > 10
	})
	s.refused()
}

// TestPIM6DSharedTree uses pim6d as the RP, configured on both sides. The stream comes on
// the shared tree, unless its source is excluded. After the switch it comes on the tree
// of the source.
func TestPIM6DSharedTree(t *testing.T) {
	cfg := pim.DefaultConfig()
	cfg.StaticRPs = []pim.StaticRP{{RP: routerAddress}}
	n, c, s := below(t, cfg, fmt.Sprintf("router pim6\n rp %v ff1e::/16\nexit\n", routerAddress))
	us, group := n.Hosts[0], netip.MustParseAddr("ff1e::1")
	stream(t, n, group)
	comes := func() bool { return received(t, us, "h0", group, 200*time.Millisecond) > 10 }
	shared, source := fmt.Sprintf("* %v", group), fmt.Sprintf("%v %v", testnet.Source, group)
	s.want(group, pim.Wants{Any: true, Sources: []netip.Addr{testnet.Source}})
	c.await("pim6d has our join of the shared tree", func() bool { return slices.Contains(c.joins("d0"), shared) })
	c.await("the excluded stream does not come", func() bool { return received(t, us, "h0", group, 200*time.Millisecond) == 0 })
	s.want(group, pim.Wants{Any: true})
	c.await("the stream comes", comes)
	s.do(func(now instant.Time, r *pim.Router, fx *pim.Effects) { r.Flow(now, testnet.Source, group, "h0", fx) })
	c.await("pim6d has our join of the source's tree", func() bool { return slices.Equal(c.joins("d0"), []string{shared, source}) })
	c.await("the stream still comes", comes)
	s.want(group, pim.Wants{})
	c.await("pim6d has both prunes", func() bool { return len(c.joins("d0")) == 0 })
	s.refused()
}
