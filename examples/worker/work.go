package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// workerVariable makes this program one worker of a fleet.
const workerVariable = "SFAUTH_EXAMPLE_WORKER"

// assignment is what a worker reads from its standard input, which keeps the sealing key out of sight of other
// processes. The end of that input is the order to stop.
type assignment struct {
	Place       place
	SealingKey  string
	Connections int
	Addr        string // where the simulated org listens
	CA          []byte
}

// What a worker reports, a line each: the word, the number of the connection, and what else there is to say.
const (
	answered  = "answered"
	refreshed = "refreshed"
	failed    = "failed"
)

// work is a worker's life. This is what a service is made of: a Connector over the shared store, and calls.
func work(in io.Reader, out, errout io.Writer) int {
	signal.Ignore(os.Interrupt) // reaches the whole group; the parent says when to stop
	var a assignment
	if err := json.NewDecoder(in).Decode(&a); err != nil {
		fmt.Fprintln(errout, "worker: this process is started by another one, not by hand:", err)
		return 2
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, in) // ends when the parent closes it, or is gone
		stop()
	}()
	if err := a.serve(ctx, out); err != nil {
		fmt.Fprintln(errout, "worker:", err)
		return 1
	}
	return 0
}

func (a assignment) serve(ctx context.Context, out io.Writer) error {
	var mu sync.Mutex
	report := func(word string, connection int, text string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(out, word, connection, text)
	}
	sf, closed, err := a.connector(context.WithoutCancel(ctx), func(e oauthflow.Event) {
		if e.Type == oauthflow.EventRefreshed {
			report(refreshed, numberOf(e.Key), "")
		}
	})
	if err != nil {
		return err
	}
	var calls sync.WaitGroup
	for i := range a.Connections {
		calls.Go(func() {
			for ctx.Err() == nil {
				if err := call(ctx, sf, keyOf(i)); err == nil {
					report(answered, i, "")
				} else if ctx.Err() == nil {
					report(failed, i, strings.Join(strings.Fields(err.Error()), " "))
				}
				rest(ctx, 30*time.Millisecond+rand.N(90*time.Millisecond))
			}
		})
	}
	calls.Wait()
	return closed() // waits for what was sent: no refresh is ever cut off by a stop
}

// connector opens the fleet's connector in one process.
func (a assignment) connector(ctx context.Context, observe func(oauthflow.Event)) (*fullcast.Connector, func() error, error) {
	store, closeStore, err := a.Place.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	keys, err := tokenstore.NewKeyring(tokenstore.SealingKey{ID: "worker", Key: oauthflow.NewSecret(a.SealingKey)})
	if err != nil {
		return nil, nil, errors.Join(err, closeStore())
	}
	ca, err := x509.ParseCertificate(a.CA)
	if err != nil {
		return nil, nil, errors.Join(err, closeStore())
	}
	sf, err := fullcast.NewConnector(fullcast.Config{
		Site: fullcast.Production, Store: store, Keyring: keys, Environment: "worker", Transport: reach(a.Addr, ca), Observe: observe,
	})
	if err != nil {
		return nil, nil, errors.Join(err, closeStore())
	}
	return sf, func() error { return errors.Join(sf.Close(context.Background()), closeStore()) }, nil
}

// reach returns a transport for which the simulated org answers under Salesforce's names.
func reach(addr string, ca *x509.Certificate) *http.Transport {
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	return &http.Transport{DialTLSContext: func(ctx context.Context, network, name string) (net.Conn, error) {
		host, _, err := net.SplitHostPort(name)
		if err != nil {
			return nil, err
		}
		d := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: host}}
		return d.DialContext(ctx, network, addr)
	}}
}

// call asks the org for something. The connection heals an ended session by itself, once for each request; here sessions
// end so often that a fresh one may be gone, too, before the request is there, and so it is asked again.
func call(ctx context.Context, sf *fullcast.Connector, k oauthflow.Key) error {
	conn, err := sf.Open(ctx, k)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		_, err := conn.Resty().R().SetContext(ctx).SetQueryParam("q", "SELECT Id FROM User").Get("/services/data/v" + fullcast.APIVersion.String() + "/query")
		var refused *oauthflow.Error
		if errors.As(err, &refused) && refused.Kind == oauthflow.KindSession && try < 5 {
			continue
		}
		return err // nil, or what the org refuses the call for, with its remedy
	}
}

func keyOf(i int) oauthflow.Key {
	return oauthflow.Key{Tenant: fmt.Sprintf("customer-%d", i), Name: "main"}
}

func numberOf(k oauthflow.Key) (i int) {
	_, _ = fmt.Sscanf(k.Tenant, "customer-%d", &i)
	return i
}

func rest(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
