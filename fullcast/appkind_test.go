package fullcast_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// Begin took an empty kind and Adopt refused it.
func TestAnAppWhoseKindIsNotNamedIsAnExternalClientAppHoweverItIsConnected(t *testing.T) {
	for name, connect := range map[string]func(t *testing.T, w *world, c oauthflow.Client) (*fullcast.Connection, error){
		"a login": func(t *testing.T, w *world, c oauthflow.Client) (*fullcast.Connection, error) {
			return w.login(t, w.sf, (*fullcast.Connector).Begin, fullcast.BeginOptions{Client: c})
		},
		"an adoption": func(t *testing.T, w *world, c oauthflow.Client) (*fullcast.Connection, error) {
			token, err := w.org.UserApproved("Fullcast", "admin@acme.example")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.sf.AdoptDryRun(t.Context(), main, c, oauthflow.NewSecret(token)); err != nil {
				t.Errorf("the dry run: %v", err)
			}
			return w.sf.Adopt(t.Context(), main, c, oauthflow.NewSecret(token))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, config{Existing: existing(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example").New())})
			conn, err := connect(t, w, w.client(t, "Fullcast"))
			if err != nil {
				t.Fatal(err)
			}
			now, err := w.sf.Load(t.Context(), main)
			if err != nil || now.Kind != oauthflow.ExternalClientAppKind || conn.Kind() != metadata.KindExternalClientApp {
				t.Errorf("stored is the kind %q, the connection's is %q, %v", now.Kind, conn.Kind(), err)
			}
			if got := names(t, w, fullcast.Filter{Kind: metadata.KindExternalClientApp}); got != "main" {
				t.Errorf("the filter selects %q", got)
			}
		})
	}
}

func TestAKindOfAppThatThereIsNotIsRefusedWhereverOneIsGiven(t *testing.T) {
	w := newWorld(t, config{Existing: existing(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example").New())})
	w.connect(t)
	c := w.client(t, "Fullcast")
	c.Kind = "externalClientApp"
	m := w.sf.Manager()
	for name, err := range map[string]error{
		"Begin":             second(w.sf.Begin(t.Context(), main, fullcast.BeginOptions{Client: c, Binding: session})),
		"Adopt":             second(w.sf.Adopt(t.Context(), main, c, oauthflow.NewSecret("token"))),
		"UpdateCredentials": second(w.sf.UpdateCredentials(t.Context(), main, c)),
		"Manager.Begin":     second(m.Begin(t.Context(), main, c, session, oauthflow.AuthorizeOptions{RedirectURL: fullcast.Production.CallbackURLs()[0]})),
		"Manager.Adopt":     second(m.Adopt(t.Context(), main, c, oauthflow.NewSecret("token"))),
		"Manager.SetClient": m.SetClient(t.Context(), main, c),
		"Manager.SetKind":   m.SetKind(t.Context(), main, c.ID, c.Kind),
	} {
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), "kind") {
			t.Errorf("%s: got %v", name, err)
		}
		if e := (*fullcast.Error)(nil); errors.As(err, &e) && e.Remedy != fullcast.FixCode {
			t.Errorf("%s: the remedy is %v", name, e.Remedy)
		}
	}
}

func second[T any](_ T, err error) error { return err }
