package bfdloop_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/user"
	"strconv"
	"time"

	"tandem/internal/linux/testnet"
)

const bfddPath = "/usr/lib/frr/bfdd"

// bfdd is FRR's BFD daemon.
type bfdd struct{ rival }

func newBFDD(m *match) implementation {
	d := &bfdd{newRival(m)}
	testnet.Must(m.t, giveToFRR(d.dir))
	text := "bfd\n"
	for _, lines := range d.sessions(func(int) []string { return d.timing(m.interval) }) {
		for _, line := range lines {
			text += " " + line + "\n"
		}
	}
	d.write("bfdd.conf", text+"exit\n")
	return d
}

// giveToFRR makes the user of bfdd the owner of a directory.
func giveToFRR(dir string) error {
	owner, err := user.Lookup("frr")
	if err != nil {
		return err
	}
	uid, _ := strconv.Atoi(owner.Uid)
	gid, _ := strconv.Atoi(owner.Gid)
	return errors.Join(os.Chown(dir, uid, gid), os.Chmod(dir, 0o755))
}

// bfddArgs returns the arguments that make bfdd keep all its files in a directory.
func bfddArgs(dir string) []string {
	return []string{"-u", "frr", "-g", "frr", "-P", "0",
		"-f", dir + "/bfdd.conf", "-i", dir + "/pid", "-z", dir + "/zserv",
		"--vty_socket", dir, "--bfdctl", dir + "/control"}
}

// sessions lists the commands for both sessions, the given ones inside each.
func (d *bfdd) sessions(inside func(i int) []string) (list [][]string) {
	for i, s := range d.match.sessions {
		head := fmt.Sprintf("peer %v local-address %v", s.Local, s.Peer)
		if s.Multihop() {
			head = fmt.Sprintf("peer %v multihop local-address %v", s.Local, s.Peer)
		}
		list = append(list, append(append([]string{head}, inside(i)...), "exit"))
	}
	return list
}

func (*bfdd) timing(d time.Duration) []string {
	return []string{
		fmt.Sprintf("receive-interval %d", d.Milliseconds()),
		fmt.Sprintf("transmit-interval %d", d.Milliseconds()),
		fmt.Sprintf("detect-multiplier %d", multiplier),
	}
}

func (d *bfdd) start() {
	d.t.Helper()
	d.run(append([]string{bfddPath}, bfddArgs(d.dir)...)...)
}

// change gives commands to both sessions.
func (d *bfdd) change(commands ...string) {
	d.t.Helper()
	argv := []string{"vtysh", "--vty_socket", d.dir, "-c", "configure terminal", "-c", "bfd"}
	for _, lines := range d.sessions(func(int) []string { return commands }) {
		for _, line := range lines {
			argv = append(argv, "-c", line)
		}
	}
	_, err := d.output(argv...)
	testnet.Must(d.t, err)
}

func (d *bfdd) retime(i time.Duration) { d.change(d.timing(i)...) }

func (d *bfdd) admin(down bool) {
	if down {
		d.change("shutdown")
	} else {
		d.change("no shutdown")
	}
}

func (*bfdd) tellsAdminDown() bool { return true }

func (d *bfdd) show(peer netip.Addr) (view, error) {
	out, err := d.output("vtysh", "--vty_socket", d.dir, "-c", "show bfd peers json")
	if err != nil {
		return view{}, err
	}
	var peers []struct {
		Peer                   netip.Addr
		Status                 string
		ReceiveInterval        time.Duration `json:"receive-interval"`
		RemoteTransmitInterval time.Duration `json:"remote-transmit-interval"`
		RemoteDetectMultiplier time.Duration `json:"remote-detect-multiplier"`
	}
	if err := json.Unmarshal([]byte(out), &peers); err != nil {
		return view{}, fmt.Errorf("vtysh shows %q: %w", out, err)
	}
	for _, p := range peers {
		if p.Peer == peer {
			interval := max(p.ReceiveInterval, p.RemoteTransmitInterval) * time.Millisecond
			return view{p.Status == "up", p.RemoteDetectMultiplier * interval}, nil
		}
	}
	return view{}, fmt.Errorf("bfdd has no session with %v", peer)
}
