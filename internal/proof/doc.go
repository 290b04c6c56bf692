// Package proof judges what a device has measured. A device is ready for what it has shown
// to work, not for what it has configured.
//
// Everything here is pure: readings come in with the instant at which they were taken, and
// judgements come out.
package proof
