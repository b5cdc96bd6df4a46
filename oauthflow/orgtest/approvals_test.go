package orgtest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// Pages differ on how many approvals are kept and which of them ends; each reading is a knob.
func TestOneApprovalTooManyRevokesAnother(t *testing.T) {
	for _, c := range []struct {
		name  string
		cfg   orgtest.Config
		alive int // approvals before the one too many
		ended int // which of them it ends, when only the first has been used again
	}{
		{"the sixth, by default, the oldest", orgtest.Config{}, 5, 0},
		{"the sixth the least recently used", orgtest.Config{DropLeastUsed: true}, 5, 1},
		{"the fifth the oldest", orgtest.Config{ApprovalLimit: 4}, 4, 0},
		{"the fifth the least recently used", orgtest.Config{ApprovalLimit: 4, DropLeastUsed: true}, 4, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := withDemo(t, c.cfg)
				var tokens []string
				for range c.alive {
					time.Sleep(time.Minute)
					_, refresh := w.connect()
					tokens = append(tokens, refresh)
				}
				time.Sleep(time.Minute)
				if a := w.refresh(tokens[0]); a.status != http.StatusOK {
					t.Fatalf("one ended before there were too many: %s", a.body)
				}
				time.Sleep(time.Minute)
				w.connect()
				for i, token := range tokens {
					a := w.refresh(token)
					if i == c.ended {
						wantError(t, a, "invalid_grant", "expired access/refresh token")
					} else if a.status != http.StatusOK {
						t.Errorf("token %d: %s", i+1, a.body)
					}
				}
			})
		})
	}
}
