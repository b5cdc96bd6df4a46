package fullcast_test

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
)

// spoken counts what is written to a connection.
type spoken struct {
	net.Conn
	times *atomic.Int32
}

func (c spoken) Write(b []byte) (int, error) {
	c.times.Add(1)
	return c.Conn.Write(b)
}

// Nor does what is asked without a session: a diagnosis would tell what answers inside of the network.
func TestNoCallOfAConnectionSpeaksToAnAddressInsideTheNetwork(t *testing.T) {
	inside, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer inside.Close()
	go func() {
		for c, err := inside.Accept(); err == nil; c, err = inside.Accept() {
			c.Close()
		}
	}()
	var times, dialed atomic.Int32
	rebound := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		dialed.Add(1)
		c, err := new(net.Dialer).DialContext(ctx, network, inside.Addr().String())
		return spoken{c, &times}, err
	}}
	w := newWorld(t, config{})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	w.connect(t)
	conn, err := w.connector(t, w.store, func(c *fullcast.Config) { c.Transport = rebound }).Open(t.Context(), main)
	if err != nil {
		t.Fatal(err)
	}
	for what, call := range map[string]func(){
		"Diagnose": func() { conn.Diagnose(t.Context()) },
		"Check":    func() { _, _ = conn.Check(t.Context()) },
		"a call": func() {
			if resp, err := conn.HTTPClient().Get(w.org.InstanceURL() + "/services/data/"); err == nil {
				resp.Body.Close()
			}
		},
	} {
		times.Store(0)
		dialed.Store(0)
		if call(); dialed.Load() == 0 {
			t.Errorf("%s: nobody was dialed", what)
		}
		if n := times.Load(); n > 0 {
			t.Errorf("%s has spoken %d times to an address inside", what, n)
		}
	}
}
