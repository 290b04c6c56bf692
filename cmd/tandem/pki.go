package main

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tandem/internal/pki"
)

// makeCertificates makes the authority and the certificates of a pair.
func makeCertificates(args []string) int {
	fs := flag.NewFlagSet("tandem pki", flag.ContinueOnError)
	dir := fs.String("dir", "tandem-pki", "`directory` to make, or without such files yet")
	days := fs.Int("days", 3650, "how many `days` the certificates are good for")
	fs.Usage = func() {
		fmt.Fprintln(fs.Output(), `usage: tandem pki [-dir DIR] [-days N] NAME=ADDRESS NAME=ADDRESS

Make the certificates with which a pair speaks TLS on its replication channel: an
authority, and a certificate for each device, whose ADDRESS is its source-ipv6.`)
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil {
		return exitUsage
	}
	devices, err := devicesOf(fs.Args())
	if err != nil || *days <= 0 {
		if err != nil {
			fmt.Fprintln(os.Stderr, "tandem pki:", err)
		}
		fs.Usage()
		return exitUsage
	}
	// Valid from an hour ago, for a device whose clock is behind.
	start := time.Now().Add(-time.Hour)
	if err := pki.Make(*dir, devices, start, time.Duration(*days)*24*time.Hour+time.Hour); err != nil {
		fmt.Fprintln(os.Stderr, "tandem pki:", err)
		return exitRefused
	}
	for _, d := range devices {
		fmt.Printf("%s (%v): copy %s, %s and %s to it, then\n", d.Name, d.Address, pki.CAFile, pki.CertificateFile(d.Name), pki.KeyFile(d.Name))
		fmt.Printf("  ssl policy pair\n   trusted-ca load pem-ca /PATH/%s\n   certificate load pem-cert /PATH/%s key-file /PATH/%s\n",
			pki.CAFile, pki.CertificateFile(d.Name), pki.KeyFile(d.Name))
		fmt.Print("  remote-backup-service NAME\n   bind ssl-policy pair\n")
	}
	fmt.Printf("Keep %s away from both: whoever has it can join the pair.\n", filepath.Join(*dir, pki.CAKeyFile))
	return exitDone
}

func devicesOf(args []string) ([]pki.Device, error) {
	if len(args) != 2 {
		return nil, fmt.Errorf("two devices are needed, %d given", len(args))
	}
	var devices []pki.Device
	for _, arg := range args {
		name, address, ok := strings.Cut(arg, "=")
		a, err := netip.ParseAddr(address)
		switch {
		case !ok || name == "" || name != filepath.Base(name) || name == "ca":
			return nil, fmt.Errorf("%q is not NAME=ADDRESS", arg)
		case err != nil || !a.Is6():
			return nil, fmt.Errorf("%q is not an IPv6 address", address)
		}
		devices = append(devices, pki.Device{Name: name, Address: a})
	}
	if devices[0].Name == devices[1].Name || devices[0].Address == devices[1].Address {
		return nil, fmt.Errorf("the two devices are the same")
	}
	return devices, nil
}
