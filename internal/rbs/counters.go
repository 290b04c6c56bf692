package rbs

// Counters count what a service has done since it was made.
type Counters struct {
	FramesSent, FramesReceived uint64
	BytesSent, BytesReceived   uint64 // sent: those reported Written

	RecordsSent     uint64
	RecordsReceived uint64
	RecordsMerged   uint64 // of those received, newer than what was held
	RecordsStale    uint64 // of those received, as new as what was held, or older
	// RecordsUnknown, RecordsUnfit and RecordsFull: of those received, refused for
	// want of a profile, of a group or host that can be, of room.
	RecordsUnknown  uint64
	RecordsUnfit    uint64
	RecordsFull     uint64
	RecordsAcked    uint64
	RecordsTooLarge uint64 // not sent: more than MaxSources sources

	UnknownFrames uint64 // skipped: a type of a newer release
	Syncs         uint64 // synchronisations that ended in both directions
	Divergences   uint64 // databases found different with nothing under way

	// Connections, by what became of them.
	Established  uint64
	Replaced     uint64 // lost: the peer connected anew
	DialFailed   uint64
	ListenFailed uint64
	// HandshakeFailed: refused, for its certificate or for this device's.
	HandshakeFailed uint64
	RefusedAddress  uint64 // from an address that is not the peer's
	RefusedState    uint64 // not expected: disabled, or this end is the one that connects
	LostTransport   uint64 // reset, refused or ended by the transport
	LostSilent      uint64 // nothing heard for the dead interval
	LostFormat      uint64 // malformed frame
	LostProtocol    uint64 // well-formed frame that is not allowed there
	LostVersion     uint64 // no common version
	LostIdentity    uint64 // the peer has this device's ID
	LostByPeer      uint64 // ended by an ERROR frame of the peer
	LostLocal       uint64 // ended by a change of the configuration
}

// merged returns the counter for what became of a record of the peer.
func (c *Counters) merged(m Merged) *uint64 {
	return [...]*uint64{&c.RecordsMerged, &c.RecordsStale, &c.RecordsUnknown, &c.RecordsUnfit, &c.RecordsFull}[m]
}
