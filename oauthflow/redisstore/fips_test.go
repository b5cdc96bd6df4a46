package redisstore_test

import (
	"os"
	"os/exec"
	"testing"
)

// Without a server, the contract is left out, and the process starts and ends at least: what a package computes when it is
// initialized ends a process that enforces FIPS 140-3.
func TestTheStoreKeepsTheContractWhereFIPSIsEnforced(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run", "^TestTheStoreKeepsTheContract$/^on_/^Of_many")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=only")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("under GODEBUG=fips140=only: %v\n%s", err, out)
	}
}
