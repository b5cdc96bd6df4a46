package sqlstore_test

import (
	"math"
	"strconv"
	"testing"
	"time"
)

// A number in the column of due times is set without a key. It keeps no record out of a list that has no bound.
func TestAListWithoutABoundHoldsARecordWhateverDueTimeItsRowWasGiven(t *testing.T) {
	eachDatabase(t, func(t *testing.T, p place) {
		s := migrated(t, p)
		if err := s.Save(t.Context(), record("connection/acme/main")); err != nil {
			t.Fatal(err)
		}
		db := connect(t, p)
		for _, due := range []int64{time.Date(9999, 12, 31, 12, 0, 0, 0, time.UTC).UnixMicro(), 9e18, math.MaxInt64 - 1, math.MaxInt64, -1, math.MinInt64, math.MinInt64 + 1} {
			if _, err := db.ExecContext(t.Context(), "UPDATE "+p.table+" SET due = "+strconv.FormatInt(due, 10)); err != nil {
				t.Fatal(err)
			}
			for _, prefix := range []string{"", "connection/"} {
				listed := 0
				for _, err := range s.List(t.Context(), prefix, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)) {
					if err != nil {
						t.Fatal(err)
					}
					listed++
				}
				if listed != 1 {
					t.Errorf("due %d, prefix %q: %d records are listed, want 1", due, prefix, listed)
				}
			}
		}
	})
}
