// Package pairtest runs the pair as it is shipped: two tandemd processes, each in a namespace
// on the running kernel, controlled through their consoles. It causes faults like those of
// operators and machines. Whether a stream arrives is checked at the socket of a host, never in
// a table.
//
// The network of each test:
//
//	source ─ br ─┬─ up0  A  eth-trunk10 ─┬─ br ─ host
//	             │     core0             │
//	             │       │               │
//	             │     core0             │
//	             └─ up0  B  eth-trunk10 ─┘
//
// The host's switch never forwards a frame from leg to leg. It sends the host's messages on one
// leg only, which the test chooses.
package pairtest
