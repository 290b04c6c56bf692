// Package netif owns the daemon's network interfaces: it knows those that there are.
package netif
