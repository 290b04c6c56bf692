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

// An Event is an input of a device. Every input is a value.
type Event interface{ event() }

type (
	// LinkChanged tells the state of a Linux interface, also that it has gone.
	LinkChanged struct {
		Netdev  string
		Exists  bool
		Index   int
		AdminUp bool
		Up      bool   // administratively up and carrier
		LACP    bool   // it is a bond that speaks LACP
		Apart   bool   // LACP has no port of it in the switch's aggregate (yet)
		Key     uint16 // its operational LACP key, 0 where there is none
		// Heard: a packet has come in since it has carrier. The switch's port may have
		// carrier before it forwards.
		Heard     bool
		LinkLocal netip.Addr
		// Lacks is what keeps it from being a multicast interface.
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

	// StreamsSilent tells of entries without a packet for [KeepAlive], by the
	// kernel's account. It may name any: the device knows which to drop.
	StreamsSilent struct{ Streams []SourceGroup }

	// StreamsWatched tells that the forwarding plane tells from now on which of its streams come in, or that
	// it cannot any more.
	StreamsWatched struct{ On bool }

	// StreamsSeen tells of routed streams that have begun to flow or have fallen silent, and of those of
	// [Effects].Look.
	StreamsSeen struct{ Streams []StreamSight }

	// HelloReceived is an E-Trunk packet as it came from the wire.
	HelloReceived struct {
		From   netip.Addr
		VPN    string // VPN instance it came in, empty for none
		Packet []byte
	}

	// HelloNotSent says that the socket of a path refused a hello.
	HelloNotSent struct {
		ETrunk uint32
		Path   etrunk.Path
	}

	// BFDChanged tells the state of a BFD session by its configured name.
	BFDChanged struct {
		Session string
		State   etrunk.BFDState
		Heard   instant.Time // when the peer's last packet came
	}

	// ChannelAccepted hands a connection that the peer opened to a service.
	ChannelAccepted struct {
		Service string
		Conn    rbs.ConnID
		From    netip.Addr
	}
	// ChannelDialled hands it one that this device opened.
	ChannelDialled struct {
		Service string
		Conn    rbs.ConnID
	}
	// ChannelDialFailed says that no connection could be opened.
	ChannelDialFailed struct{ Service, Reason string }
	// ChannelListenFailed says that none can be waited for.
	ChannelListenFailed struct{ Service, Reason string }
	// ChannelHandshakeFailed says that an accepted connection was no use: TLS failed.
	ChannelHandshakeFailed struct{ Service, Reason string }
	// ChannelReceived carries bytes from a connection.
	ChannelReceived struct {
		Service string
		Conn    rbs.ConnID
		Bytes   []byte
	}
	// ChannelWritten says that the last chunk has been written.
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

	// Switchover asks an E-Trunk to hand everything to the peer, or ends that.
	Switchover struct {
		ETrunk uint32
		On     bool
	}
	// Withdraw has members hand over before their configuration changes, and no others. It ends
	// with the next [Device.Configure]. See [Device.Withdrawn].
	Withdraw struct{ Members []Member }
	// Retire announces the end of this device: everything is handed to the peer
	// and the legs are taken down. See [Device.Retired].
	Retire struct{}
	// AskStatus asks the peer how it is; the answer is an effect of the service.
	AskStatus struct{ Service string }
	// TellStatus answers the peer that asked, in words of the caller's.
	TellStatus struct {
		Service string
		Status  []byte
	}
	// BatchBackup asks a service for a full resynchronisation.
	BatchBackup struct{ Service string }
)

// StreamSight tells how a stream comes in, as of the moment at which it is told.
type StreamSight struct {
	SourceGroup
	Flows    bool
	Packets  uint64        // that have come since it is watched
	Age      time.Duration // since the last of them
	Pause    time.Duration // the longest between two packets that has ended lately
	PauseAge time.Duration // since that
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
func (Retire) event()                 {}
func (Withdraw) event()               {}
func (AskStatus) event()              {}
func (TellStatus) event()             {}
func (BatchBackup) event()            {}

// lack is what a link that is up lacks, in words.
func (l LinkChanged) lack() string {
	if !l.Up || l.Lacks == proof.LacksNothing {
		return ""
	}
	return l.Lacks.String()
}
