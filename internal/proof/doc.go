// Package proof judges what a device has measured. A device is ready for what it has
// measured to work, not for what is configured.
//
// Everything here is pure: the inputs are readings, with the instant at which they were
// taken. The results are judgements.
package proof
