// Package mutations tests the simulation itself: the simulation must find bugs that are planted
// on purpose. They are patches in sim/testdata/mutations and are never in the product.
package mutations
