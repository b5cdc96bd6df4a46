package sqlstore_test

import "testing"

func TestTheStoreTellsThePoolOfItsDatabase(t *testing.T) {
	p := sqlite(t)
	migrated(t, p)
	db := connect(t, p)
	s := over(t, db, p)
	for _, n := range []int{3, 16, 0} {
		db.SetMaxOpenConns(n)
		if got := s.Pool(); got != n {
			t.Errorf("a pool of %d, want %d", got, n)
		}
	}
}
