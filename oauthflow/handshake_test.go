package oauthflow_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"testing"
	"time"
)

// panicking is whatever crypto/tls or net/http calls in goroutines of their own.
type panicking struct{ net.Conn }

func (panicking) Get(string) (*tls.ClientSessionState, bool) { panic("cache") }
func (panicking) Put(string, *tls.ClientSessionState)        { panic("cache") }
func (panicking) Read([]byte) (int, error)                   { panic("read") }
func (panicking) Write([]byte) (int, error)                  { panic("write") }

type panickingClose struct{ net.Conn }

func (panickingClose) Close() error { panic("close") }

func TestWhatPanicsDuringAHandshakeOrInAConnectionEndsNoProcess(t *testing.T) {
	addr, _ := wireListen(t, func(raw net.Conn) {
		_ = tls.Server(raw, &tls.Config{Certificates: []tls.Certificate{wireCA().issue(wireHost, time.Now().Add(time.Hour))}}).Handshake()
		raw.Close()
	})
	wrapped := func(rt *http.Transport, wrap func(net.Conn) net.Conn) {
		dial := rt.DialContext
		if dial == nil {
			dial = new(net.Dialer).DialContext
		}
		rt.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return wrap(c), nil
		}
	}
	for name, set := range map[string]func(*http.Transport){
		"ClientSessionCache":   func(rt *http.Transport) { rt.TLSClientConfig.ClientSessionCache = panicking{} },
		"Rand":                 func(rt *http.Transport) { rt.TLSClientConfig.Rand = panicking{} },
		"KeyLogWriter":         func(rt *http.Transport) { rt.TLSClientConfig.KeyLogWriter = panicking{} },
		"Time":                 func(rt *http.Transport) { rt.TLSClientConfig.Time = func() time.Time { panic("time") } },
		"a connection's Read":  func(rt *http.Transport) { wrapped(rt, func(c net.Conn) net.Conn { return panicking{c} }) },
		"a connection's Close": func(rt *http.Transport) { wrapped(rt, func(c net.Conn) net.Conn { return panickingClose{c} }) },
	} {
		for call, do := range wireCalls(t) {
			t.Run(name+", "+call, func(t *testing.T) {
				rt := wireProxy(t, addr, "200 OK")
				set(rt)
				if err := do(wireFlow(t, rt)); err == nil { // the server answers nothing
					t.Error("it was answered")
				}
			})
		}
	}
}
