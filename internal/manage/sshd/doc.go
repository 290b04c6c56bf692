// Package sshd is the way to the console over the network: an SSH server (RFC
// 4251 to 4254) that lets in users of the configuration by their public keys,
// and gives each session the console of the local socket, on a terminal or as a
// list of commands. There are no passwords, no forwarding and no subsystems.
//
// It is off until the configuration enables it.
package sshd
