package bfd

// DropCause says why a received packet was dropped. The cause itself is the error value,
// so a flood of bad packets allocates no memory.
type DropCause uint8

// The causes, in the order of the checks.
const (
	DropShort               DropCause = iota // fewer than 24 octets
	DropVersion                              // not version 1
	DropLength                               // the Length field is too small, or larger than the datagram
	DropDetectMult                           // Detect Mult is zero
	DropMultipoint                           // multipoint bit set
	DropMyDiscriminator                      // My Discriminator is zero
	DropYourDiscriminator                    // Your Discriminator is zero in a state other than Down and AdminDown
	DropHopLimit                             // single hop, and the hop limit is not 255 (RFC 5881, section 5)
	DropNoSession                            // no session has the packet's discriminator or addresses
	DropAddress                              // the session's peer has another address
	DropInterface                            // the session is on another interface, in another VRF or of the other hop type
	DropAuthentication                       // the packet is authenticated, and the session is not
	DropRemoteDiscriminator                  // not the remote discriminator that is configured
	DropAdminDown                            // the session is shut down on this device
)

var dropTexts = [...]string{
	"shorter than a control packet",
	"unknown protocol version",
	"length field does not fit the datagram",
	"detect multiplier is zero",
	"multipoint bit is set",
	"sender's discriminator is zero",
	"our discriminator is zero although the sender has heard us",
	"hop limit is not 255",
	"no such session",
	"session is with another address",
	"session is on another interface",
	"authenticated although no authentication is agreed",
	"sender's discriminator is not the configured one",
	"session is shut down",
}

func (c DropCause) Error() string { return "bfd: packet dropped: " + dropTexts[c] }

// Counters counts the control packets of a device. Received counts every packet. A packet that
// was dropped also counts in exactly one of the drop fields.
type Counters struct {
	Received                uint64 `name:"packets-received" metric:"received"`
	Sent                    uint64 `name:"packets-sent" metric:"sent"`
	DropShort               uint64 `name:"drop-short"`
	DropVersion             uint64 `name:"drop-version"`
	DropLength              uint64 `name:"drop-length"`
	DropDetectMult          uint64 `name:"drop-detect-mult"`
	DropMultipoint          uint64 `name:"drop-multipoint"`
	DropMyDiscriminator     uint64 `name:"drop-my-discriminator"`
	DropYourDiscriminator   uint64 `name:"drop-your-discriminator"`
	DropHopLimit            uint64 `name:"drop-hop-limit"`
	DropNoSession           uint64 `name:"drop-no-session"`
	DropAddress             uint64 `name:"drop-address"`
	DropInterface           uint64 `name:"drop-interface"`
	DropAuthentication      uint64 `name:"drop-authentication"`
	DropRemoteDiscriminator uint64 `name:"drop-remote-discriminator"`
	DropAdminDown           uint64 `name:"drop-admin-down"`
}

func (c *Counters) drop(cause DropCause) {
	*[...]*uint64{
		DropShort:               &c.DropShort,
		DropVersion:             &c.DropVersion,
		DropLength:              &c.DropLength,
		DropDetectMult:          &c.DropDetectMult,
		DropMultipoint:          &c.DropMultipoint,
		DropMyDiscriminator:     &c.DropMyDiscriminator,
		DropYourDiscriminator:   &c.DropYourDiscriminator,
		DropHopLimit:            &c.DropHopLimit,
		DropNoSession:           &c.DropNoSession,
		DropAddress:             &c.DropAddress,
		DropInterface:           &c.DropInterface,
		DropAuthentication:      &c.DropAuthentication,
		DropRemoteDiscriminator: &c.DropRemoteDiscriminator,
		DropAdminDown:           &c.DropAdminDown,
	}[cause]++
}

// Dropped returns the sum of all drops.
func (c Counters) Dropped() uint64 {
	return c.DropShort + c.DropVersion + c.DropLength + c.DropDetectMult + c.DropMultipoint +
		c.DropMyDiscriminator + c.DropYourDiscriminator + c.DropHopLimit + c.DropNoSession +
		c.DropAddress + c.DropInterface + c.DropAuthentication + c.DropRemoteDiscriminator + c.DropAdminDown
}
