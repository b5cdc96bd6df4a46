package main

import (
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// simulation is a Salesforce org in this process. The app calls it under its production name; for the browser, which
// cannot, the same org answers on a port of its own, and the addresses in the app's answers are changed to it on the way
// out. The app knows nothing of this.
type simulation struct {
	org    *orgtest.Org
	url    string // where the browser finds it
	server *http.Server

	external, connected string // API names of the apps in the org
}

// legacyTenant has been connected for years, with a connected app.
const legacyTenant = "acme-since-2021"

func newSimulation(ctx context.Context, site fullcast.Site) (*simulation, error) {
	org, err := orgtest.New(orgtest.Config{Interactive: true, AllowConnectedApps: true, RotateRefreshTokens: true})
	if err != nil {
		return nil, err
	}
	external, connected := fullcast.ExternalClientApp(site, "admin@acme.example"), fullcast.ConnectedApp(site, "admin@acme.example")
	for _, spec := range []metadata.AppSpec{external, connected} {
		if err := deploy(ctx, org, spec); err != nil {
			return nil, err
		}
	}
	s := &simulation{org: org, external: external.APIName, connected: connected.APIName}
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		return nil, err
	}
	s.url = fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port)
	s.server = &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
	go s.server.Serve(listener)
	return s, nil
}

func (s *simulation) close() { _ = s.server.Close() }

func deploy(ctx context.Context, org *orgtest.Org, spec metadata.AppSpec) error {
	instance, token := org.AdminSession()
	source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})
	admin, err := metadata.NewOrg(metadata.OrgConfig{
		HTTPClient:  &http.Client{Transport: &oauth2.Transport{Source: source, Base: org.RoundTripper()}},
		InstanceURL: func(context.Context) (string, error) { return instance, nil },
		Session:     func(context.Context, string) (string, error) { return token, nil },
		Version:     66,
	})
	if err != nil {
		return err
	}
	pkg, err := spec.New().Package(fullcast.APIVersion)
	if err != nil {
		return err
	}
	_, err = admin.Deploy(ctx, pkg, metadata.DeployOptions{})
	return err
}

// adopt makes the connection of the tenant that has had one for years.
func (s *simulation) adopt(ctx context.Context, sf *fullcast.Connector) error {
	return s.adoptAs(ctx, sf, oauthflow.Key{Tenant: legacyTenant, Name: "main"})
}

func (s *simulation) adoptAs(ctx context.Context, sf *fullcast.Connector, k oauthflow.Key) error {
	refresh, err := s.org.UserApproved(s.connected, "admin@acme.example")
	if err != nil {
		return err
	}
	key, secret, err := s.org.Credentials(s.connected)
	if err != nil {
		return err
	}
	host, err := oauthflow.ParseHost(s.org.InstanceURL())
	if err != nil {
		return err
	}
	_, err = sf.Adopt(ctx, k, oauthflow.Client{
		Kind: metadata.KindConnectedApp, Host: host, ID: key, Secret: oauthflow.NewSecret(secret),
	}, oauthflow.NewSecret(refresh))
	return err
}

// reachable changes the org's address in what the app answers.
func (s *simulation) reachable(app http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		app.ServeHTTP(&rewriter{ResponseWriter: w, s: s}, r)
	})
}

type rewriter struct {
	http.ResponseWriter
	s    *simulation
	done bool
}

func (w *rewriter) WriteHeader(status int) {
	w.done = true
	h := w.Header()
	for _, host := range []string{w.s.org.InstanceURL(), "https://" + w.s.org.LoginHost()} {
		if path, ok := strings.CutPrefix(h.Get("Location"), host); ok {
			h.Set("Location", w.s.url+path)
		}
	}
	h.Set("Content-Security-Policy", h.Get("Content-Security-Policy")+" "+w.s.url) // form-action is the last directive
	w.ResponseWriter.WriteHeader(status)
}

func (w *rewriter) Write(b []byte) (int, error) {
	if !w.done {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

func (s *simulation) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.show)
	mux.HandleFunc("POST /{$}", s.act)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		r.Host = strings.TrimPrefix(s.org.InstanceURL(), "https://") // the org issues nothing for another name
		s.org.ServeHTTP(w, r)
	})
	return http.NewCrossOriginProtection().Handler(mux)
}

// An act is something that an admin of the org might do.
type act struct {
	Name string
	do   func() error
}

func (s *simulation) acts() []act {
	policy := func(value string) func() error {
		return func() error {
			return s.org.SetAppField("ExtlClntAppOauthConfigurablePolicies", s.external+"_oauthPlcy", "refreshTokenPolicyType", value)
		}
	}
	return []act{
		{"End all sessions", func() error { s.org.ExpireSessions(); return nil }},
		{"Revoke the external client app's tokens", func() error { return s.org.RevokeAll(s.external) }},
		{"Revoke the connected app's tokens", func() error { return s.org.RevokeAll(s.connected) }},
		{"Block the external client app", func() error { return s.org.Block(s.external) }},
		{"Unblock it", func() error { return s.org.Unblock(s.external) }},
		{"Change its Refresh Token Policy", policy("Zero")},
		{"Change that back", policy("Infinite")},
	}
}

func (s *simulation) act(w http.ResponseWriter, r *http.Request) {
	for _, a := range s.acts() {
		if a.Name == r.PostFormValue("act") {
			if err := a.do(); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *simulation) show(w http.ResponseWriter, r *http.Request) {
	key, secret, err := s.org.Credentials(s.external)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'")
	h.Set("Content-Type", "text/html; charset=utf-8")
	_ = orgPage.Execute(w, map[string]any{ // the browser is gone when this fails
		"Host": strings.TrimPrefix(s.org.InstanceURL(), "https://"), "Key": key, "Secret": secret,
		"Acts": s.acts(), "Ledger": s.org.Ledger(),
	})
}

//go:embed org.html
var orgHTML string

var orgPage = template.Must(template.New("org").Parse(orgHTML))
