// Package bfdloop runs BFD sessions on a thread of its own, apart from the rest of
// the process: it reads and sends on raw sockets, waits with ppoll, and exchanges
// nothing with other goroutines that it would have to wait for.
//
// What the Go runtime can still do to it: while ppoll waits, the runtime lends the
// loop's processor (its P) to other goroutines, and after ppoll the loop needs a
// free one. With more busy goroutines than GOMAXPROCS it queues behind time slices
// of 10 ms, which is a detection time at the defaults. A process that runs a Loop
// should therefore set GOMAXPROCS above the number of goroutines that can be busy
// at a time: the operating system then decides who runs, and it prefers
// the loop's thread, which has a real-time priority where that is permitted.
// RecommendedProcs gives a number. Garbage collection stops the loop for tens of
// microseconds only, as the loop itself allocates nothing per packet.
package bfdloop
