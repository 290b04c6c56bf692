package etrunk

// Who sends what on a member is a pure function of the two announcements. A
// device aims at Target and gets there by Cover, which never lets go of a bucket
// before the peer has said that it holds it:
//
//	local member        peer member                                target
//	Backup              any                                        none
//	Master              unknown, down or Backup                    all
//	Master, ready       Master and ready                           own bucket
//	Master, ready       Master, not ready                          all
//	Master, not ready   Master, ready, and it says it covers all   none
//	Master, not ready   any other Master                           all
//
// The own bucket is bucket 0 on the device that the election prefers, bucket 1 on
// the other. In every doubt both send: a duplicate is better than a gap.

// Target returns the buckets that a device should come to cover on a member.
// peerKnown says that the peer is alive and lists the member; preferred is
// State.Preferred.
func Target(local, peer Announcement, peerKnown, preferred bool) Buckets {
	switch {
	case local.Role != MemberMaster:
		return NoBuckets
	case !sends(peer, peerKnown):
		return AllBuckets
	case local.Ready && peer.Ready && preferred:
		return Bucket0
	case local.Ready && peer.Ready:
		return Bucket1
	case !local.Ready && peer.Ready && peer.Covers == AllBuckets:
		return NoBuckets
	}
	return AllBuckets
}

// Cover returns the buckets that a device must let pass now, on its way from
// current to target. It opens at once. It keeps a bucket that it should lose
// until the peer, knowing this device's present announcement, says that it
// covers that bucket. The condition on knowledge (peer.Seen) keeps two devices
// that change at the same moment from each leaving a bucket to the other.
// So does a Backup that has a successor: the peer is to be Master in its place, and
// counts as soon as it is ready, which is when the switch takes what it sends.
// Any other Backup gives up everything.
func Cover(current, target Buckets, local, peer Announcement, peerKnown, successor bool) Buckets {
	switch backup := local.Role != MemberMaster; {
	case backup && !successor:
		return NoBuckets
	case !sends(peer, peerKnown), peer.Seen != local.asSeen(), backup && !peer.Ready:
		return current | target
	}
	return target | current&^peer.Covers
}

// sends tells whether a member may be sending on its leg.
func sends(a Announcement, known bool) bool {
	return known && a.Up && a.Role == MemberMaster
}

// asSeen is what a peer that has heard this announcement has seen.
func (a Announcement) asSeen() Seen {
	return Seen{Known: true, Up: a.Up, Ready: a.Ready, Role: a.Role}
}
