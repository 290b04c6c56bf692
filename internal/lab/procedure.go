package lab

import (
	_ "embed"
	"slices"
)

// The configuration procedure of the two devices.
var (
	//go:embed device-a.cfg
	procedureA []byte
	//go:embed device-b.cfg
	procedureB []byte
)

func (p plan) procedure(device string) []byte {
	text := procedureA
	if device == deviceB {
		text = procedureB
	}
	if p.lacp {
		text = slices.Concat([]byte(makeTrunk), text)
	}
	return slices.Concat(text, []byte(pace.bfdLines()))
}

// makeTrunk makes the daemon create the Eth-Trunk with the end of the cable as its port.
const makeTrunk = `system-view
interface eth-trunk 10
mode lacp-static
lacp timeout fast
quit
interface ` + portLink + `
eth-trunk 10
quit
commit
return
`
