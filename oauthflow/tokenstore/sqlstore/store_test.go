package sqlstore_test

import (
	"testing"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/storetest"
)

func TestTheStoreKeepsTheContract(t *testing.T) {
	tests := []struct {
		name  string
		place func(t testing.TB) place
	}{
		{"PostgreSQL", postgres},
		{"PostgreSQL, serializable", func(t testing.TB) place {
			return postgres(t).with("default_transaction_isolation=serializable")
		}},
		{"MariaDB", mariadb},
		{"MariaDB, counting found rows", func(t testing.TB) place { return mariadb(t).with("clientFoundRows=true") }},
		{"SQLite", sqlite},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel() // they wait for their disks most of the time
			keepsTheContract(t, test.place)
		})
	}
}

func keepsTheContract(t *testing.T, fresh func(t testing.TB) place) {
	storetest.Run(t, func(t *testing.T) func() tokenstore.Store {
		p := fresh(t)
		migrated(t, p)
		return func() tokenstore.Store { return open(t, p) }
	})
}
