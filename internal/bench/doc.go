// Package bench measures this module beside its peers. Every row is a ratio between things that took turns in one run,
// since machines are noisy and no absolute figure carries over; every row has a target.
//
//	make bench
//
// The tests of this package that need no quiet machine (how many requests, how many allocations) always run; the rows
// run with SFAUTH_BENCH=1.
package bench
