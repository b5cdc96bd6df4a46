package fullcast_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// hijacked is an org that redirects every API call to another host, which a server of this machine is, too.
type hijacked struct {
	server *httptest.Server

	mu     sync.Mutex
	status int
	to     string
	stolen []string // requests that other hosts have got
	own    int
}

const hijackedAccess = "00DTEST000000001!AQEhijack0123456789token"

func (h *hijacked) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, _ := httputil.DumpRequest(r, true)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case r.Host != "acme.my.salesforce.com":
		h.stolen = append(h.stolen, string(text))
		io.WriteString(w, "{}")
	case r.URL.Path == "/services/oauth2/token":
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":%q,"instance_url":"https://acme.my.salesforce.com","token_type":"Bearer",
			"id":"https://login.salesforce.com/id/00DTEST000000001AA/005TEST000000001AA"}`, hijackedAccess)
	default:
		h.own++
		w.Header().Set("Location", h.to)
		w.WriteHeader(h.status)
	}
}

func newHijacked(t *testing.T) (*hijacked, *fullcast.Connection) {
	t.Helper()
	h := new(hijacked)
	h.server = httptest.NewTLSServer(h)
	t.Cleanup(h.server.Close)
	pool := x509.NewCertPool()
	pool.AddCert(h.server.Certificate())
	keys, err := tokenstore.NewKeyring(tokenstore.GenerateSealingKey("test"))
	if err != nil {
		t.Fatal(err)
	}
	sf, err := fullcast.NewConnector(fullcast.Config{
		Site: fullcast.Production, Store: tokenstore.NewMemory(), Keyring: keys,
		Transport: &http.Transport{DialTLSContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			d := tls.Dialer{Config: &tls.Config{RootCAs: pool, ServerName: "example.com"}}
			return d.DialContext(ctx, network, h.server.Listener.Addr().String())
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sf.Close(context.Background()) })
	host, err := oauthflow.ParseHost("acme.my.salesforce.com")
	if err != nil {
		t.Fatal(err)
	}
	c, err := sf.Adopt(t.Context(), main, oauthflow.Client{Kind: oauthflow.ExternalClientAppKind, Host: host, ID: "key", Secret: oauthflow.NewSecret("secret")}, oauthflow.NewSecret("5Aep0"))
	if err != nil {
		t.Fatal(err)
	}
	return h, c
}

func TestNoClientOfAConnectionTakesASessionOutOfTheOrg(t *testing.T) {
	h, c := newHijacked(t)
	org, err := c.Org(66)
	if err != nil {
		t.Fatal(err)
	}
	const soap = "<Envelope><Header><SessionHeader><sessionId>" + hijackedAccess + "</sessionId></SessionHeader></Header></Envelope>"
	calls := map[string]func() error{
		"HTTPClient": func() error {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://acme.my.salesforce.com/services/data", nil)
			if err != nil {
				return err
			}
			req.Header["X-SFDC-Session"] = []string{hijackedAccess}
			req.Header.Set("Cookie", "sid="+hijackedAccess)
			resp, err := c.HTTPClient().Do(req)
			if err == nil {
				resp.Body.Close()
			}
			return err
		},
		"HTTPClient, SOAP": func() error {
			resp, err := c.HTTPClient().Post("https://acme.my.salesforce.com/services/Soap/u/66.0", "text/xml", strings.NewReader(soap))
			if err == nil {
				resp.Body.Close()
			}
			return err
		},
		"Resty": func() error {
			_, err := c.Resty().R().SetHeader("X-SFDC-Session", hijackedAccess).SetQueryParam("access_token", hijackedAccess).Get("/services/data")
			return err
		},
		"Resty, Bulk": func() error {
			_, err := c.Resty().R().SetHeader("X-SFDC-Session", hijackedAccess).SetBody(soap).Post("/services/async/66.0/job")
			return err
		},
		"Org, SOAP": func() error {
			_, err := org.List(t.Context())
			return err
		},
		"Org, retrieve": func() error {
			_, err := org.Retrieve(t.Context())
			return err
		},
		"Org, REST": func() error {
			_, err := org.Credentials(t.Context(), "App")
			return err
		},
		"Org, deploy": func() error {
			_, err := org.QuickDeploy(t.Context(), "0Af000000000001AAA", nil)
			return err
		},
		"Diagnose": func() error {
			c.Diagnose(t.Context())
			return nil
		},
	}
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{"https://evil.example/x", "https://acme.file.force.com/x", "https://other.my.salesforce.com/x", "https://evil.example/x?sid=1"} {
			for name, call := range calls {
				h.mu.Lock()
				h.status, h.to, h.stolen, h.own = status, to, nil, 0
				h.mu.Unlock()
				err := call()
				h.mu.Lock()
				for _, got := range h.stolen {
					if strings.Contains(got, "hijack0123456789") || strings.Contains(got, "sid=") || strings.Contains(got, "sessionId") || !strings.HasPrefix(got, "GET ") {
						t.Errorf("%s, %d to %s (%v): the other host got\n%s", name, status, to, err, got)
					}
				}
				if h.own == 0 && name != "Diagnose" {
					t.Errorf("%s did not ask the org: %v", name, err)
				}
				h.mu.Unlock()
			}
		}
	}
}

func TestATransportThatVerifiesNoCertificateIsRefusedAtConstruction(t *testing.T) {
	keys, err := tokenstore.NewKeyring(tokenstore.GenerateSealingKey("test"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = fullcast.NewConnector(fullcast.Config{
		Site: fullcast.Production, Store: tokenstore.NewMemory(), Keyring: keys,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
	})
	var e *fullcast.Error
	if !errors.As(err, &e) || e.Remedy != fullcast.FixService || !strings.Contains(e.Error(), "InsecureSkipVerify") {
		t.Errorf("got %v", err)
	}
}

func TestATransportThatIsNotTrustedIsToBeConfiguredOtherwise(t *testing.T) {
	for _, kind := range []oauthflow.ErrorKind{oauthflow.KindInDoubt, oauthflow.KindNotSent, oauthflow.KindInvalid} {
		err := &oauthflow.Error{Op: "request", Kind: kind, Err: fmt.Errorf("%w has done so", oauthflow.ErrTransport)}
		if got := fullcast.RemedyFor(err, metadata.KindExternalClientApp); got != fullcast.FixService {
			t.Errorf("%s: %v", kind, got)
		}
	}
}
