package rbs

// Counters count what a service has done since it was made.
type Counters struct {
	FramesSent     uint64 `name:"frames-sent"`
	FramesReceived uint64 `name:"frames-received"`
	BytesSent      uint64 `name:"bytes-sent"` // bytes that Written has confirmed
	BytesReceived  uint64 `name:"bytes-received"`

	RecordsSent     uint64 `name:"records-sent"`
	RecordsReceived uint64 `name:"records-received"`
	RecordsMerged   uint64 `name:"records-merged"` // received records that were newer than the known ones
	RecordsStale    uint64 `name:"records-stale"`  // received records that were as new as the known ones, or older
	// Received records that were refused: no profile has the backup ID; the group or the
	// host is invalid; there is no room.
	RecordsUnknown  uint64 `name:"records-unknown"`
	RecordsUnfit    uint64 `name:"records-unfit"`
	RecordsFull     uint64 `name:"records-full"`
	RecordsAcked    uint64 `name:"records-acked"`
	RecordsTooLarge uint64 `name:"records-too-large"` // records not sent, because they have more than maxSources sources

	// Reports of streams that were sent and received: whether a stream arrives.
	StreamsSent     uint64 `name:"streams-sent"`
	StreamsReceived uint64 `name:"streams-received"`
	StreamsFull     uint64 `name:"streams-full"` // received reports of streams for which there was no room

	UnknownFrames uint64 `name:"unknown-frames"` // skipped frames of a type that only a newer release knows
	Syncs         uint64 `name:"syncs"`          // synchronisations that ended in both directions
	Divergences   uint64 `name:"divergences"`    // differences between the databases that were found while no record was under way

	// Connections, by their outcome.
	Established  uint64 `name:"established"`
	Replaced     uint64 `name:"replaced"` // connections replaced because the peer made a new one
	DialFailed   uint64 `name:"dial-failed"`
	ListenFailed uint64 `name:"listen-failed"`
	// HandshakeFailed counts connections whose TLS handshake failed: this device or the
	// peer refused the other's certificate.
	HandshakeFailed uint64 `name:"handshake-failed"`
	RefusedAddress  uint64 `name:"refused-address"` // connections from an address that is not the peer's
	RefusedState    uint64 `name:"refused-state"`   // connections refused while the service is disabled, or at the end that connects
	LostTransport   uint64 `name:"lost-transport"`  // connections reset, refused or ended by the transport
	LostSilent      uint64 `name:"lost-silent"`     // no byte received for the dead interval
	LostFormat      uint64 `name:"lost-format"`     // malformed frame
	LostProtocol    uint64 `name:"lost-protocol"`   // well-formed frame that was not allowed at that point
	LostVersion     uint64 `name:"lost-version"`    // no common version
	LostIdentity    uint64 `name:"lost-identity"`   // the peer has this device's ID
	LostByPeer      uint64 `name:"lost-by-peer"`    // connections ended by an ERROR frame of the peer
	LostLocal       uint64 `name:"lost-local"`      // connections ended by a change of the configuration
}

// merged returns the counter for one result of Merge.
func (c *Counters) merged(m Merged) *uint64 {
	return [...]*uint64{&c.RecordsMerged, &c.RecordsStale, &c.RecordsUnknown, &c.RecordsUnfit, &c.RecordsFull}[m]
}
