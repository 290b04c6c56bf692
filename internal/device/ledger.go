package device

import (
	"net/netip"

	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

// buckets is the number of buckets by which the two databases are compared.
const buckets = 256

// identity is the part of the wire keys that all records of an interface have in common.
type identity struct {
	backupID, subInterface uint32
}

func (id identity) key(k mld.Key) rbs.Key {
	return rbs.Key{BackupID: id.backupID, SubInterface: id.subInterface, Group: k.Group, Host: k.Host}
}

// ledger holds the digests of the records of one interface and updates them with every
// change. They are compared with the peer's digests, and displays show them.
type ledger struct {
	identity
	digests [buckets]uint64 // XOR of the hashes of the live records, by bucket
	total   uint64          // XOR of the digests
	live    int             // number of live records
	kept    int             // number of records, tombstones included
	part    uint32          // the interface's number
	index   *leafIndex      // the index of the service, nil while no comparison needs it
	// The hash of the group used last: records of one group often follow each other.
	group     netip.Addr
	groupHash rbs.GroupHash
}

// newLedger computes the digests of an interface's records, and observes the records from
// then on.
func newLedger(now instant.Time, id identity, ifc *downstream) *ledger {
	l := &ledger{identity: id, part: ifc.number}
	for rec := range ifc.router.Records(now) {
		l.kept++
		if !rec.Deleted {
			h := l.hash(rec.Key)
			l.count(h.Bucket(leafCount), h.Version(replicaVersion(rec.Version)), +1)
		}
	}
	ifc.router.Observe(l.rewrite)
	return l
}

func (l *ledger) rewrite(w mld.Rewrite) {
	h := l.hash(w.Key)
	leaf := h.Bucket(leafCount)
	if w.WasLive {
		l.count(leaf, h.Version(replicaVersion(w.Old)), -1)
	}
	if w.IsLive {
		l.count(leaf, h.Version(replicaVersion(w.New)), +1)
	}
	switch {
	case w.Created:
		l.kept++
		if l.index != nil {
			l.index.created(leaf, l.part, w.Handle)
		}
	case w.Gone:
		l.kept--
		if l.index != nil {
			l.index.gone(leaf)
		}
	}
}

func (l *ledger) hash(k mld.Key) rbs.KeyHash {
	if l.group != k.Group {
		l.group, l.groupHash = k.Group, rbs.HashOfGroup(l.key(k))
	}
	return l.groupHash.Host(k.Host)
}

// count adds a live record to the digests (by +1), or removes it (by -1).
func (l *ledger) count(leaf int, hash uint64, by int) {
	l.digests[leaf/rbs.Leaves] ^= hash
	l.total ^= hash
	l.live += by
	if l.index != nil {
		l.index.count(leaf, hash, by)
	}
}

func replicaVersion(v mld.Version) rbs.Version {
	return rbs.Version{Clock: rbs.Stamp(v.Clock), Device: v.Device}
}
