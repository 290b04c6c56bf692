// Package web is the HTTP server of a device, for people and for Prometheus. It only
// tells; nothing can be changed through it.
//
//	GET /              the web page (page/), plain files without a build step
//	GET /api/live      the two devices at a glance, again and again, as server-sent events
//	GET /api/history   what the plots begin with
//	GET /api/groups    groups with listeners, searched and paged
//	GET /api/group     one group: its listeners, its streams and who sends them
//	GET /metrics       for Prometheus
//
// It listens where the configuration says (`http server`), on a loopback address until
// that says otherwise.
package web
