package config

import (
	"fmt"
	"strings"

	"tandem/internal/command"
)

// VPNInstance is a VPN instance: a Linux VRF of the same name.
type VPNInstance struct {
	Name        string // 1..15 characters, as Linux permits for interface names
	Description string
}

func vpnEntries() []entry {
	open := opener("ip vpn-instance <vpn:vpn>", "Create a VPN instance, a Linux VRF, and enter its view",
		func(e *Editor, a command.Args) (View, error) {
			name := command.Get[string](a, "vpn")
			if e.Model.VPNs[name] == nil {
				e.Model.VPNs[name] = &VPNInstance{Name: name}
			}
			return View{ViewVPN, name}, nil
		},
		func(m *Model, a command.Args) bool {
			name := command.Get[string](a, "vpn")
			known := m.VPNs[name] != nil
			delete(m.VPNs, name)
			return known
		})
	return append([]entry{open}, settings(ViewVPN, func(m *Model, v View) *VPNInstance { return m.VPNs[v.Name] },
		description(func(p *VPNInstance) *string { return &p.Description }))...)
}

// bindVPN puts an interface into a VPN instance.
func bindVPN() setting[Interface] {
	return scalar("ip binding vpn-instance <vpn:vpn>", "Put the interface into a VPN instance", func(i *Interface) *string { return &i.VPN }, "",
		func(a command.Args, name string) (string, error) { return command.Get[string](a, name), nil },
		func(v string) string { return v })
}

// parseVPN reads a name that Linux accepts for an interface.
func parseVPN(s string) (string, error) {
	switch {
	case len(s) > maxNetdev:
		return "", fmt.Errorf("%q has more than %d characters", s, maxNetdev)
	case !interfaceForm.MatchString(s) || strings.ContainsAny(s, "/:"):
		return "", fmt.Errorf("%q is no name of a VPN instance", s)
	}
	return s, nil
}

// vpn checks that a named VPN instance exists.
func (v *validator) vpn(where, name string) {
	if name != "" && v.m.VPNs[name] == nil {
		v.fail(where, "unknown vpn-instance %s; %s", name, known(v.m.VPNs))
	}
}

// boundVPN checks an interface that is bound to a VPN instance. Multicast interfaces and
// ports of trunks must be in the public network.
func (v *validator) boundVPN(where string, i *Interface) {
	v.vpn(where, i.VPN)
	switch {
	case i.VPN == "":
	case i.MLD.Enabled || i.MLD.Proxy:
		v.fail(where, "MLD is not served in a vpn-instance")
	case i.Trunk != "":
		v.fail(where, "a port of %s cannot be in a vpn-instance; the trunk can", i.Trunk)
	}
	if v.m.VPNs[string(i.Name)] != nil {
		v.fail(where, "the vpn-instance of this name is the interface")
	}
}
