package redisstore_test

import (
	"testing"

	"github.com/fullcast/sfauth/internal/needs"
)

// Without a server, the contract is left out, and the process starts and ends at least: what a package computes when it is
// initialized ends a process that enforces FIPS 140-3.
func TestTheStoreKeepsTheContractWhereFIPSIsEnforced(t *testing.T) {
	needs.UnderFIPS(t, "^TestTheStoreKeepsTheContract$/^on_/^Of_many")
}
