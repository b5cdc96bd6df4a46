package sqlstore_test

import (
	"os"
	"os/exec"
	"testing"
)

// MySQL is left out: its drivers make SHA-1 of a password. What a package computes when it is
// initialized ends a process that enforces FIPS 140-3.
func TestTheStoreKeepsTheContractWhereFIPSIsEnforced(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run", "^TestTheStoreKeepsTheContract$/^(SQLite|PostgreSQL)$/^Of_many")
	cmd.Env = append(os.Environ(), "GODEBUG=fips140=only")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("under GODEBUG=fips140=only: %v\n%s", err, out)
	}
}
