// Package manage is the way into a running daemon: HTTP with JSON bodies over
// a local stream socket, and the client for it.
//
//	POST   /v1/sessions                {"interactive":false}  -> {"id":"...","prompt":"<A>"}
//	POST   /v1/sessions/{id}/exec      {"line":"display version"} -> Reply
//	POST   /v1/sessions/{id}/complete  {"line":"display e"}   -> Completion
//	DELETE /v1/sessions/{id}
//
// A session belongs to the user who opened it. Who may connect at all is the
// business of the socket's file mode; the kernel names every peer
// (SO_PEERCRED) and the log does too.
package manage
