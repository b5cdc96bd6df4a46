package oauthflow_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

const (
	notReset   = `[{"message":"Destination URL not reset. The URL returned from login must be set","errorCode":"URL_NOT_RESET"}]`
	notResetAs = `<?xml version="1.0"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><soapenv:Fault><faultcode>UNKNOWN_EXCEPTION</faultcode><faultstring>UNKNOWN_EXCEPTION: Destination URL not reset. The URL returned from login must be set in the SforceService</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>`
	noSuchURL  = `<html><head><title>Error</title></head><body><table><tr><td><span>URL No Longer Exists</span></td></tr><tr><td>You have attempted to reach a URL that no longer exists on salesforce.com. <br/><br/></td></tr></table></body></html>`
)

// unserved answers so for the old name, and for every other with {}.
func unserved(status int, body string) *far {
	return &far{answer: func(_ int, r *http.Request) *http.Response {
		if r.URL.Host == oldName {
			return answered(status, body)
		}
		return answered(200, "{}")
	}}
}

// saysMoved are answers in which a host of Salesforce's says that it serves the org no more.
var saysMoved = []struct {
	name, path string
	status     int
	body       string
}{
	{"a code", apiPath, 404, notReset},
	{"a code with 400", apiPath, 400, notReset},
	{"a code with 410", apiPath, 410, notReset},
	{"a code, of Apex REST", "/services/apexrest/mine", 404, notReset},
	{"the words without a code", apiPath, 404, `[{"message":"Destination URL not reset"}]`},
	{"a SOAP fault", "/services/Soap/u/66.0", 500, notResetAs},
	{"the page", apiPath, 404, noSuchURL},
	{"the page with 410", "/services/async/66.0/job", 410, noSuchURL},
}

func TestAHostThatServesTheOrgNoMoreCausesOneRefreshAndTheRequestGoesToTheNewOne(t *testing.T) {
	for _, c := range saysMoved {
		t.Run(c.name, func(t *testing.T) {
			f := unserved(c.status, c.body)
			w, s, _ := call(t, orgtest.Config{}, f)
			rename(t, w, orgtest.Rename{Unserved: orgtest.UnservedCode})
			client := careful(s.Transport(f))
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					resp, err := client.Post("https://"+oldName+c.path+"?q=1", "text/plain", strings.NewReader("body"))
					if err != nil {
						t.Error(err)
						return
					}
					resp.Body.Close()
					if resp.StatusCode != 200 {
						t.Errorf("status %d", resp.StatusCode)
					}
				})
			}
			all.Wait()
			arrived := 0
			for i, r := range f.requests {
				if r.URL.Host != newName {
					continue
				}
				if arrived++; r.Method != http.MethodPost || f.bodies[i] != "body" || r.URL.RequestURI() != c.path+"?q=1" {
					t.Errorf("%s %s with %q", r.Method, r.URL.RequestURI(), f.bodies[i])
				}
			}
			if arrived != 20 {
				t.Errorf("%d requests arrived, want 20", arrived)
			}
			w.wantEvents("refresh", "", 1)
			if n := f.open.Load(); n != 0 {
				t.Errorf("%d bodies are left open", n)
			}
		})
	}
}

func TestWhereTheOrgHasNotMovedTheAnswerGoesToTheCallerAfterOneRefresh(t *testing.T) {
	for _, c := range saysMoved {
		for _, login := range []string{"login.salesforce.com", oldName} {
			t.Run(c.name+" at "+login, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := unserved(c.status, c.body) // and the org knows nothing of that
					w, m, _ := at(t, orgtest.Config{}, login)
					s := m.Source(mainKey)
					client := careful(s.Transport(f))
					ask := func() {
						t.Helper()
						wantAnswer(t, client, c.path, c.status, c.body)
					}
					w.wantFewRefreshes(s, f, ask)
				})
			})
		}
	}
}

// wantAnswer posts to the old name, and wants the answer as it came.
func wantAnswer(t *testing.T, client *http.Client, path string, status int, body string) {
	t.Helper()
	resp, err := client.Post("https://"+oldName+path, "text/plain", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != status || string(got) != body {
		t.Errorf("got %d %q (%v), want the answer as it came", resp.StatusCode, got, err)
	}
}

func TestARefreshThatFailsAfterSuchAnAnswerIsNotTriedForEachOne(t *testing.T) {
	for name, fault := range map[string]orgtest.Fault{
		"a page":        {Status: 404, Body: noSuchURL},
		"a gateway":     {Status: 502},
		"maintenance":   {Status: 503},
		"a lost answer": {Drop: orgtest.DropAfter},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := unserved(404, notReset)
				w, m, _ := at(t, orgtest.Config{}, oldName)
				fault.Path, fault.Times = tokenEndpoint, -1
				if err := w.org.Inject(fault); err != nil {
					t.Fatal(err)
				}
				client := careful(m.Source(mainKey).Transport(f))
				for range 50 {
					wantAnswer(t, client, apiPath, 404, notReset)
					time.Sleep(time.Minute)
				}
				if n := w.wire.refreshes(); n < 1 || n > 2 { // the second finds out what became of the first
					t.Errorf("%d refreshes were sent, want 1 or 2", n)
				}
			})
		})
	}
}

