// Command live leads a connection's life at debug level, with a simulated org and a store of files in the folder where it
// runs: login, calls, a refresh, one whose answer is lost. Then it prints what else a process shows of
// itself, says "ready", and goes on with the connection open until its input ends.
package main

import (
	"context"
	"expvar"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"runtime/pprof"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/filestore"
)

const binding = "0123456789-a-cookie-of-the-session"

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if err := live(context.Background(), log); err != nil {
		log.Error("the life ended early", "error", err)
		os.Exit(1)
	}
}

func live(ctx context.Context, log *slog.Logger) error {
	spec := fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example")
	org, err := simulated(spec)
	if err != nil {
		return err
	}
	keys, err := tokenstore.NewKeyring(tokenstore.GenerateSealingKey("k1"))
	if err != nil {
		return err
	}
	store, err := filestore.Open(filestore.Config{Dir: "store"})
	if err != nil {
		return err
	}
	sf, err := fullcast.NewConnector(fullcast.Config{
		Site: fullcast.Production, Store: store, Keyring: keys, Environment: "canary", Transport: org.RoundTripper(), Logger: log,
		Observe: func(e oauthflow.Event) { fmt.Printf("%+v\n", e) },
	})
	if err != nil {
		return err
	}
	defer sf.Close(ctx)
	conn, err := connect(ctx, sf, org, spec.APIName)
	if err != nil {
		return err
	}
	for _, faults := range [][]orgtest.Fault{nil, {{GrantType: "refresh_token", Drop: orgtest.DropAfter}}} {
		if err := org.Inject(faults...); err != nil {
			return err
		}
		org.ExpireSessions()
		call(ctx, conn, org.InstanceURL(), log)
		fmt.Printf("%+v %#v\n", conn, conn)
	}
	fmt.Println(os.Environ(), os.Args)
	expvar.Do(func(v expvar.KeyValue) { fmt.Println(v.Key, v.Value) })
	if err := pprof.Lookup("goroutine").WriteTo(os.Stdout, 2); err != nil {
		return err
	}
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// call asks the org for something, as long as a user would wait.
func call(ctx context.Context, conn *fullcast.Connection, at string, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at+"/services/data/v66.0/limits", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := conn.HTTPClient().Do(r)
	fmt.Printf("%v %+v %#v\n", err, err, err)
	log.Debug("called", "error", err, "connection", conn)
	if err == nil {
		resp.Body.Close()
	}
}

func simulated(spec metadata.AppSpec) (*orgtest.Org, error) {
	pkg, err := spec.New().Package(66)
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for _, f := range pkg.Files[1:] { // without package.xml
		files[f.Name] = string(f.Data)
	}
	return orgtest.New(orgtest.Config{Existing: files, RotateRefreshTokens: true})
}

func connect(ctx context.Context, sf *fullcast.Connector, org *orgtest.Org, app string) (*fullcast.Connection, error) {
	id, secret, err := org.Credentials(app)
	if err != nil {
		return nil, err
	}
	host, err := oauthflow.ParseHost(org.InstanceURL())
	if err != nil {
		return nil, err
	}
	key := oauthflow.Key{Tenant: "acme", Name: "main"}
	redirect, err := sf.Begin(ctx, key, fullcast.BeginOptions{
		Client:  oauthflow.Client{Host: host, ID: id, Secret: oauthflow.NewSecret(secret)},
		Binding: binding, CallbackURL: fullcast.Production.CallbackURLs()[0],
	})
	if err != nil {
		return nil, err
	}
	landed, err := org.Approve(ctx, redirect)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(landed)
	if err != nil {
		return nil, err
	}
	return sf.Complete(ctx, oauthflow.Callback{Tenant: key.Tenant, Path: u.Path, Binding: binding, Query: u.Query()})
}
