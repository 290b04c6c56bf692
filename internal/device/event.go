package device

import (
	"net/netip"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/proof"
	"tandem/internal/rbs"
)

// An Event is an input of a device. Every event is a plain value, so that a recording can
// hold it.
type Event interface{ event() }

type (
	// LinkChanged gives the state of a Linux interface, also when the interface has been
	// removed.
	LinkChanged struct {
		Netdev  string
		Exists  bool
		Index   int
		AdminUp bool
		Up      bool   // administratively up, and has carrier
		LACP    bool   // the interface is a bond that speaks LACP
		Apart   bool   // LACP has not (yet) put any port of the bond into the switch's aggregate
		Key     uint16 // operational LACP key of the bond, 0 if there is none
		// Heard says that a packet has come in since the interface got carrier. A switch
		// port may have carrier before it forwards.
		Heard     bool
		LinkLocal netip.Addr
		// Lacks is what keeps the interface from working as a multicast interface.
		Lacks proof.Lack
	}

	// MLDReceived is a decoded MLD message.
	MLDReceived struct {
		Netdev string
		Meta   mld.Meta
		Packet *mld.Packet
	}

	// MLDMalformed is a message that could not be decoded.
	MLDMalformed struct {
		Netdev string
		Err    error
	}

	// StreamArrived is the kernel's upcall for a packet without a route.
	StreamArrived struct {
		Netdev        string
		Source, Group netip.Addr
	}

	// StreamsSilent names entries without a packet for [KeepAlive], by the kernel's
	// counters. It may name any entries: the device decides which of them to drop.
	StreamsSilent struct{ Streams []SourceGroup }

	// StreamsWatched says whether the forwarding plane reports, from now on, which of its
	// streams come in.
	StreamsWatched struct{ On bool }

	// StreamsSeen reports routed streams that have begun to flow or have become silent,
	// and the streams of [Effects].Look.
	StreamsSeen struct{ Streams []StreamSight }

	// HelloReceived is an E-Trunk packet as received, not verified.
	HelloReceived struct {
		From   netip.Addr
		VPN    string // VPN instance in which it came in, empty for none
		Packet []byte
	}

	// HelloNotSent says that the socket of a path refused to send a hello.
	HelloNotSent struct {
		ETrunk uint32
		Path   etrunk.Path
	}

	// BFDChanged gives the state of a BFD session, by its configured name.
	BFDChanged struct {
		Session string
		State   etrunk.BFDState
		Heard   instant.Time // when the peer's last packet came
	}

	// ChannelAccepted gives a service a connection that the peer has opened.
	ChannelAccepted struct {
		Service string
		Conn    rbs.ConnID
		From    netip.Addr
		By      rbs.Security
	}
	// ChannelDialled gives a service a connection that this device has opened.
	ChannelDialled struct {
		Service string
		Conn    rbs.ConnID
		By      rbs.Security
	}
	// ChannelDialFailed says that this device could not open a connection. Distrust means
	// that the other end could not prove that it is the peer.
	ChannelDialFailed struct {
		Service, Reason string
		Distrust        bool
	}
	// ChannelListenFailed says that this device could not listen for connections.
	ChannelListenFailed struct{ Service, Reason string }
	// ChannelHandshakeFailed says that TLS failed on an accepted connection. Distrust
	// means that the other end could not prove that it is the peer.
	ChannelHandshakeFailed struct {
		Service, Reason string
		Distrust        bool
	}
	// ChannelReceived carries bytes received from a connection.
	ChannelReceived struct {
		Service string
		Conn    rbs.ConnID
		Bytes   []byte
	}
	// ChannelWritten says that the last chunk has been written to the connection.
	ChannelWritten struct {
		Service string
		Conn    rbs.ConnID
	}
	// ChannelClosed says that a connection has ended.
	ChannelClosed struct {
		Service string
		Conn    rbs.ConnID
		Reason  string
	}

	// Switchover requests that an E-Trunk hands everything to the peer, or ends that
	// request.
	Switchover struct {
		ETrunk uint32
		On     bool
	}
	// ResetGroups queries the hosts of groups on an interface, given by its configured
	// name, and forgets the hosts that do not answer. See [mld.Router.ResetGroup].
	ResetGroups struct {
		Interface string
		Groups    []netip.Addr
	}
	// Withdraw makes exactly these members hand over to the peer before their
	// configuration changes. It ends with the next [Device.Configure]. See
	// [Device.Withdrawn].
	Withdraw struct{ Members []Member }
	// Retire announces the end of this device: it hands everything to the peer and takes
	// its legs down. See [Device.Retired].
	Retire struct{}
	// AskStatus requests the peer's status. The answer is an effect of the service.
	AskStatus struct{ Service string }
	// TellStatus answers the peer's request with a status. The device does not interpret its
	// content. The daemon makes and reads it (package status).
	TellStatus struct {
		Service string
		Status  []byte
	}
	// BatchBackup requests a full resynchronisation of a service.
	BatchBackup struct{ Service string }
)

// StreamSight says how a stream comes in, at the moment of the report.
type StreamSight struct {
	SourceGroup
	Flows    bool
	Packets  uint64        // packets that have come since the plane watches the stream
	Age      time.Duration // time since the last packet
	Pause    time.Duration // the longest pause between two packets that has ended lately
	PauseAge time.Duration // time since the end of that pause
}

func (LinkChanged) event()            {}
func (*MLDReceived) event()           {}
func (MLDMalformed) event()           {}
func (StreamArrived) event()          {}
func (StreamsSilent) event()          {}
func (StreamsWatched) event()         {}
func (StreamsSeen) event()            {}
func (HelloReceived) event()          {}
func (HelloNotSent) event()           {}
func (BFDChanged) event()             {}
func (ChannelAccepted) event()        {}
func (ChannelDialled) event()         {}
func (ChannelDialFailed) event()      {}
func (ChannelListenFailed) event()    {}
func (ChannelHandshakeFailed) event() {}
func (ChannelReceived) event()        {}
func (ChannelWritten) event()         {}
func (ChannelClosed) event()          {}
func (Switchover) event()             {}
func (ResetGroups) event()            {}
func (Retire) event()                 {}
func (Withdraw) event()               {}
func (AskStatus) event()              {}
func (TellStatus) event()             {}
func (BatchBackup) event()            {}

// lack returns what keeps a link that is up from working, in words.
func (l LinkChanged) lack() string {
	if !l.Up || l.Lacks == proof.LacksNothing {
		return ""
	}
	return l.Lacks.String()
}
