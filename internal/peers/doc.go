// Package peers holds tests alone: our protocol parts against implementations
// that are not ours, the Linux kernel's hosts and bridge and the dissectors of
// Wireshark.
package peers
