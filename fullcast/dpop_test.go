package fullcast_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
)

// An admin's tick ends no connection: once it is cleared, the same refresh token works.
func TestAnAppThatRequiresAProofIsSaidToDoSoAndTheConnectionGoesOnOnceItDoesNot(t *testing.T) {
	for _, c := range []struct {
		element, label string
		remedy         fullcast.Remedy
		reason         oauthflow.Reason
	}{
		{"isDPopEnabled", "Require DPoP", fullcast.AdminClearsDPoP, oauthflow.ReasonDPoP},
		{"isMtlsEnabled", "Require mTLS", fullcast.AdminClearsMTLS, oauthflow.ReasonMTLS},
	} {
		t.Run(c.label, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := bubbleWorld(t, config{})
				w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
				conn := w.connect(t)
				require := func(yes string) {
					if err := w.org.SetAppField("ExtlClntAppGlobalOauthSettings", "Fullcast_glbloauth", c.element, yes); err != nil {
						t.Fatal(err)
					}
				}
				require("true")
				d := conn.Diagnose(t.Context())
				if !slices.ContainsFunc(d.Lines, func(l fullcast.DiagnosisLine) bool {
					return l.Subject == "App" && strings.HasPrefix(l.Text, c.label) && l.Remedy == c.remedy && strings.Contains(l.ForAdmin, "clear the checkbox")
				}) {
					t.Errorf("before its session ends the diagnosis says:\n%s", d)
				}
				w.org.ExpireSessions()
				_, err := query(t.Context(), conn)
				wantError(t, err, oauthflow.KindAppPolicy, c.remedy)
				var e *oauthflow.Error
				if !errors.As(err, &e) || e.Reason() != c.reason || !strings.Contains(conn.ForAdmin(err), c.label) {
					t.Errorf("got %v for the admin: %s", err, conn.ForAdmin(err))
				}
				if now, err := conn.Status(t.Context()); err != nil || now.Status != oauthflow.StatusSuspended {
					t.Errorf("it is %q, %v", now.Status, err)
				}
				_, err = w.login(t, w.sf, (*fullcast.Connector).Begin, fullcast.BeginOptions{Client: w.client(t, "Fullcast")})
				wantError(t, err, oauthflow.KindAppPolicy, c.remedy)
				require("false")
				if d := conn.Diagnose(t.Context()).String(); strings.Contains(d, "App: "+c.label) {
					t.Errorf("cleared, the diagnosis says:\n%s", d)
				}
				time.Sleep(2 * time.Hour)
				if _, err := query(t.Context(), conn); err != nil {
					t.Errorf("cleared: %v", err)
				}
			})
		})
	}
}
