// Package bfdloop runs BFD sessions apart from the rest of the process: on a thread
// of its own that reads and sends on raw sockets, waits with ppoll, allocates nothing
// per packet and takes no lock that another goroutine may hold.
//
// A thread is not far enough away from a busy Go process. While ppoll waits, the
// runtime lends the loop's processor (its P) to other goroutines, and afterwards the
// loop needs a free one. It then queues behind time slices of 10 ms, or, during
// garbage collection, behind workers that hold every idle P and that the operating
// system has put aside. Two busy goroutines that allocate are enough on two
// processors to make sessions of 10 ms x 3 fail again and again. So the loop is best
// run in a helper, a process of the same program that does nothing else, at real-time
// priority: there, under the same load, no packet was 5 ms late. When its parent dies
// the helper tells the peers, which need not wait for their detection time, and ends.
// When its parent lives and yet does nothing any more (Loop.Beat), because it was
// stopped or because its event loop is stuck, the helper takes the sessions down: a
// session that is Up says that the device works, not that a helper does.
//
// Without a helper, GOMAXPROCS well above the number of goroutines that can be busy
// (RecommendedProcs) makes the first of the two waits rare, not the second.
//
//   - thread.go, worker.go, sockets.go: the loop; mailbox.go: how it is told something.
//   - helper.go, begin.go, requests.go: a helper as its parent sees it; serve.go: the
//     helper itself; wire.go: what they say to each other.
//   - priority.go: what the operating system is asked for.
package bfdloop
