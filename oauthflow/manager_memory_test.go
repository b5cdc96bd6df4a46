package oauthflow_test

import (
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
	"weak"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow"
)

func TestKeysOfNoConnectionTakeNoMemoryAtAnyEntry(t *testing.T) {
	keys := needs.Size(300_000, 60_000)
	if raced {
		keys = 30_000
	}
	w := rotating(t)
	m := w.manager(silent)
	ctx := t.Context()
	client := w.client()
	refused := carrier(func(*http.Request) (*http.Response, error) { return nil, errStoreDown })
	one := func(_ any, err error) error { return err }
	entries := []struct {
		name string
		call func(k oauthflow.Key) error
	}{
		{"Token", func(k oauthflow.Key) error { return one(m.Source(k).TokenContext(ctx)) }},
		{"Replace", func(k oauthflow.Key) error { return one(m.Source(k).Replace(ctx, "rejected")) }},
		{"InstanceURL", func(k oauthflow.Key) error { return one(m.Source(k).InstanceURL(ctx)) }},
		{"Present", func(k oauthflow.Key) error { return one(m.Source(k).Present(ctx)) }},
		{"Transport", func(k oauthflow.Key) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://acme.my.salesforce.com/", nil)
			if err != nil {
				t.Fatal(err)
			}
			return one(m.Source(k).Transport(refused).RoundTrip(req))
		}},
		{"Load", func(k oauthflow.Key) error { return one(m.Load(ctx, k)) }},
		{"Disconnect", func(k oauthflow.Key) error { return m.Disconnect(ctx, k) }},
		{"Move", func(k oauthflow.Key) error { return m.Move(ctx, k, mainKey) }},
		{"Move to it", func(k oauthflow.Key) error { return m.Move(ctx, oauthflow.Key{Tenant: rival, Name: "none"}, k) }},
		{"SetClient", func(k oauthflow.Key) error { return m.SetClient(ctx, k, client) }},
		{"SetKind", func(k oauthflow.Key) error { return m.SetKind(ctx, k, client.ID, oauthflow.ConnectedAppKind) }},
		{"Renew", func(k oauthflow.Key) error { return m.Renew(ctx, k) }},
		{"BeginAgain", func(k oauthflow.Key) error { return one(m.BeginAgain(ctx, k, browser, oauthflow.AuthorizeOptions{})) }},
		{"Begin without a binding", func(k oauthflow.Key) error { return one(m.Begin(ctx, k, client, "", oauthflow.AuthorizeOptions{})) }},
		{"Complete", func(k oauthflow.Key) error {
			return one(m.Complete(ctx, oauthflow.Callback{Tenant: k.Tenant, Path: callbackPath, Binding: browser, Query: url.Values{"state": {k.Name}, "code": {"c1"}}}))
		}},
		{"List", func(k oauthflow.Key) error {
			for _, err := range m.List(ctx, k.Tenant) {
				return fmt.Errorf("something is listed: %w", err)
			}
			return errStoreDown
		}},
	}
	key := func(i int) oauthflow.Key {
		k := oauthflow.Key{Tenant: fmt.Sprint("t", i), Name: strings.Repeat("n", 30)}
		switch i / len(entries) % 4 {
		case 1:
			k.Name += strings.Repeat("x", 100)
		case 2:
			k.Tenant += "\xff"
		case 3:
			k.Name = ""
		}
		return k
	}
	ask := func(from, to int) {
		for i := from; i < to; i++ {
			e, k := entries[i%len(entries)], key(i)
			unknown := i/len(entries)%4 == 0
			if err := e.call(k); err == nil && (e.name != "Disconnect" || !unknown) {
				t.Fatalf("%s of %q: no error", e.name, k)
			}
		}
	}
	ask(0, 5000)
	before := heap()
	ask(5000, 5000+keys)
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("%d bytes are kept of %d keys that no connection has", grown, keys)
	}
	runtime.KeepAlive(m)
}

func TestAnInvalidKeyIsRefusedBeforeTheStoreIsAsked(t *testing.T) {
	w := rotating(t)
	g := &gauge{}
	w.store = &gauged{w.store, g}
	m := w.manager()
	for _, k := range []oauthflow.Key{{}, {Tenant: "acme"}, {Name: "main"}, {Tenant: "\xff", Name: "main"}, {Tenant: "acme", Name: strings.Repeat("x", 101)}} {
		s := m.Source(k)
		for name, call := range map[string]func() error{
			"Token":   func() error { _, err := s.TokenContext(t.Context()); return err },
			"Replace": func() error { _, err := s.Replace(t.Context(), "rejected"); return err },
			"Present": func() error { _, err := s.Present(t.Context()); return err },
		} {
			if err := call(); kindOf(err) != oauthflow.KindInvalid {
				t.Errorf("%s of %q: %v, want an error of %q", name, k, err, oauthflow.KindInvalid)
			}
		}
	}
	g.want(t, "keys that no connection can have", 0, 0, 0)
}

