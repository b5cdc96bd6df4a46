package fullcast_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
)

func TestAPICallsTravelByTheirOwnTransportAndSecretsByTheOther(t *testing.T) {
	w := newWorld(t, config{Existing: existing(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example").New())})
	w.connect(t)
	api := &recorder{next: w.org.RoundTripper(), said: t.Output()}
	sf := w.connector(t, w.store, func(c *fullcast.Config) { c.APITransport = api })
	conn, err := sf.Open(t.Context(), main)
	if err != nil {
		t.Fatal(err)
	}
	w.rec.sent = nil
	w.org.ExpireSessions() // so that a refresh is among what is sent
	if _, err := query(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Resty().R().SetContext(t.Context()).Get("/services/data/v66.0/limits"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, l := range conn.Diagnose(t.Context()).Lines {
		if l.Outcome == fullcast.OutcomeProblem {
			t.Errorf("the diagnosis finds a problem: %+v", l)
		}
	}
	if api.count("/services/data/") == 0 || api.count("/services/Soap/") == 0 || w.rec.count("/services/oauth2/token") == 0 {
		t.Errorf("by the API's transport went %q, by the other %q", api.sent, w.rec.sent)
	}
	if n := api.count("/services/oauth2/token") + api.count("/services/oauth2/introspect"); n != 0 {
		t.Errorf("%d requests with secrets went by the API's transport: %q", n, api.sent)
	}
	if n := w.rec.count("/services/data/") + w.rec.count("/services/Soap/"); n != 0 {
		t.Errorf("%d API calls went by the transport of the login hosts: %q", n, w.rec.sent)
	}
}

func TestTheTransportOfAPICallsMayUndoNoCheck(t *testing.T) {
	w := newWorld(t, config{Existing: existing(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example").New())})
	w.connect(t)
	for name, rt := range map[string]*http.Transport{
		"no certificate is checked": {TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
		"one name for all hosts":    {TLSClientConfig: &tls.Config{ServerName: "acme.my.salesforce.com"}},
	} {
		_, err := fullcast.NewConnector(fullcast.Config{Site: fullcast.Production, Store: w.store, Keyring: w.keys, Transport: w.rec, APITransport: rt})
		if err == nil || !strings.Contains(err.Error(), "Config.APITransport: ") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	// What can only be seen when it is used: an address inside of the network.
	inside := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was asked") }))
	defer inside.Close()
	rt := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, inside.Listener.Addr().String())
	}}
	conn, err := w.connector(t, w.store, func(c *fullcast.Config) { c.APITransport = rt }).Open(t.Context(), main)
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.HTTPClient().Get(w.org.InstanceURL() + "/services/data/v66.0/limits")
	if e := (*oauthflow.Error)(nil); !errors.As(err, &e) || e.Kind != oauthflow.KindNotSent || !strings.Contains(err.Error(), "public") {
		t.Errorf("an address inside of the network: got %v", err)
	}
}
