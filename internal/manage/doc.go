// Package manage gives local programs access to a running daemon: HTTP with JSON bodies
// over a local stream socket. It contains the server and the client.
//
//	POST   /v1/sessions                {"interactive":false}  -> {"id":"...","prompt":"<A>"}
//	POST   /v1/sessions/{id}/exec      {"line":"display version"} -> Reply
//	POST   /v1/sessions/{id}/complete  {"line":"display e"}   -> Completion
//	DELETE /v1/sessions/{id}
//
// A session belongs to the user who opened it. The file mode of the socket decides who
// may connect. The kernel identifies the user of every connection (SO_PEERCRED), and the
// log records the user.
package manage
