// Package mutations tests the simulation itself: bugs that are planted on
// purpose have to be found by it. They are kept as patches in sim/testdata/mutations
// and are never in the product.
package mutations
