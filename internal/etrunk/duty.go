package etrunk

// Which device sends which bucket on a member is a pure function of the two
// announcements. Target returns the buckets that a device should cover. Cover returns the
// steps to that target, and never gives up a bucket before the peer has announced that it
// covers the bucket:
//
//	local member        peer member                                target
//	Backup              any                                        none
//	Master              unknown, down or Backup                    all
//	Master, ready       Master and ready                           own bucket
//	Master, ready       Master, not ready                          all
//	Master, not ready   Master, ready, and it says it covers all   none
//	Master, not ready   any other Master                           all
//
// The own bucket is bucket 0 on the device that the election prefers, bucket 1 on the
// other. In every case of doubt both devices send: a duplicate is better than a gap.

// Target returns the buckets that a device should cover on a member when the hand-over is
// complete. peerKnown says that the peer is alive and lists the member. preferred is
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

// Cover returns the buckets that a device must let pass now, on its way from current to
// target. It adds buckets at once. It keeps a bucket that it should give up until the
// peer has announced that it covers the bucket, and has received this device's present
// announcement (peer.Seen). Without the second condition, two devices that change at the
// same moment could each leave a bucket to the other.
//
// A Backup whose peer will be Master in its place (successor) gives up its buckets in the
// same way: the peer counts as soon as it is ready, because then the switch accepts what
// the peer sends. Any other Backup gives up all buckets at once.
func Cover(current, target Buckets, local, peer Announcement, peerKnown, successor bool) Buckets {
	switch backup := local.Role != MemberMaster; {
	case backup && !successor:
		return NoBuckets
	case !sends(peer, peerKnown), peer.Seen != local.asSeen(), backup && !peer.Ready:
		return current | target
	}
	return target | current&^peer.Covers
}

// sends reports whether a device may send on its leg of a member, by its announcement.
func sends(a Announcement, known bool) bool {
	return known && a.Up && a.Role == MemberMaster
}

// asSeen returns the Seen of a peer that has received this announcement.
func (a Announcement) asSeen() Seen {
	return Seen{Known: true, Up: a.Up, Ready: a.Ready, Role: a.Role}
}
