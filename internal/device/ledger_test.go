package device

import (
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tandem/internal/instant"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

// TestDigestsFollowTheRecords compares, after every event that can change a record, the
// kept digests and buckets with newly computed ones.
func TestDigestsFollowTheRecords(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := newRig(t)
		interfaces := []string{"eth-trunk10", "eth-trunk10.100"}
		from := func(n int, what string) int { return rapid.IntRange(0, n-1).Draw(rt, what) }
		s := r.dev.services.get("rbs1")
		rt.Repeat(map[string]func(*rapid.T){
			"report": func(*rapid.T) {
				r.report(interfaces[from(2, "interface")], from(6, "host"), from(6, "group"),
					mld.GroupRecord{Type: mld.RecordType(1 + from(6, "type")), Sources: nil})
			},
			"peer": func(*rapid.T) {
				s.Merge(r.now, &rbs.Record{
					Key:     rbs.Key{BackupID: 10, SubInterface: uint32(100 * from(2, "interface")), Group: groupOf(from(6, "group")), Host: hostOf(from(6, "host"))},
					Version: rbs.Version{Clock: r.dev.clock.Now(r.now) + rbs.Stamp(from(3, "ahead")), Device: 8},
					Exclude: true, Deleted: from(3, "deleted") == 0, Left: time.Duration(from(20, "left")) * time.Second,
				})
			},
			"forget": func(*rapid.T) {
				key := rbs.Key{BackupID: 10, SubInterface: uint32(100 * from(2, "interface")), Group: groupOf(from(6, "group")), Host: hostOf(from(6, "host"))}
				if rec, ok := s.Record(r.now, key); ok {
					s.Acked(r.now, key, rec.Version)
				}
			},
			"time":  func(*rapid.T) { r.pass(time.Duration(1<<from(10, "seconds")) * time.Second) },
			"visit": func(*rapid.T) { visit(r.now, s, from(buckets, "bucket")) },
			"rename": func(*rapid.T) {
				settings := rigSettings()
				settings.Profiles = maps.Clone(settings.Profiles)
				p := settings.Profiles["rbp1"]
				p.BackupID = uint32(10 + from(2, "id"))
				settings.Profiles["rbp1"] = p
				r.configure(settings)
			},
			"": func(rt *rapid.T) { checkLedgers(rt, r, s) },
		})
	})
}

func visit(now instant.Time, s *service, bucket int) (n int) {
	for _, ref := range s.Refs(now, bucket, nil) {
		if _, ok := s.At(now, ref); ok {
			n++
		}
	}
	return n
}

// walk goes through the groups and counts the records.
func walk(t *rapid.T, s *service) (n int) {
	seen := make(map[rbs.Ref]bool)
	for refs := s.NextGroup(rbs.Ref{}, nil); len(refs) > 0; refs = s.NextGroup(refs[0], refs[:0]) {
		for _, ref := range refs {
			if ref.Part != refs[0].Part || ref.Group != refs[0].Group || seen[ref] {
				t.Fatalf("%v comes with %v or again", ref, refs[0])
			}
			seen[ref] = true
		}
		n += len(refs)
	}
	return n
}

func checkLedgers(t *rapid.T, r *rig, s *service) {
	var digests [buckets]uint64
	records, lives, live, kept := [buckets]int{}, [buckets]int{}, 0, 0
	for _, ifc := range r.dev.downstreams.list {
		for rec := range ifc.router.Records(r.now) {
			key := ifc.ledger.key(rec.Key)
			b := rbs.BucketOf(key, buckets)
			records[b]++
			kept++
			if !rec.Deleted {
				digests[b] ^= rbs.Hash(key, replicaVersion(rec.Version))
				live++
				lives[b]++
			}
		}
	}
	total := uint64(0)
	for b := range buckets {
		total ^= digests[b]
		if got := s.Digest(b); got != digests[b] {
			t.Fatalf("bucket %d has digest %x, from its records it is %x", b, got, digests[b])
		}
		if s.index == nil {
			continue // no comparison needs the index
		}
		var sum rbs.Leaf
		for i := range rbs.Leaves {
			leaf := s.Leaf(r.now, b*rbs.Leaves+i)
			sum.Digest ^= leaf.Digest
			sum.Live += leaf.Live
			sum.Kept += leaf.Kept
		}
		if n := visit(r.now, s, b); n != records[b] || sum.Kept != n || sum.Digest != digests[b] || sum.Live != lives[b] {
			t.Fatalf("bucket %d yields %d records and sums up to %+v, it has %d, %d of them live, with digest %x", b, n, sum, records[b], lives[b], digests[b])
		}
	}
	if n := walk(t, s); n != kept || s.Len() != kept {
		t.Fatalf("group by group it is %d records, %d by their number, they are %d", n, s.Len(), kept)
	}
	p := r.dev.Snapshot(r.now, time.Time{}).Profiles[0]
	if p.Digest != total || p.Records != live || p.Tombstones != kept-live {
		t.Fatalf("profile shows %d records with digest %x, they are %d with %x", p.Records, p.Digest, live, total)
	}
}
