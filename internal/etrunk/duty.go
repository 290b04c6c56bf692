package etrunk

// Who sends what on a member is a pure function of the two announcements. Target is the
// buckets that a device should cover. Cover leads there, and never gives up a bucket before
// the peer has said that it covers the bucket:
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

// Target returns the buckets that a device should cover on a member in the end. peerKnown
// says that the peer is alive and lists the member. preferred is State.Preferred.
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

// Cover returns the buckets that a device must let pass now, on its way from current to
// target. It adds buckets at once. It keeps a bucket that it should give up until the peer
// says that it covers the bucket, and has seen this device's present announcement. That
// condition (peer.Seen) prevents that two devices which change at the same moment leave a
// bucket to each other.
//
// A Backup that has a successor does the same: the peer will be Master in its place, and
// counts as soon as it is ready, because then the switch accepts what it sends. Any other
// Backup gives up all buckets.
func Cover(current, target Buckets, local, peer Announcement, peerKnown, successor bool) Buckets {
	switch backup := local.Role != MemberMaster; {
	case backup && !successor:
		return NoBuckets
	case !sends(peer, peerKnown), peer.Seen != local.asSeen(), backup && !peer.Ready:
		return current | target
	}
	return target | current&^peer.Covers
}

// sends reports whether a member may send on its leg.
func sends(a Announcement, known bool) bool {
	return known && a.Up && a.Role == MemberMaster
}

// asSeen returns what a peer has seen that has received this announcement.
func (a Announcement) asSeen() Seen {
	return Seen{Known: true, Up: a.Up, Ready: a.Ready, Role: a.Role}
}
