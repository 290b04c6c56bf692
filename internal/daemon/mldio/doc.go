// Package mldio is the daemon's input and output of MLD. It receives and sends the messages of
// the multicast interfaces. It decodes what it receives, in batches, and passes it to a
// [Router] on the goroutine that has read it.
package mldio
