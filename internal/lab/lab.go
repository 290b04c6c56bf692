package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"tandem/internal/probe"
)

// lab is a running lab.
type lab struct {
	plan
	topo   *topology
	lag    *lagSwitch
	keeper *keeper
}

// raise builds the network and starts the switch, but not the daemons.
func raise(p plan, logf func(string, ...any)) (*lab, error) {
	if k, alive := keeperAlive(p); alive && k.PID != os.Getpid() {
		return nil, fmt.Errorf("a lab is up already, kept by process %d: \"tandem-lab down\" removes it", k.PID)
	}
	if err := mayBuild(); err != nil {
		return nil, err
	}
	if found, err := takeDown(p); err != nil {
		return nil, fmt.Errorf("remains of an earlier lab: %w", err)
	} else if found {
		logf("removed what an earlier lab had left")
	}
	rec, err := newRecord(p)
	if err != nil {
		return nil, err
	}
	l := &lab{plan: p}
	if l.topo, err = buildTopology(p); err == nil && !p.lacp && !p.plain {
		l.lag, err = startSwitch(l.topo, func(d string, up bool) {
			logf("switch: leg to device %s is %s, hosts %s", d, map[bool]string{true: "up", false: "down"}[up], whereTo(d, up))
		})
	}
	if err == nil {
		l.keeper, err = newKeeper(l.topo, rec, logf)
	}
	if err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

func whereTo(device string, up bool) string {
	if up {
		return "are spread by hash"
	}
	return "go to device " + other(device)
}

// startDaemons starts both daemons and waits until their consoles answer.
func (l *lab) startDaemons(ctx context.Context) error {
	for _, d := range devices {
		if err := l.keeper.start(d); err != nil {
			return err
		}
	}
	for _, d := range devices {
		if err := l.answers(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// startLimit is how soon the console of a daemon must answer. In an emulated machine the daemon
// also waits for the machine's host.
var startLimit = func() time.Duration {
	if pace.emulated() {
		return pace.stretch(20 * time.Second)
	}
	return 10 * time.Second
}()

// answers waits until the console of a device answers.
func (l *lab) answers(ctx context.Context, device string) error {
	p := probe.New(l.socket(device), askTimeout)
	defer p.Close()
	err := poll(ctx, startLimit, func() error {
		_, err := p.Exec(ctx, "display version")
		return err
	})
	if err != nil {
		return fmt.Errorf("tandemd of device %s: %w\n%s", device, err, l.keeper.tail(device))
	}
	return nil
}

// close removes the lab.
func (l *lab) close() error {
	var errs []error
	if l.keeper != nil {
		l.keeper.stop()
	}
	if l.lag != nil {
		errs = append(errs, l.lag.close())
	}
	if l.topo != nil {
		errs = append(errs, l.topo.remove())
	}
	return errors.Join(append(errs, os.RemoveAll(l.dir))...)
}

// describe prints for a user how to use the lab.
func (l *lab) describe(w io.Writer) {
	enter := "ip netns exec "
	if rootless() {
		enter = fmt.Sprintf("nsenter -t %d -U --preserve-credentials -m ip netns exec ", os.Getpid())
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, d := range devices {
		fmt.Fprintf(tw, "%s\tdevice %s, tandemd pid %d\n", l.ns(d), strings.ToUpper(d), l.keeper.pid(d))
		fmt.Fprintf(tw, "\tconsole\ttandem -s %s\n", l.socket(d))
		fmt.Fprintf(tw, "\tlog\t%s\n", filepath.Join(l.deviceDir(d), "tandemd.log"))
		fmt.Fprintf(tw, "\t%s\t%s\tto the hosts, through the switch\n", legLink, deviceAddr("10", d))
		fmt.Fprintf(tw, "\t%s\t%s\tto the source\n", upstreamLink, deviceAddr("5", d))
		fmt.Fprintf(tw, "\t%s\t%s\tto the other device\n", coreLink, deviceAddr("c", d))
	}
	fmt.Fprintf(tw, "%s\tsource: send from\t%s\ton %s\n", l.ns("src"), sourceAddr, hostLink)
	fmt.Fprintf(tw, "\tbridge %s, MLD snooping and querier\tports %s, %s to the devices\n", bridgeLink, deviceA, deviceB)
	fmt.Fprintf(tw, "%s\tswitch %s\tports %s, %s, h1 to h%d\n", l.ns("ce"), bridgeLink, legPort(deviceA), legPort(deviceB), hostCount)
	fmt.Fprintf(tw, "%s\tpath between the devices\tbridge %s, ports %s, %s\n", l.ns("core"), bridgeLink, deviceA, deviceB)
	for h := 1; h <= hostCount; h++ {
		speaks := ""
		if h == v1Host {
			speaks = "MLDv1 only"
		}
		fmt.Fprintf(tw, "%s\thost, %s\t%s\t%s\n", l.ns(hostPart(h)), hostLink, hostAddr(h), speaks)
	}
	tw.Flush()
	fmt.Fprintf(w, "\nkeeper pid %d, state in %s\nenter with   %s%s COMMAND\nremove with  tandem-lab down\n",
		os.Getpid(), l.dir, enter, l.ns(hostPart(1)))
}
