package arrivals

import (
	"net/netip"
	"sync/atomic"
	"time"
	"unsafe"
)

const (
	// seenBits is how many bits of the hash select the element for a stream's key.
	seenBits   = 12
	seenPlaces = 1 << seenBits
	// hashFactor spreads keys that differ in few bits: 2^64 divided by the golden ratio.
	hashFactor int64 = -0x61c8864680b583eb
)

// seen is an element of the array into which the program writes unobserved streams. The
// last element holds the counter in place of a key.
type seen struct {
	key [5]uint64 // a [key], followed by 4 unused bytes
	at  uint64    // CLOCK_MONOTONIC in ns
}

const seenSize = int(unsafe.Sizeof(seen{}))

// unobserved is the daemon's position in the array of unobserved streams.
type unobserved struct {
	memory []byte // the mapped memory of the array
	count  uint64
	read   [seenPlaces]uint64 // the value of seen.at in each element when it was last read
	next   int                // the element at which the next call begins, so that every element gets its turn
}

// Unobserved calls found for each stream that arrives and is not observed; Last of the stream
// is the time of its last packet. One call of Unobserved reports no more streams than most
// says. If it does not report a stream, because there are too many or because another stream
// has the same hash, a later call does, as long as packets of the stream arrive. A reported
// stream may not exist: if two processors write their keys to the same place at once, the
// result is a mixture of both. While every stream that arrives is observed, Unobserved costs
// almost nothing. Only the goroutine that calls Add may call it.
func (o *Observer) Unobserved(most int, found func(Stream)) {
	u := &o.seen
	count := atomic.LoadUint64(&u.element(seenPlaces).key[0])
	if count == u.count {
		return
	}
	for range u.read {
		i := u.next
		e := u.element(i)
		at := atomic.LoadUint64(&e.at)
		if at != u.read[i] && most == 0 {
			return // u.count is not updated, so the next call continues here
		}
		u.next = (i + 1) % seenPlaces
		if at == u.read[i] {
			continue
		}
		most--
		u.read[i] = at
		found(e.stream(time.Duration(at)))
	}
	u.count = count
}

func (u *unobserved) element(i int) *seen {
	return (*seen)(unsafe.Pointer(&u.memory[i*seenSize]))
}

// stream returns the stream whose key is in this element.
func (e *seen) stream(last time.Duration) Stream {
	var words [5]uint64
	for i := range words {
		words[i] = atomic.LoadUint64(&e.key[i])
	}
	k := (*key)(unsafe.Pointer(&words))
	return Stream{Source: netip.AddrFrom16(k.source), Group: netip.AddrFrom16(k.group), Interface: int(k.ifindex), Last: last}
}
