// Package bfdloop runs BFD sessions apart from the rest of the process: on a thread of
// its own that reads and sends on raw sockets, waits with ppoll, allocates nothing per
// packet and takes no lock that another goroutine may hold.
//
// A thread is not independent enough of a busy Go process. While ppoll waits, the runtime
// gives the loop's processor (its P) to other goroutines, and afterwards the loop needs a
// free one. It then waits behind time slices of 10 ms, or, during garbage collection,
// behind workers that hold every idle P while the operating system has suspended them.
// Two busy goroutines that allocate are enough on two processors to make sessions of 10
// ms x 3 fail again and again. So the loop is best run in a helper, a process of the same
// program that does nothing else, at real-time priority. There, under the same load, no
// packet was 5 ms late. When the parent process dies, the helper notifies the peers, so
// that these need not wait for their detection time, and ends. When the parent lives but
// no longer works (Loop.Beat), because it was stopped or its event loop is stuck, the
// helper takes the sessions down: a session in state Up means that the device works, not
// only the helper.
//
// The loop measures how late it is, and so does the core: its sessions slow down before
// their peers count them out. The shell reports to the core what only the shell can
// measure: how long a packet has waited in the kernel, and how long a hypervisor has not
// let a processor run.
//
// Without a helper, GOMAXPROCS well above the number of goroutines that can be busy
// (RecommendedProcs) makes the first of the two waits rare, not the second.
//
//   - thread.go, worker.go, sockets.go: the loop; mailbox.go: commands to it.
//   - helper.go, begin.go, requests.go: the parent's side of a helper; serve.go: the
//     helper itself; wire.go: the messages between them.
//   - priority.go: the scheduling that is requested of the operating system.
package bfdloop
