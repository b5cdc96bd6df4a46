package fullcast_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// What only time or Salesforce ends is nobody's work, and what an admin ends is not usable: no connection is in both lists.
func TestAConnectionThatPassesOrHealsByItselfNeedsNoAdmin(t *testing.T) {
	const refused = `{"error":"invalid_grant","error_description":"`
	for name, tt := range map[string]struct {
		status int
		body   string
		is     oauthflow.Status
		want   []fullcast.Condition
	}{
		"nothing is wrong":           {0, "", oauthflow.StatusActive, []fullcast.Condition{fullcast.Usable}},
		"the grant is dead":          {400, refused + `expired access/refresh token"}`, oauthflow.StatusBroken, []fullcast.Condition{fullcast.NeedsAdmin}},
		"the address is not allowed": {400, refused + `ip restricted"}`, oauthflow.StatusSuspended, []fullcast.Condition{fullcast.NeedsAdmin}},
		"a limit of logins":          {403, `{"error":"login_rate_exceeded","error_description":"login rate exceeded"}`, oauthflow.StatusSuspended, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, config{Existing: existing(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example").New())})
			w.connect(t)
			if tt.status != 0 {
				if err := w.org.Inject(orgtest.Fault{Path: "/services/oauth2/token", Status: tt.status, Body: tt.body}); err != nil {
					t.Fatal(err)
				}
				if err := w.sf.Manager().Renew(t.Context(), main); err == nil {
					t.Fatal("it was not refused")
				}
			}
			now, err := w.sf.Load(t.Context(), main)
			if err != nil || now.Status != tt.is {
				t.Fatalf("it is %s, %v; want %s", now.Status, err, tt.is)
			}
			for _, c := range []fullcast.Condition{fullcast.Usable, fullcast.NeedsAdmin} {
				if got := names(t, w, fullcast.Filter{Condition: c}) != ""; got != slices.Contains(tt.want, c) {
					t.Errorf("listed as %s: %v, want %v", c, got, tt.want)
				}
			}
		})
	}
}

// The disconnection of a connection changes its condition, and must still be found by the call that repeats it.
func TestDisconnectingByConditionGoesOnWithWhatItHasBegun(t *testing.T) {
	w := newWorld(t, config{Existing: existing(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example").New())})
	w.connect(t)
	w.rec.fail = "/services/oauth2/revoke"
	all := fullcast.Filter{Tenant: main.Tenant, Condition: fullcast.Usable}
	if err := w.sf.DisconnectAll(t.Context(), all, nil); err == nil {
		t.Fatal("it was revoked")
	}
	if got := names(t, w, all); got != "" {
		t.Errorf("what is being disconnected is listed as usable: %q", got)
	}
	if got := names(t, w, fullcast.Filter{Condition: fullcast.NeedsAdmin}); got != "" {
		t.Errorf("what is being disconnected is listed as an admin's: %q", got)
	}
	w.rec.fail = ""
	if err := w.sf.DisconnectAll(t.Context(), all, nil); err != nil {
		t.Error(err)
	}
	var e *oauthflow.Error
	if _, err := w.sf.Load(t.Context(), main); !errors.As(err, &e) || e.Kind != oauthflow.KindNotConnected {
		t.Errorf("it is still there: %v", err)
	}
}

// What an admin was needed for does not matter any more once a connection is being disconnected.
func TestWhatIsBeingDisconnectedNeedsNoAdmin(t *testing.T) {
	w := newWorld(t, config{Existing: existing(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example").New())})
	w.connect(t)
	if err := w.org.Inject(orgtest.Fault{Path: "/services/oauth2/token", Status: 400, Body: `{"error":"invalid_grant","error_description":"ip restricted"}`}); err != nil {
		t.Fatal(err)
	}
	if err := w.sf.Manager().Renew(t.Context(), main); err == nil {
		t.Fatal("it was not refused")
	}
	needing := fullcast.Filter{Condition: fullcast.NeedsAdmin}
	if got := names(t, w, needing); got != "main" {
		t.Errorf("before: %q", got)
	}
	w.rec.fail = "/services/oauth2/revoke"
	if err := w.sf.Disconnect(t.Context(), main); err == nil {
		t.Fatal("it was revoked")
	}
	if got := names(t, w, needing); got != "" {
		t.Errorf("while it is being disconnected: %q", got)
	}
}
