package oauthflow_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// afterClaim has the second save of a record of an adopted token, which confirms it, be preceded by something, and fail.
func afterClaim(h *hooked, made bool, before func()) {
	saves := 0
	h.onSave(func(r tokenstore.Record, do func() error) error {
		if !strings.HasPrefix(r.ID, "adopted/") {
			return do()
		}
		if saves++; saves != 2 {
			return do()
		}
		h.onSave(nil)
		before()
		if made {
			if err := do(); err != nil {
				return err
			}
		}
		return errStoreDown
	})
}

func TestAnAdoptionThatIsRefreshedBeforeItIsConfirmedIsKept(t *testing.T) {
	for _, made := range []bool{true, false} {
		for name, do := range map[string]func(w *world, m *oauthflow.Manager) error{
			"a refresh": func(w *world, m *oauthflow.Manager) error { return m.Renew(w.t.Context(), mainKey) },
			"a refresh whose answer is lost": func(w *world, m *oauthflow.Manager) error {
				w.loseNextAnswer()
				ctx, cancel := withTimeout(w.t, time.Second)
				defer cancel()
				if _, err := m.Source(mainKey).TokenContext(ctx); err == nil {
					return errors.New("a token came out of nothing")
				}
				return nil
			},
		} {
			t.Run(fmt.Sprintf("%s, the save was made %v", name, made), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := rotating(t)
					h := &hooked{Store: w.store}
					m := w.manager(func(c *oauthflow.ManagerConfig) { c.Store = h })
					other := w.manager()
					given := w.inherited()
					afterClaim(h, made, func() {
						if err := do(w, other); err != nil {
							t.Error(err)
						}
					})
					_, err := m.Adopt(t.Context(), mainKey, w.client(), given)
					wantKind(t, err, oauthflow.KindStore)
					if strings.HasPrefix(name, "a refresh whose") {
						if _, err := m.Load(t.Context(), mainKey); err != nil {
							t.Errorf("what is in doubt is gone: %v", err)
						}
						return
					}
					c, err := m.Adopt(t.Context(), mainKey, w.client(), given)
					if err != nil || c.Status != oauthflow.StatusActive {
						t.Errorf("adopted again: %v, %v", c.Status, err)
					}
					w.wantEvents("refresh", "reuse", 0)
				})
			})
		}
	}
}