func TestAMissingRecordResourceOrFileSaysNothingOfTheOrgsAddress(t *testing.T) {
	for _, c := range []struct {
		name, path string
		status     int
		body       string
	}{
		{"a record", apiPath, 404, `[{"errorCode":"NOT_FOUND","message":"Provided external ID field does not exist or is not accessible: X"}]`},
		{"a record that quotes the words", apiPath, 404, `[{"errorCode":"NOT_FOUND","message":"no record URL_NOT_RESET: Destination URL not reset, a URL that no longer exists on salesforce.com"}]`},
		{"a query that quotes the words", apiPath, 400, `[{"errorCode":"MALFORMED_QUERY","message":"WHERE Name = 'Destination URL not reset'"}]`},
		{"a resource", apiPath, 404, `[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]`},
		{"a class of Apex REST", "/services/apexrest/none", 404, `[{"errorCode":"NOT_FOUND","message":"Could not find a match for URL"}]`},
		{"a removed record", apiPath, 404, `[{"errorCode":"ENTITY_IS_DELETED","message":"entity is deleted"}]`},
		{"nothing", apiPath, 404, ""},
		{"gone without a word", apiPath, 410, ""},
		{"a version that is retired", apiPath, 410, `[{"errorCode":"GONE","message":"REST API version 20.0 is retired"}]`},
		{"a firewall's page", apiPath, 404, "<html><body>This URL no longer exists</body></html>"},
		{"a page for a file", "/servlet/servlet.FileDownload", 404, noSuchURL},
		{"a page of Apex REST's", "/services/apexrest/mine", 404, noSuchURL},
		{"a page with another status", apiPath, 403, noSuchURL},
		{"a page in place of an answer", apiPath, 200, noSuchURL},
		{"a broken server", apiPath, 500, `[{"errorCode":"UNKNOWN_EXCEPTION","message":"An unexpected error occurred."}]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := unserved(c.status, c.body)
			w, _, client := call(t, orgtest.Config{}, f)
			rename(t, w, orgtest.Rename{KeepSessions: true})
			wantAnswer(t, client, c.path, c.status, c.body)
			w.wantEvents("refresh", "", 0)
		})
	}
}

// A proxy resolves names itself, and has one status for a name that is gone and for a hiccup of its own.
func TestAProxyThatMakesNoConnectionCausesNoRefresh(t *testing.T) {
	for _, status := range []int{502, 503, 504} {
		proxy := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("X-Squid-Error", "ERR_DNS_FAIL 0")
			http.Error(rw, "The domain name does not exist", status)
		}))
		t.Cleanup(proxy.Close)
		address, err := url.Parse(proxy.URL)
		if err != nil {
			t.Fatal(err)
		}
		w, s, _ := call(t, orgtest.Config{}, &far{})
		network := &http.Transport{Proxy: http.ProxyURL(address)}
		t.Cleanup(network.CloseIdleConnections)
		_, err = s.Transport(network).RoundTrip(mustRequest(t, "https://"+oldName+apiPath))
		if err == nil || errors.Is(err, oauthflow.ErrNoSuchHost) {
			t.Errorf("%d: %v, want an error of the network", status, err)
		}
		w.wantEvents("refresh", "", 0)
	}
}

func TestATokenHostThatServesTheOrgNoMoreIsLeftForTheLoginHost(t *testing.T) {
	for _, u := range []orgtest.Unserved{orgtest.UnservedCode, orgtest.UnservedPage} {
		t.Run(string(u), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, m, a := at(t, orgtest.Config{RotateRefreshTokens: true}, "login.salesforce.com")
				if err := w.org.RedirectLoginPool(307); err != nil {
					t.Fatal(err)
				}
				if err := m.Renew(t.Context(), mainKey); err != nil {
					t.Fatal(err)
				}
				wantAsked(t, a, "token login, token acme.my")
				rename(t, w, orgtest.Rename{Unserved: u})
				if err := m.Renew(t.Context(), mainKey); err != nil {
					t.Fatal(err)
				}
				wantAsked(t, a, "token acme.my, token login, token acme-corp.my")
				w.org.RenameMyDomain("acme-inc")
				if err := w.org.Rename(orgtest.Rename{Name: "acme-ltd", Unserved: u}); err != nil {
					t.Fatal(err)
				}
				if err := m.Disconnect(t.Context(), mainKey); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestAGrantThatDiesAtAHostThatServesTheOrgNoMoreSaysThatMyDomainChanged(t *testing.T) {
	w, m, _ := at(t, orgtest.Config{}, "login.salesforce.com")
	rename(t, w, orgtest.Rename{Unserved: orgtest.UnservedCode, RevokeTokens: true})
	_, err := careful(m.Source(mainKey).Transport(w.org.RoundTripper())).Get("https://" + oldName + apiPath)
	if e := wantKind(t, err, oauthflow.KindGrantDead); !strings.Contains(e.Error(), "My Domain changed") {
		t.Errorf("got %v", fmt.Sprint(e))
	}
}
