package fullcast_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// The call that proves a migration may be refused as any other may; who is told has to know who must do what.
func TestAMigrationWhoseProofIsRefusedSaysWhyAndWhoHasToAct(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		status     int
		kind       oauthflow.ErrorKind
		remedy     fullcast.Remedy
	}{
		{"limit", `[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]`, http.StatusForbidden, oauthflow.KindLimit, fullcast.Retry},
		{"no API", `[{"message":"The REST API is not enabled for this Organization.","errorCode":"API_DISABLED_FOR_ORG"}]`, http.StatusForbidden, oauthflow.KindUserPolicy, fullcast.AdminEnablesAPI},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, orgtest.Config{})
			w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "a@acme.example"))
			w.connect(t)
			if err := w.org.Inject(orgtest.Fault{Path: "/services/data/v66.0/query", Times: -1, Status: tt.status, Body: tt.body,
				Header: http.Header{"Content-Type": {"application/json"}}}); err != nil {
				t.Fatal(err)
			}
			_, err := w.login(t, w.sf, (*fullcast.Connector).BeginMigration, fullcast.BeginOptions{Client: w.client(t, "Fullcast")})
			var e *oauthflow.Error
			var f *fullcast.Error
			if !errors.As(err, &e) || !errors.As(err, &f) {
				t.Fatalf("got %v (%T), want an error with a kind and a remedy", err, err)
			}
			if e.Kind != tt.kind || f.Remedy != tt.remedy || !strings.Contains(err.Error(), "migration") {
				t.Errorf("got %v, kind %s, remedy %v; want kind %s, remedy %v", err, e.Kind, f.Remedy, tt.kind, tt.remedy)
			}
		})
	}
}
