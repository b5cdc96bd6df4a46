package sqlstore_test

import (
	"testing"

	"github.com/fullcast/sfauth/internal/needs"
)

// MySQL is left out: its drivers make SHA-1 of a password.
func TestTheStoreKeepsTheContractWhereFIPSIsEnforced(t *testing.T) {
	needs.UnderFIPS(t, "^TestTheStoreKeepsTheContract$/^(SQLite|PostgreSQL)$/^Of_many")
}
