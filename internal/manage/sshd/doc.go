// Package sshd gives access to the console over the network. It is an SSH server (RFC 4251
// to 4254). The users are those of the configuration; they log in with public keys. Each
// session has the same console as on the local socket, with a terminal or with a list of
// commands. There are no passwords, no forwarding and no subsystems.
//
// The server is off until the configuration enables it.
package sshd
