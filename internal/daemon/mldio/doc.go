// Package mldio receives and sends the MLD messages of the multicast interfaces for the
// daemon. It decodes received messages in batches, and passes them to a [Router] on the
// goroutine that has read them.
package mldio
