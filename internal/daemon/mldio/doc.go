// Package mldio is the daemon's side of MLD: it hears and sends the messages of the
// multicast interfaces. It decodes what it hears, in batches, and tells it to a
// [Router] from the goroutine that has read it.
package mldio
