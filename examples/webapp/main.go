// Webapp is a Fullcast service with the admin's pages of package adminui: setup guide, connect, callbacks, status, check, diagnose,
// migrate, disconnect. It brings sign-in, sessions, a layout and a store.
//
//	go run ./examples/webapp
//
// runs it against a simulated Salesforce org, which has a page of its own where you do what an admin of the org might do:
// revoke the tokens, block the app, change a policy. Nothing is kept.
//
//	SFAUTH_KEY=… go run ./examples/webapp -site http://localhost:8080 -dir ./connections
//
// runs it against real orgs. The app that you create there lists the callback URLs of that site; the setup guide shows
// them. For any other site a proxy of yours speaks TLS and hands the requests on, with their Host, and appends the client's
// address to X-Forwarded-For, by which tries to sign in are limited. The sign-in page asks
// for the code that the program prints: it stands for your service's own sign-in.
//
// Flags:
//
//	-site URL      the Fullcast instance, as the browser sees it; without it the org is a simulated one
//	-listen ADDR   where to listen; default localhost:8080
//	-dir DIR       keep connections in files there; without it in memory
//	-tenant NAME   whose connection to look after; several with commas; default acme
//	-egress ADDR   public addresses that Salesforce sees; several with commas. Texts for its admins name them
//
// Environment:
//
//	SFAUTH_KEY       seals what is kept, needed to keep anything; make one with: openssl rand -base64 32
//	SFAUTH_POSTGRES  keep connections in the table sfauth_webapp of this PostgreSQL database, such as
//	                 postgres://user@host/database; for any number of processes. Those to a simulated org are kept in a
//	                 table of their own, which is dropped at the end
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/fullcast/sfauth/examples/internal/outcome"
	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, env func(string) string, stdout, stderr io.Writer) int {
	s, err := parse(args, env, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		err = s.serve(ctx, stdout, slog.New(slog.NewTextHandler(stderr, nil)))
	}
	return outcome.Report(stderr, "webapp", err)
}

// serve runs until ctx ends.
func (s settings) serve(ctx context.Context, stdout io.Writer, log *slog.Logger) (err error) {
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return outcome.Input("cannot listen on %s: %v", s.listen, err)
	}
	defer listener.Close()
	place, err := s.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, place.close()) }()

	cfg := fullcast.Config{
		Site: s.site, Store: place.store, Keyring: place.keys, EgressAddresses: s.egress,
		Observe: func(e oauthflow.Event) { logEvent(log, e) },
	}
	people := people{code: s.code, tenants: s.tenants}
	var sim *simulation
	if s.site == "" {
		cfg.Site = fullcast.Site(fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port))
		if sim, err = newSimulation(ctx, cfg.Site); err != nil {
			return err
		}
		defer sim.close()
		cfg.Transport = sim.org.RoundTripper()
		people.code, people.tenants = "", []string{"acme", legacyTenant}
	}
	sf, err := fullcast.NewConnector(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeConnector(sf)) }()
	a, err := newApp(cfg.Site, sf, people)
	if err != nil {
		return err
	}
	handler := a.handler()
	if sim != nil {
		if err := sim.adopt(ctx, sf); err != nil {
			return err
		}
		handler = sim.reachable(handler)
		fmt.Fprintf(stdout, "The simulated org: %s (what its admin sees and may do)\n", sim.url)
	}
	fmt.Fprintf(stdout, "The admin page:    %s\n", cfg.Site)
	if people.code != "" {
		fmt.Fprintf(stdout, "Sign-in code:      %s\n", people.code)
	}
	return serveUntil(ctx, listener, handler, sf)
}

// serveUntil answers requests and keeps the connections alive until ctx ends, and lets what is under way finish.
func serveUntil(ctx context.Context, listener net.Listener, handler http.Handler, sf *fullcast.Connector) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	kept := make(chan struct{})
	alive, stop := context.WithCancel(ctx)
	go func() {
		defer close(kept)
		_ = sf.KeepAlive(alive) // returns when alive ends
	}()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		final, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err = server.Shutdown(final)
	}
	stop()
	<-kept
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func closeConnector(sf *fullcast.Connector) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return sf.Close(ctx)
}

func logEvent(log *slog.Logger, e oauthflow.Event) {
	level := slog.LevelInfo
	if e.Err != nil {
		level = slog.LevelWarn
	}
	log.Log(context.Background(), level, "salesforce", "event", e) // see Event.LogValue for the fields
}
