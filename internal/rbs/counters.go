package rbs

// Counters count what a service has done since it was made.
type Counters struct {
	FramesSent     uint64 `name:"frames-sent"`
	FramesReceived uint64 `name:"frames-received"`
	BytesSent      uint64 `name:"bytes-sent"` // those reported Written
	BytesReceived  uint64 `name:"bytes-received"`

	RecordsSent     uint64 `name:"records-sent"`
	RecordsReceived uint64 `name:"records-received"`
	RecordsMerged   uint64 `name:"records-merged"` // of those received, newer than what was held
	RecordsStale    uint64 `name:"records-stale"`  // of those received, as new as what was held, or older
	// RecordsUnknown, RecordsUnfit and RecordsFull: of those received, refused for
	// want of a profile, of a group or host that can be, of room.
	RecordsUnknown  uint64 `name:"records-unknown"`
	RecordsUnfit    uint64 `name:"records-unfit"`
	RecordsFull     uint64 `name:"records-full"`
	RecordsAcked    uint64 `name:"records-acked"`
	RecordsTooLarge uint64 `name:"records-too-large"` // not sent: more than maxSources sources

	// What was told of streams: whether one arrives.
	StreamsSent     uint64 `name:"streams-sent"`
	StreamsReceived uint64 `name:"streams-received"`
	StreamsFull     uint64 `name:"streams-full"` // of those received, not noted for want of room

	UnknownFrames uint64 `name:"unknown-frames"` // skipped: a type of a newer release
	Syncs         uint64 `name:"syncs"`          // synchronisations that ended in both directions
	Divergences   uint64 `name:"divergences"`    // databases found different with nothing under way

	// Connections, by what became of them.
	Established  uint64 `name:"established"`
	Replaced     uint64 `name:"replaced"` // lost: the peer connected anew
	DialFailed   uint64 `name:"dial-failed"`
	ListenFailed uint64 `name:"listen-failed"`
	// HandshakeFailed: refused, for its certificate or for this device's.
	HandshakeFailed uint64 `name:"handshake-failed"`
	RefusedAddress  uint64 `name:"refused-address"` // from an address that is not the peer's
	RefusedState    uint64 `name:"refused-state"`   // not expected: disabled, or this end is the one that connects
	LostTransport   uint64 `name:"lost-transport"`  // reset, refused or ended by the transport
	LostSilent      uint64 `name:"lost-silent"`     // nothing heard for the dead interval
	LostFormat      uint64 `name:"lost-format"`     // malformed frame
	LostProtocol    uint64 `name:"lost-protocol"`   // well-formed frame that is not allowed there
	LostVersion     uint64 `name:"lost-version"`    // no common version
	LostIdentity    uint64 `name:"lost-identity"`   // the peer has this device's ID
	LostByPeer      uint64 `name:"lost-by-peer"`    // ended by an ERROR frame of the peer
	LostLocal       uint64 `name:"lost-local"`      // ended by a change of the configuration
}

// merged returns the counter for what became of a record of the peer.
func (c *Counters) merged(m Merged) *uint64 {
	return [...]*uint64{&c.RecordsMerged, &c.RecordsStale, &c.RecordsUnknown, &c.RecordsUnfit, &c.RecordsFull}[m]
}
