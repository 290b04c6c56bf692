package device

import (
	"slices"
	"time"

	"tandem/internal/mld"
	"tandem/internal/rbs"
)

// buckets is the number of parts in which two databases are compared.
const buckets = 256

// identity is what the keys of an interface's records begin with on the wire.
type identity struct {
	backupID, subInterface uint32
}

func (id identity) key(k mld.Key) rbs.Key {
	return rbs.Key{BackupID: id.backupID, SubInterface: id.subInterface, Group: k.Group, Host: k.Host}
}

// ledger keeps the digests of the records of one interface as they change. Its
// numbers are what the peer's are compared with, and what the displays show.
type ledger struct {
	identity
	router  *mld.Router
	digests [buckets]uint64 // of the live records
	total   uint64          // XOR of the digests
	live    int             // live records
	kept    int             // with the tombstones
	index   *bucketIndex    // nil while nobody asks what is in a bucket
}

// bucketIndex sorts the records into buckets, tombstones too. It costs 4 bytes
// a record, so it exists only while a synchronisation needs it; meanwhile it
// follows every change.
type bucketIndex struct {
	handles [buckets][]mld.Handle
	// stale marks buckets from which a record has gone: its handle may lie
	// there still, and by now name another record.
	stale [buckets]bool
	used  time.Duration
}

// indexLife is how long an index outlives the last question to it.
const indexLife = 10 * time.Second

// newLedger takes stock of a router's records and follows them from then on.
func newLedger(id identity, router *mld.Router) *ledger {
	l := &ledger{identity: id, router: router}
	for rec := range router.Records() {
		l.kept++
		if !rec.Deleted {
			l.count(rec.Key, rec.Version, +1)
		}
	}
	router.Observe(l.rewrite)
	return l
}

func (l *ledger) rewrite(w mld.Rewrite) {
	if w.WasLive {
		l.count(w.Key, w.Old, -1)
	}
	if w.IsLive {
		l.count(w.Key, w.New, +1)
	}
	switch {
	case w.Created:
		l.kept++
	case w.Gone:
		l.kept--
	}
	if l.index == nil || !w.Created && !w.Gone {
		return
	}
	b := rbs.BucketOf(l.key(w.Key), buckets)
	if w.Gone {
		l.index.stale[b] = true
	} else {
		l.index.handles[b] = append(l.index.handles[b], w.Handle)
	}
}

// count takes a live record into the digests, or out of them.
func (l *ledger) count(k mld.Key, v mld.Version, by int) {
	bucket, hash := rbs.BucketAndHash(l.key(k), replicaVersion(v), buckets)
	l.digests[bucket] ^= hash
	l.total ^= hash
	l.live += by
}

// bucket lists the records of a bucket, tombstones too.
func (l *ledger) bucket(now time.Duration, b int) []mld.Handle {
	if l.kept == 0 {
		return nil
	}
	if l.index == nil {
		l.index = &bucketIndex{}
		for h := range l.router.Handles() {
			rec, _ := l.router.At(h)
			i := rbs.BucketOf(l.key(rec.Key), buckets)
			l.index.handles[i] = append(l.index.handles[i], h)
		}
	}
	l.index.used = now
	if l.index.stale[b] {
		l.index.stale[b] = false
		l.index.handles[b] = l.cleared(b, l.index.handles[b])
	}
	return l.index.handles[b]
}

// cleared removes from a bucket's handles those that name nothing in it, and repetitions.
func (l *ledger) cleared(b int, handles []mld.Handle) []mld.Handle {
	slices.Sort(handles)
	handles = slices.Compact(handles)
	return slices.DeleteFunc(handles, func(h mld.Handle) bool {
		rec, ok := l.router.At(h)
		return !ok || rbs.BucketOf(l.key(rec.Key), buckets) != b
	})
}

// shed gives the index back once nobody has asked for a while.
func (l *ledger) shed(now time.Duration) {
	if l.index != nil && now >= l.index.used+indexLife {
		l.index = nil
	}
}
