package fullcasttest

import (
	"crypto/tls"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
)

// Browser returns a client that acts as the admin's browser, with a service's handler behind it. It keeps cookies, sends requests
// for the Site to the handler, and follows redirects: from the service's connect page to Salesforce, and back to the callback
// page. At Salesforce the admin logs in and allows access at once. The client returns the last page.
//
// If a page of Salesforce waits for a person, as with orgtest.Config.Interactive, the client returns that page.
func (o *Org) Browser(service http.Handler) *http.Client {
	o.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		o.t.Fatalf("fullcasttest: %v", err)
	}
	return &http.Client{Jar: jar, Transport: &network{string(o.site), service, o.RoundTripper()}}
}

// network is where a browser finds the service and Salesforce.
type network struct {
	site    string
	service http.Handler
	org     http.RoundTripper
}

// RoundTrip calls the service's handler with a request as a server receives it, or the org.
func (n *network) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme+"://"+req.URL.Host != n.site {
		return n.org.RoundTrip(req)
	}
	in := req.Clone(req.Context())
	in.RequestURI = req.URL.RequestURI()
	in.RemoteAddr = "198.51.100.7:49152"
	if in.Host == "" {
		in.Host = req.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	if req.URL.Scheme == "https" {
		in.TLS = &tls.ConnectionState{Version: tls.VersionTLS13, HandshakeComplete: true, ServerName: req.URL.Hostname()}
	}
	w := httptest.NewRecorder()
	n.service.ServeHTTP(w, in)
	resp := w.Result()
	resp.Request = req
	return resp, nil
}
