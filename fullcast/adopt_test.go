package fullcast_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

func TestADryRunOfAnAdoptionSpendsAndWritesNothingAndSaysWhatWouldBeMet(t *testing.T) {
	second := oauthflow.Key{Tenant: "other", Name: "second"}
	wrong := func(c oauthflow.Client) oauthflow.Client {
		c.Secret = oauthflow.NewSecret("another-secret-1")
		return c
	}
	adopted := func(t *testing.T, w *world, c oauthflow.Client, token oauthflow.Secret) {
		if _, err := w.sf.Adopt(t.Context(), main, c, token); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		before func(*testing.T, *world, oauthflow.Client, oauthflow.Secret)
		key    oauthflow.Key
		client func(oauthflow.Client) oauthflow.Client
		token  string
		active bool
		kind   oauthflow.ErrorKind
	}{
		"a token that is as it should be": {key: main, active: true},
		"a wrong secret":                  {key: main, client: wrong, kind: oauthflow.KindClient},
		"a token that was revoked": {key: main, before: func(t *testing.T, w *world, _ oauthflow.Client, _ oauthflow.Secret) {
			if err := w.org.RevokeAll("Fullcast_Motion_Package"); err != nil {
				t.Fatal(err)
			}
		}},
		"a token that this key has adopted":                       {key: main, before: adopted, active: true},
		"a token that another key has adopted":                    {key: second, before: adopted, kind: oauthflow.KindElsewhere},
		"an org, user and app of another key, with another token": {key: second, before: adopted, token: "another", active: true},
		"a key that is connected":                                 {key: main, before: adopted, token: "another", kind: oauthflow.KindInvalid},
		"a key that is none":                                      {key: oauthflow.Key{Tenant: "acme"}, kind: oauthflow.KindInvalid},
		"a token that is none":                                    {key: main, token: "two\nlines", kind: oauthflow.KindInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			w, c, token := legacyWorld(t)
			if tt.before != nil {
				tt.before(t, w, c, token)
			}
			switch tt.token {
			case "":
			case "another":
				plain, err := w.org.UserApproved("Fullcast_Motion_Package", "admin@acme.example")
				if err != nil {
					t.Fatal(err)
				}
				token = oauthflow.NewSecret(plain)
			default:
				token = oauthflow.NewSecret(tt.token)
			}
			if tt.client != nil {
				c = tt.client(c)
			}
			store := &written{Store: w.store}
			posts := w.rec.count("/services/oauth2/token")
			is, err := w.connector(t, store).AdoptDryRun(t.Context(), tt.key, c, token)
			var e *fullcast.Error
			var cause *oauthflow.Error
			switch {
			case tt.kind == "" && (err != nil || is.Active != tt.active):
				t.Errorf("got active %v, %v; want %v", is.Active, err, tt.active)
			case tt.kind != "" && (!errors.As(err, &e) || !errors.As(err, &cause) || cause.Kind != tt.kind || e.Remedy == 0):
				t.Errorf("got %v, want an error of kind %q", err, tt.kind)
			}
			if n := w.rec.count("/services/oauth2/token") - posts; n != 0 {
				t.Errorf("%d token requests were sent", n)
			}
			if n := store.times.Load(); n != 0 {
				t.Errorf("the store was written to %d times", n)
			}
		})
	}
}

func TestADryRunIsFollowedByTheAdoptionItself(t *testing.T) {
	w, c, token := legacyWorld(t)
	for range 3 {
		if is, err := w.sf.AdoptDryRun(t.Context(), main, c, token); err != nil || !is.Active || !slices.Contains(is.Scopes, "refresh_token") {
			t.Fatalf("got %+v, %v", is, err)
		}
	}
	conn, err := w.sf.Adopt(t.Context(), main, c, token)
	if err != nil || conn.Kind() != metadata.KindConnectedApp {
		t.Fatal(err)
	}
	if _, err := w.sf.Adopt(t.Context(), oauthflow.Key{Tenant: "acme", Name: "second"}, c, token); !errors.Is(err, oauthflow.ErrConnectedElsewhere) {
		t.Errorf("the same token under another key: %v, want ErrConnectedElsewhere", err)
	}
	if status, err := query(t.Context(), conn); status != 200 || err != nil {
		t.Errorf("a query afterwards answers %d, %v", status, err)
	}
}

func TestAnAdoptionOfAUserWhoIsConnectedAlreadyKeepsWhatItsRefreshHasBrought(t *testing.T) {
	w, c, token := legacyWorld(t)
	second := oauthflow.Key{Tenant: "acme", Name: "import and export"}
	plain, err := w.org.UserApproved("Fullcast_Motion_Package", "admin@acme.example")
	if err != nil {
		t.Fatal(err)
	}
	for k, token := range map[oauthflow.Key]oauthflow.Secret{main: token, second: oauthflow.NewSecret(plain)} {
		for range 2 { // also again
			if _, err := w.sf.Adopt(t.Context(), k, c, token); err != nil {
				t.Fatalf("%v: %v", k, err)
			}
		}
	}
	if n := w.rec.count("/services/oauth2/token"); n != 2 {
		t.Errorf("%d token requests, want one for each", n)
	}
	for _, k := range []oauthflow.Key{main, second} {
		conn, err := w.sf.Open(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		w.org.ExpireSessions()
		if status, err := query(t.Context(), conn); status != 200 || err != nil {
			t.Errorf("a query of %v answers %d, %v", k, status, err)
		}
	}
}
