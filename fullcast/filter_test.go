package fullcast_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// fleet is an org with connections of both kinds, three days apart: "old" and "broken" with the connected app,
// "new" and "suspended" with the external client app, and a migration of "old" that waits for its end.
func fleet(t *testing.T) *world {
	t.Helper()
	const app = "Fullcast_Motion_Package"
	w := bubbleWorld(t, config{
		RotateRefreshTokens: true, ApprovalLimit: 20,
		Existing: existing(t, fullcast.ConnectedApp(fullcast.Production, "admin@acme.example").New()),
	})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	begin := func(name string) {
		k := oauthflow.Key{Tenant: "acme", Name: name}
		to, err := w.sf.Begin(t.Context(), k, fullcast.BeginOptions{Client: w.client(t, "Fullcast"), Binding: session})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.sf.Complete(t.Context(), w.approved(t, to)); err != nil {
			t.Fatal(err)
		}
	}
	old := w.client(t, app)
	old.Kind = metadata.KindConnectedApp
	token, err := w.org.UserApproved(app, "admin@acme.example")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.sf.Adopt(t.Context(), oauthflow.Key{Tenant: "acme", Name: "old"}, old, oauthflow.NewSecret(token)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(72 * time.Hour)
	begin("new")
	time.Sleep(72 * time.Hour)
	begin("dead")
	conn, err := w.sf.Open(t.Context(), oauthflow.Key{Tenant: "acme", Name: "dead"})
	if err != nil {
		t.Fatal(err)
	}
	w.org.ExpireSessions()
	w.refuse(t, `{"error":"invalid_grant","error_description":"expired access/refresh token"}`)
	if _, err := query(t.Context(), conn); err == nil {
		t.Fatal("it is not broken")
	}
	time.Sleep(72 * time.Hour)
	begin("held")
	if conn, err = w.sf.Open(t.Context(), oauthflow.Key{Tenant: "acme", Name: "held"}); err != nil {
		t.Fatal(err)
	}
	w.org.ExpireSessions()
	w.refuse(t, `{"error":"invalid_grant","error_description":"ip restricted"}`)
	if _, err := query(t.Context(), conn); err == nil {
		t.Fatal("it is not suspended")
	}

	w.rec.fail = "/services/data/v66.0/query" // the migration's proof
	to, err := w.sf.BeginMigration(t.Context(), oauthflow.Key{Tenant: "acme", Name: "old"},
		fullcast.BeginOptions{Client: w.client(t, "Fullcast"), Binding: session})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.sf.Complete(t.Context(), w.approved(t, to)); err == nil {
		t.Fatal("the migration is complete")
	}
	w.rec.fail = ""
	return w
}

func names(t *testing.T, w *world, f fullcast.Filter) string {
	t.Helper()
	var all []string
	for conn, err := range w.sf.List(t.Context(), f) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, conn.Key.Name)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func TestAFilterSelectsByKindStatusAndAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := fleet(t)
		const day = 24 * time.Hour
		for _, tt := range []struct {
			filter fullcast.Filter
			want   string
		}{
			{fullcast.Filter{}, "dead held new old"},
			{fullcast.Filter{Tenant: "acme"}, "dead held new old"},
			{fullcast.Filter{Tenant: "other"}, ""},
			{fullcast.Filter{Kind: metadata.KindConnectedApp}, "old"},
			{fullcast.Filter{Kind: metadata.KindExternalClientApp}, "dead held new"},
			{fullcast.Filter{Status: oauthflow.StatusActive}, "new old"},
			{fullcast.Filter{Status: oauthflow.StatusBroken}, "dead"},
			{fullcast.Filter{Status: oauthflow.StatusSuspended}, "held"},
			{fullcast.Filter{Status: oauthflow.StatusDisconnecting}, ""},
			{fullcast.Filter{Condition: fullcast.Usable}, "new old"},
			{fullcast.Filter{Condition: fullcast.NeedsAdmin}, "dead held"},
			{fullcast.Filter{Condition: fullcast.NeedsAdmin, Status: oauthflow.StatusBroken}, "dead"},
			{fullcast.Filter{Condition: fullcast.Usable, Kind: metadata.KindConnectedApp}, "old"},
			{fullcast.Filter{OlderThan: 8 * day}, "old"},
			{fullcast.Filter{OlderThan: 4 * day}, "new old"},
			{fullcast.Filter{YoungerThan: 4 * day}, "dead held"},
			{fullcast.Filter{YoungerThan: time.Hour}, "held"},
			{fullcast.Filter{OlderThan: time.Hour, YoungerThan: 7 * day}, "dead new"},
			{fullcast.Filter{Kind: metadata.KindExternalClientApp, Status: oauthflow.StatusActive, OlderThan: day}, "new"},
			{fullcast.Filter{Kind: metadata.KindConnectedApp, Status: oauthflow.StatusBroken}, ""},
		} {
			if got := names(t, w, tt.filter); got != tt.want {
				t.Errorf("%+v selects %q, want %q", tt.filter, got, tt.want)
			}
		}
		if n, err := w.sf.LegacyLeft(t.Context()); n != 1 || err != nil {
			t.Errorf("%d legacy connections are left, %v; want 1", n, err)
		}
		if _, err := w.sf.ResumeMigration(t.Context(), oauthflow.Key{Tenant: "acme", Name: "old"}); err != nil {
			t.Fatal(err)
		}
		if n, err := w.sf.LegacyLeft(t.Context()); n != 0 || err != nil {
			t.Errorf("after the migration %d legacy connections are left, %v", n, err)
		}
	})
}

