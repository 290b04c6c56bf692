// Package peers contains only tests. They run Tandem's protocol code against other
// implementations: the Linux kernel's hosts and bridge, the dissectors of Wireshark, and
// FRR.
package peers
