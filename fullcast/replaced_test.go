package fullcast_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/go-resty/resty/v2"
	"github.com/jarcoal/httpmock"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/fullcasttest"
	"github.com/fullcast/sfauth/oauthflow"
)

const replacedQuery = "https://acme.my.salesforce.com/services/data/v66.0/query"

// connected is a connection of a simulated org.
func connected(t *testing.T) *fullcast.Connection {
	t.Helper()
	org := fullcasttest.NewOrg(t, fullcast.Production)
	sf, err := fullcast.NewConnector(org.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sf.Close(context.Background()) })
	return org.Connect(t.Context(), sf, oauthflow.Key{Tenant: "acme", Name: "main"})
}

// The mock takes the place of what adds the access token: without an error, a test would pass with requests that carry none, and
// with refusals that nobody notices.
func TestACallWhoseTransportWasReplacedFailsAndNamesTheRightPlaceForAMock(t *testing.T) {
	replace := map[string]func(*resty.Client){
		"httpmock.ActivateNonDefault": func(c *resty.Client) { httpmock.ActivateNonDefault(c.GetClient()) },
		"resty.SetTransport":          func(c *resty.Client) { c.SetTransport(httpmock.DefaultTransport) },
	}
	for name, do := range replace {
		for _, status := range []int{http.StatusOK, http.StatusForbidden} {
			client := connected(t).Resty()
			do(client)
			sent := ""
			httpmock.RegisterResponder("GET", replacedQuery, func(req *http.Request) (*http.Response, error) {
				sent = req.Header.Get("Authorization")
				return httpmock.NewStringResponse(status, `{"totalSize":1}`), nil
			})
			_, err := client.R().Get("/services/data/v66.0/query")
			httpmock.DeactivateAndReset()
			var e *fullcast.Error
			if !errors.As(err, &e) || e.Remedy != fullcast.FixCode || !strings.Contains(err.Error(), "fullcast.Config.Transport") {
				t.Errorf("%s, status %d: got %v", name, status, err)
			}
			if sent != "" {
				t.Errorf("%s: the access token was sent: what the error says is wrong", name)
			}
		}
	}
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// A transport around the connection's own, such as one that traces, or that answers some requests from a cache, is none of that.
func TestATransportAroundTheConnectionsOwnIsNotTakenForAReplacement(t *testing.T) {
	client := connected(t).Resty()
	next, calls := client.GetClient().Transport, 0
	var kept http.Response
	client.SetTransport(transportFunc(func(req *http.Request) (*http.Response, error) {
		if calls++; calls > 1 {
			again := kept
			again.Body, again.Request = http.NoBody, req
			return &again, nil
		}
		resp, err := next.RoundTrip(req)
		if err == nil {
			kept = *resp
		}
		return resp, err
	}))
	for range 2 {
		if _, err := client.R().SetQueryParam("q", "SELECT Id FROM User").Get("/services/data/v66.0/query"); err != nil {
			t.Error(err)
		}
	}
	if calls != 2 {
		t.Errorf("%d calls", calls)
	}
}