func TestDisconnectingAllGoesOnWhereItWasKilled(t *testing.T) {
	all := fullcast.Filter{Tenant: "acme", Status: oauthflow.StatusActive}
	for _, acts := range []bool{false, true} {
		for n, hit := int64(1), true; hit; n++ {
			synctest.Test(t, func(t *testing.T) {
				w := fleet(t)
				dying := &interrupted{Store: w.store, at: n, acts: acts}
				err := w.connector(t, dying).DisconnectAll(t.Context(), all, nil)
				hit = dying.calls.Load() >= n
				if n < 4 && err == nil {
					t.Errorf("store call %d failed, and all is disconnected", n)
				}
				var told []string
				err = w.sf.DisconnectAll(t.Context(), all, func(p fullcast.Progress) {
					told = append(told, fmt.Sprint(p.Done, "/", p.Total))
					if p.Err != nil {
						t.Errorf("store call %d, acts %v: %v: %v", n, acts, p.Key, p.Err)
					}
				})
				if err != nil {
					t.Errorf("store call %d, acts %v: %v", n, acts, err)
				}
				for i, s := range told {
					if want := fmt.Sprint(i+1, "/", len(told)); s != want {
						t.Errorf("store call %d, acts %v: told %v", n, acts, told)
					}
				}
				if got := names(t, w, fullcast.Filter{}); got != "dead held" {
					t.Errorf("store call %d, acts %v: %q are left, want those that are not active", n, acts, got)
				}
				for conn, err := range w.sf.Manager().List(t.Context(), "") {
					if err != nil || conn.Key.Name != "dead" && conn.Key.Name != "held" {
						t.Errorf("store call %d, acts %v: the store holds %v, %v", n, acts, conn.Key, err)
					}
				}
			})
		}
	}
}

func TestDisconnectingAllStopsForItsCallerAndOneFailureStopsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := fleet(t)
		ctx, cancel := context.WithCancel(t.Context())
		oneByOne := w.connector(t, w.store, func(c *fullcast.Config) { c.Crew = 1 })
		err := oneByOne.DisconnectEveryTenant(ctx, fullcast.Filter{}, func(fullcast.Progress) { cancel() })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("after the caller has left: %v", err)
		}
		before := strings.Count(names(t, w, fullcast.Filter{}), " ") + 1
		if before != 3 {
			t.Errorf("%d connections are left, want 3", before)
		}
		w.rec.fail = "/services/oauth2/revoke"
		done := 0
		err = w.sf.DisconnectEveryTenant(t.Context(), fullcast.Filter{}, func(p fullcast.Progress) { done = p.Done })
		if err == nil || done != before {
			t.Errorf("without a network: %v after %d of %d", err, done, before)
		}
		w.rec.fail = ""
		if err := w.sf.DisconnectEveryTenant(t.Context(), fullcast.Filter{}, nil); err != nil {
			t.Error(err)
		}
		if left := names(t, w, fullcast.Filter{}); left != "" {
			t.Errorf("%q are left", left)
		}
	})
}

// A migration whose connection is gone, as an earlier version left it, is listed by nobody and disconnected all the same.
func TestDisconnectingAllFindsAMigrationWithoutItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := fleet(t)
		if err := w.sf.Manager().Disconnect(t.Context(), oauthflow.Key{Tenant: "acme", Name: "old"}); err != nil {
			t.Fatal(err)
		}
		if err := w.sf.DisconnectEveryTenant(t.Context(), fullcast.Filter{}, nil); err != nil {
			t.Fatal(err)
		}
		for conn, err := range w.sf.Manager().List(t.Context(), "") {
			t.Errorf("the store holds %v, %v", conn.Key, err)
		}
	})
}
