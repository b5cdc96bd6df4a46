package fullcast_test

import (
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

var egress = []string{"203.0.113.7", "198.51.100.0/28", "2001:db8::/48"}

func withEgress(c *fullcast.Config) { c.EgressAddresses = egress }

func TestTheAddressesAreNamedWhereARestrictionOfAddressesIsInTheWay(t *testing.T) {
	restricts := map[fullcast.Remedy]bool{
		fullcast.AdminAllowsAddresses: true, fullcast.AdminAllowsAppAddresses: true, fullcast.AdminFixesLoginHours: true, fullcast.AdminFixesSessions: true,
	}
	for _, r := range remedies() {
		text, none := r.ForAdmin(egress), r.ForAdmin(nil)
		if strings.Contains(text, strings.Join(egress, ", ")) != restricts[r] || strings.Contains(text, "{") {
			t.Errorf("%s: %q", r.ID(), text)
		}
		if strings.Contains(none, "those that Fullcast tells you") != restricts[r] {
			t.Errorf("%s without addresses: %q", r.ID(), none)
		}
	}
	for _, r := range []fullcast.Remedy{fullcast.Migrate, fullcast.RecreateApp} {
		if text := r.ForAdmin(nil); !strings.Contains(text, "support.fullcast.com") {
			t.Errorf("%s does not say where to read on", r.ID())
		}
	}
}

// What a remedy has an admin choose is what the instructions say, else the next check finds fault with it.
func TestARemedyChoosesNoOtherOptionThanTheInstructionsName(t *testing.T) {
	spec := fullcast.ExternalClientApp(fullcast.Production, "")
	right := map[string]bool{string(spec.IPRelaxation): true, string(spec.PermittedUsers): true, string(spec.RefreshTokenPolicy.Rule): true}
	options := []string{
		string(metadata.EnforceIPRestrictions), string(metadata.EnforceIPRelaxForRefreshTokens), string(metadata.RelaxIPForActivatedDevices), string(metadata.RelaxIPRestrictions),
		string(metadata.AllUsersMaySelfAuthorize), string(metadata.AdminApprovedUsersOnly), string(metadata.ValidUntilRevoked),
	}
	named := 0
	for _, r := range remedies() {
		for _, option := range options {
			if !strings.Contains(r.ForAdmin(nil), `"`+option+`"`) {
				continue
			}
			if named++; !right[option] {
				t.Errorf("%s has the admin choose %q: %s", r.ID(), option, r.ForAdmin(nil))
			}
		}
	}
	if named < 2 {
		t.Errorf("%d options are found in the remedies", named)
	}
}

// What an admin has corrected goes on by itself for a connection that there is, and not for a login that has failed.
func TestOnlyAConnectionThatThereIsGoesOnByItself(t *testing.T) {
	w := newWorld(t, config{})
	for op, want := range map[string]string{"refresh": "by itself", "request": "by itself", "exchange": "connect again", "callback": "connect again"} {
		cause := &oauthflow.Error{Op: op, Code: "oauth_app_access_denied", Kind: oauthflow.KindUserPolicy}
		if op != "callback" {
			cause.Code, cause.Description = "invalid_app_access", "user is not admin approved to access this app"
		}
		text := w.sf.ForAdmin(&fullcast.Error{Op: "complete", Key: main, Remedy: fullcast.RemedyFor(cause, metadata.KindExternalClientApp), Err: cause})
		if !strings.Contains(text, want) || strings.Contains(text, "by itself") && strings.Contains(text, "connect again") {
			t.Errorf("%s: %q, want %q", op, text, want)
		}
	}
	for _, r := range []fullcast.Remedy{fullcast.AdminUnblocksApp, fullcast.AdminClearsDPoP, fullcast.Reauthorize, fullcast.Migrate} {
		if text := r.ForAdmin(nil); strings.Contains(text, "by itself") {
			t.Errorf("%s: %q", r.ID(), text)
		}
	}
}

func TestTheTextForTheAdminSaysWhatHasHappenedAndWhichAddressesToAllow(t *testing.T) {
	w := newWorld(t, config{})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	w.connect(t)
	sf := w.connector(t, w.store, withEgress)
	conn, err := sf.Open(t.Context(), main)
	if err != nil {
		t.Fatal(err)
	}
	w.org.ExpireSessions()
	w.refuse(t, `{"error":"invalid_grant","error_description":"ip restricted"}`)
	_, err = query(t.Context(), conn)
	wantError(t, err, oauthflow.KindIPRestricted, fullcast.AdminAllowsAddresses)
	now, serr := conn.Status(t.Context())
	if serr != nil {
		t.Fatal(serr)
	}
	texts := map[string]string{"the error": sf.ForAdmin(err), "the stored fault": conn.ForAdmin(now.Fault)}
	for _, l := range conn.Diagnose(t.Context()).Lines {
		if l.Subject == "Stored connection" {
			texts["the diagnosis"] = l.Text + l.ForAdmin
		}
	}
	for of, text := range texts {
		for _, want := range []string{"network address", "Login IP Ranges", "203.0.113.7, 198.51.100.0/28, 2001:db8::/48"} {
			if !strings.Contains(text, want) {
				t.Errorf("the text about %s lacks %q: %s", of, want, text)
			}
		}
		if strings.Contains(text, w.client(t, "Fullcast").Secret.Reveal()) {
			t.Errorf("the text about %s shows the consumer secret", of)
		}
	}
	now.Fault = nil
	for _, text := range []string{sf.ForAdmin(nil), conn.ForAdmin(nil), conn.ForAdmin(now.Fault)} {
		if text != "" {
			t.Errorf("about nothing: %q", text)
		}
	}
}

func TestTheTextAboutABrokenConnectedAppSaysToMigrate(t *testing.T) {
	w, c, token := legacyWorld(t)
	conn, err := w.sf.Adopt(t.Context(), main, c, token)
	if err != nil {
		t.Fatal(err)
	}
	w.org.ExpireSessions()
	w.refuse(t, `{"error":"invalid_client","error_description":"invalid client credentials"}`)
	if _, err := query(t.Context(), conn); err == nil {
		t.Fatal("it was not refused")
	}
	now, err := conn.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if text := conn.ForAdmin(now.Fault); !strings.Contains(text, fullcast.Migrate.ForAdmin(nil)) {
		t.Errorf("got %q", text)
	}
}

func TestAddressesThatSalesforceNeverSeesAreRefused(t *testing.T) {
	for _, tt := range []struct{ given, want string }{
		{"fullcast.io", "neither an address"},
		{"", "neither an address"},
		{"203.0.113.7:443", "neither an address"},
		{"fe80::1%eth0", "neither an address"},
		{"203.0.113.7/28", "write 203.0.113.0/28"},
		{"0.0.0.0/0", "nearly everybody"},
		{"10.0.0.0/8", "no public address"},
		{"192.168.1.1", "no public address"},
		{"127.0.0.1", "no public address"},
		{"0.0.0.0", "no public address"},
		{"::1", "no public address"},
		{"224.0.0.1", "no public address"},
	} {
		keys, err := tokenstore.NewKeyring(tokenstore.GenerateSealingKey("test"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = fullcast.NewConnector(fullcast.Config{
			Site: fullcast.Production, Store: tokenstore.NewMemory(), Keyring: keys, EgressAddresses: []string{"203.0.113.7", tt.given},
		})
		if err == nil || !strings.Contains(err.Error(), "EgressAddresses") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want an error that says %q", tt.given, err, tt.want)
		}
	}
}
