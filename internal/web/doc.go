// Package web is the HTTP server of a device, for people and for Prometheus. It is
// read-only.
//
//	GET /              the web page (page/), plain files without a build step
//	GET /api/live      the status of the two devices, repeatedly, as server-sent events
//	GET /api/history   the first samples of the plots
//	GET /api/groups    groups with listeners, by search and page
//	GET /api/group     one group: its listeners, its streams and the device that sends each
//	GET /metrics       for Prometheus
//
// It listens on the configured address (`http server`), by default a loopback address.
package web