func TestSourcesOfEndedConnectionsAreGivenBack(t *testing.T) {
	const connections, kept = 900, 512
	w := rotating(t)
	v := w.unlocked()
	m := w.manager(silent)
	w.connect(m, mainKey)
	v.copied(w.store, "connection/acme/main", connections, time.Now(), nil)
	var sources []weak.Pointer[oauthflow.Source]
	for i := range connections {
		s := m.Source(rivalKey(i))
		w.token(s)
		sources = append(sources, weak.Make(s))
	}
	live := func() (n int) {
		heap()
		for _, s := range sources {
			if s.Value() != nil {
				n++
			}
		}
		return n
	}
	if n := live(); n != connections {
		t.Fatalf("of %d sources of connections %d are there", connections, n)
	}
	for i := range connections {
		if err := m.Disconnect(t.Context(), rivalKey(i)); err != nil {
			t.Fatal(err)
		}
	}
	if n := live(); n > kept {
		t.Errorf("of %d connections that ended %d sources are kept, want %d at most", connections, n, kept)
	}
	if tok, err := m.Source(mainKey).TokenContext(t.Context()); err != nil || tok.AccessToken == "" {
		t.Errorf("the connection that stays: %v", err)
	}
}

func TestASourceThatIsHeldIsTheOnlyOneOfItsKey(t *testing.T) {
	w := rotating(t)
	m := w.manager(silent)
	held := m.Source(targetKey)
	same := func(when string) {
		t.Helper()
		heap()
		for i := range 2000 { // so that tables are made again
			_ = m.Source(oauthflow.Key{Tenant: rival, Name: fmt.Sprint(when, i)})
		}
		if m.Source(targetKey) != held {
			t.Fatalf("%s, the key has another source", when)
		}
	}
	same("before it is connected")
	for range 3 {
		w.connect(m, targetKey)
		same("connected")
		if _, err := held.TokenContext(t.Context()); err != nil {
			t.Error(err)
		}
		if err := m.Disconnect(t.Context(), targetKey); err != nil {
			t.Fatal(err)
		}
		same("disconnected")
	}
}

func TestCallersThatComeAtOnceShareTheSourceOfAnUnknownKey(t *testing.T) {
	m := rotating(t).manager(silent)
	for round := range 2000 {
		k := oauthflow.Key{Tenant: rival, Name: fmt.Sprint(round)}
		var got [6]*oauthflow.Source
		var all sync.WaitGroup
		for i := range got {
			all.Go(func() {
				s := m.Source(k)
				_, _ = s.TokenContext(t.Context())
				got[i] = s
			})
			if i == 3 {
				all.Go(func() { _ = m.Disconnect(t.Context(), k) })
			}
		}
		all.Wait()
		for _, s := range got {
			if s != got[0] {
				t.Fatalf("round %d: two sources of one key", round)
			}
		}
	}
}

func TestLoginHostsThatNobodyUsesAnyMoreAreForgotten(t *testing.T) {
	needs.Patience(t)
	const hosts = 4000
	w := rotating(t)
	v := w.unlocked()
	m := w.manager(silent, func(c *oauthflow.ManagerConfig) {
		c.Flow = w.flow(carrier(func(*http.Request) (*http.Response, error) { return says(400, `{"error":"invalid_client"}`)(nil) }))
	})
	w.connect(w.manager(silent), mainKey)
	ask := func(prefix string, n int) {
		const some = 500
		for from := 0; from < n; from += some {
			v.copied(w.store, "connection/acme/main", some, time.Now(), func(i int, fields map[string]any) {
				fields["Client"].(map[string]any)["Host"] = fmt.Sprintf("%s%d.my.salesforce.com", prefix, from+i)
			})
			for i := range some {
				if err := m.Renew(t.Context(), rivalKey(i)); err == nil {
					t.Fatal("a refused refresh succeeded")
				}
				r, err := w.store.Load(t.Context(), fmt.Sprintf("connection/%s/c%d", rival, i))
				if err != nil {
					t.Fatal(err)
				}
				if err := w.store.Delete(t.Context(), r.ID, r.Version); err != nil {
					t.Fatal(err)
				}
				if err := m.Disconnect(t.Context(), rivalKey(i)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	ask("warm", 1200)
	before := heap()
	ask("rival", hosts)
	if grown := heap() - before; grown > 1<<19 {
		t.Errorf("%d bytes are kept of %d login hosts", grown, hosts)
	}
	runtime.KeepAlive(m)
}
