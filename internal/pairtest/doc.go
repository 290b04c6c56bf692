// Package pairtest runs the pair as it is shipped: two tandemd processes in
// namespaces of their own on the running kernel, driven through their consoles
// and hurt in the ways that operators and machines have. Whether a stream
// arrives is seen at the socket of a host, never in a table.
//
// The network of each test:
//
//	source ─ br ─┬─ up0  A  eth-trunk10 ─┬─ br ─ host
//	             │     core0             │
//	             │       │               │
//	             │     core0             │
//	             └─ up0  B  eth-trunk10 ─┘
//
// The host's switch never passes a frame from leg to leg, and sends what the
// host says up one leg only, which the test chooses.
package pairtest
