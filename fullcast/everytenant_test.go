package fullcast_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// A handler whose session is lost has zero values where it had a tenant, and a typing error selects nothing.
func TestNothingIsDisconnectedByAFilterThatDoesNotSayWhose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := fleet(t)
		before := names(t, w, fullcast.Filter{})
		one, every := w.sf.DisconnectAll, w.sf.DisconnectEveryTenant
		revocations := w.rec.count("/services/oauth2/revoke")
		for _, tt := range []struct {
			name   string
			filter fullcast.Filter
			every  bool
			field  string
		}{
			{"a zero filter", fullcast.Filter{}, false, "Filter.Tenant"},
			{"a kind without a tenant", fullcast.Filter{Kind: metadata.KindConnectedApp}, false, "Filter.Tenant"},
			{"a status without a tenant", fullcast.Filter{Status: oauthflow.StatusBroken}, false, "Filter.Tenant"},
			{"an age without a tenant", fullcast.Filter{OlderThan: time.Hour}, false, "Filter.Tenant"},
			{"a tenant that no connection can have", fullcast.Filter{Tenant: strings.Repeat("x", 101)}, false, "Filter.Tenant"},
			{"a tenant among all", fullcast.Filter{Tenant: "acme"}, true, "Filter.Tenant"},
			{"a kind that there is not", fullcast.Filter{Tenant: "acme", Kind: "connected app"}, false, "Filter.Kind"},
			{"a status that there is not", fullcast.Filter{Tenant: "acme", Status: "Broken"}, false, "Filter.Status"},
			{"a status that there is not, of all tenants", fullcast.Filter{Status: "Broken"}, true, "Filter.Status"},
			{"a condition that there is not", fullcast.Filter{Tenant: "acme", Condition: "Usable"}, false, "Filter.Condition"},
			{"an age below zero", fullcast.Filter{Tenant: "acme", OlderThan: -time.Hour}, false, "Filter.OlderThan"},
			{"another age below zero", fullcast.Filter{YoungerThan: -time.Hour}, true, "Filter.YoungerThan"},
		} {
			call := one
			if tt.every {
				call = every
			}
			err := call(t.Context(), tt.filter, func(p fullcast.Progress) { t.Errorf("%s: told of %v", tt.name, p.Key) })
			var e *fullcast.Error
			if !errors.As(err, &e) || e.Remedy != fullcast.FixCode || !strings.Contains(err.Error(), tt.field) {
				t.Errorf("%s: %v, want an error of %v that names %s", tt.name, err, fullcast.FixCode, tt.field)
			}
		}
		if after := names(t, w, fullcast.Filter{}); after != before {
			t.Errorf("connected are %q, before %q", after, before)
		}
		if n := w.rec.count("/services/oauth2/revoke") - revocations; n != 0 {
			t.Errorf("%d revocations were sent", n)
		}
		if err := one(t.Context(), fullcast.Filter{Tenant: "other"}, nil); err != nil || names(t, w, fullcast.Filter{}) != before {
			t.Errorf("another tenant's: %v", err)
		}
		if err := one(t.Context(), fullcast.Filter{Tenant: "acme"}, nil); err != nil || names(t, w, fullcast.Filter{}) != "" {
			t.Errorf("all of a tenant: %v", err)
		}
	})
}
