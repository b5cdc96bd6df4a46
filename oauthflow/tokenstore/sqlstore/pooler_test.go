package sqlstore_test

import (
	"testing"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/internal/servers"
)

func TestBehindATransactionPoolerTheStoreKeepsTheContract(t *testing.T) {
	needs.Patience(t)
	dsn := servers.StartPgBouncer(t, postgres(t).dsn, 2)
	keepsTheContract(t, func(t testing.TB) place {
		p := unprepared(t)
		p.dsn = dsn
		return p
	})
}
