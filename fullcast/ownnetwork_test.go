package fullcast_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// misplaced is a transport that fails as one does in a network or an image that is not as it should be.
type misplaced struct {
	next http.RoundTripper
	err  func(host string) error // nil where nothing fails
}

func (m *misplaced) RoundTrip(r *http.Request) (*http.Response, error) {
	if m.err != nil {
		return nil, m.err(r.URL.Host)
	}
	return m.next.RoundTrip(r)
}

func TestAFaultOfTheServicesOwnNetworkIsTheOperatorsAndNoCustomersAdminIsToldToAct(t *testing.T) {
	for name, cause := range map[string]func(string) error{
		"no name is resolved": func(host string) error {
			return &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
		},
		"an authority that nobody knows": func(string) error {
			return &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}
		},
		"no authorities": func(string) error { return &tls.CertificateVerificationError{Err: x509.SystemRootsError{}} },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := bubbleWorld(t, config{})
				w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
				rt := &misplaced{next: w.rec}
				w.sf = w.connector(t, w.store, func(c *fullcast.Config) { c.Transport = rt })
				conn, err := w.sf.Complete(t.Context(), w.approved(t, w.begin(t, w.client(t, "Fullcast"))))
				if err != nil {
					t.Fatal(err)
				}
				to := w.begin(t, w.client(t, "Fullcast"))
				cb := w.approved(t, to)
				rt.err = cause
				errs := map[string]error{}
				_, errs["a query"] = query(t.Context(), conn)
				_, errs["Resty"] = conn.Resty().R().SetContext(t.Context()).Get("/services/data/v66.0/limits")
				_, errs["Check"] = conn.Check(t.Context())
				_, errs["Complete"] = w.sf.Complete(t.Context(), cb)
				errs["Disconnect"] = w.sf.Disconnect(t.Context(), main)
				for call, err := range errs {
					var e *fullcast.Error
					if !errors.As(err, &e) || e.Remedy != fullcast.FixService || e.Actor() != fullcast.ActorOperator || !errors.Is(err, oauthflow.ErrOwnNetwork) {
						t.Errorf("%s: got %v, want one for the operator", call, err)
						continue
					}
					notTheCustomers(t, call, w.sf.ForAdmin(err))
					notTheCustomers(t, call, conn.ForAdmin(err))
				}
				for _, l := range conn.Diagnose(t.Context()).Lines {
					if l.Subject != "Network" {
						continue
					}
					if l.Remedy != fullcast.FixService || strings.Contains(l.Text, "gone") || strings.Contains(l.Text, "renamed") {
						t.Errorf("the diagnosis says %q, %q", l.Text, l.Remedy)
					}
					notTheCustomers(t, "the diagnosis", l.ForAdmin)
				}
			})
		})
	}
}

func notTheCustomers(t *testing.T, call, text string) {
	t.Helper()
	if !strings.Contains(text, "Nothing needs to be done in Salesforce") || !strings.Contains(text, "tell Fullcast") {
		t.Errorf("%s: the admin is told %q", call, text)
	}
	for _, wrong := range []string{"tries again", "tried again", "check what", "deleted", "renamed", "connect again", "My Domain"} {
		if strings.Contains(text, wrong) {
			t.Errorf("%s: the admin is told %q", call, text)
		}
	}
}

// A callback page shows the customer's admin what CallbackAPI answers.
func TestACallbackPageIsNotToldToCorrectTheService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := bubbleWorld(t, config{})
		w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
		rt := &misplaced{next: w.rec}
		w.sf = w.connector(t, w.store, func(c *fullcast.Config) { c.Transport = rt })
		cb := w.approved(t, w.begin(t, w.client(t, "Fullcast")))
		rt.err = func(host string) error { return &net.DNSError{Err: "no such host", Name: host, IsNotFound: true} }
		api, err := w.sf.CallbackAPI(fullcast.CallbackConfig{Session: func(*http.Request) (string, string, error) { return main.Tenant, session, nil }})
		if err != nil {
			t.Fatal(err)
		}
		body, err := json.Marshal(map[string]string{"path": "/app/admin/motion", "query": "?" + cb.Query.Encode()})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://app.fullcast.io/callback", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Origin", "https://app.fullcast.io")
		rec := httptest.NewRecorder()
		api.ServeHTTP(rec, r)
		var answer struct{ Remedy string }
		if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		notTheCustomers(t, "the page", answer.Remedy)
	})
}

func TestPrivateNetworksAreConfiguredAndCheckedAtTheConnector(t *testing.T) {
	keys, err := tokenstore.NewKeyring(tokenstore.GenerateSealingKey("test"))
	if err != nil {
		t.Fatal(err)
	}
	c := fullcast.Config{Site: fullcast.Production, Store: tokenstore.NewMemory(), Keyring: keys, PrivateNetworks: []netip.Prefix{
		netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("127.0.0.0/8"),
	}}
	_, err = fullcast.NewConnector(c)
	var field *oauthflow.FieldError
	if !errors.As(err, &field) || field.Field != "Config.PrivateNetworks[1]" {
		t.Errorf("got %v, want an error that names Config.PrivateNetworks[1]", err)
	}
	c.PrivateNetworks = c.PrivateNetworks[:1]
	dialed := 0
	c.Transport = &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		dialed++
		ours, theirs := net.Pipe()
		theirs.Close()
		return meshed{ours}, nil
	}}
	sf := opened(t, c)
	host, err := oauthflow.ParseHost("acme.my.salesforce.com")
	if err != nil {
		t.Fatal(err)
	}
	client := oauthflow.Client{Kind: oauthflow.ExternalClientAppKind, Host: host, ID: "3MVG9" + strings.Repeat("a", 40), Secret: oauthflow.NewSecret(strings.Repeat("A", 64))}
	_, err = sf.AdoptDryRun(t.Context(), main, client, oauthflow.NewSecret("5Aep861"+strings.Repeat("x", 80)))
	if err == nil || errors.Is(err, oauthflow.ErrOwnNetwork) || dialed == 0 {
		t.Errorf("%d connections, %v; want one in the mesh that breaks off", dialed, err)
	}
}

// meshed is a connection to an address of a service mesh.
type meshed struct{ net.Conn }

func (meshed) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(240, 240, 0, 1), Port: 443} }
