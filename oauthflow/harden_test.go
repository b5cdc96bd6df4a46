package oauthflow_test

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// resolveTo makes every name resolve to ip, or (nil) to nothing, until the test ends.
func resolveTo(t *testing.T, ip net.IP) {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		b := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(b)
			if err != nil {
				return
			}
			end := 12
			for end < n && b[end] != 0 {
				end += int(b[end]) + 1
			}
			end += 5 // root, type, class
			if end > n {
				continue
			}
			out := append([]byte(nil), b[:end]...)
			binary.BigEndian.PutUint16(out[2:], 0x8180)
			binary.BigEndian.PutUint16(out[4:], 1)
			copy(out[6:12], make([]byte, 6))
			switch typeA := binary.BigEndian.Uint16(b[end-4:]) == 1; {
			case ip == nil:
				out[3] |= 3 // no such name
			case typeA:
				out[7] = 1
				out = append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4)
				out = append(out, ip.To4()...)
			}
			pc.WriteTo(out, from)
		}
	}()
	old := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
	t.Cleanup(func() { net.DefaultResolver = old; pc.Close() })
}

func TestANameThatResolvesInsideTheNetworkIsNotConnectedTo(t *testing.T) {
	var connects *atomic.Int64
	if l, err := net.Listen("tcp", "127.0.0.1:443"); err == nil { // only root may; else the connection would be refused anyway
		defer l.Close()
		connects = wireServe(l, func(c net.Conn) { io.Copy(io.Discard, c) })
	}
	for _, ip := range []string{"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "198.18.0.1", "192.0.0.8", "255.255.255.255"} {
		resolveTo(t, net.ParseIP(ip))
		for name, rt := range map[string]http.RoundTripper{"the default transport": nil, "a transport of its own": &http.Transport{}} {
			for call, do := range wireCalls(t) {
				err := do(wireFlow(t, rt))
				wireError(t, err, oauthflow.KindNotSent)
				if !strings.Contains(err.Error(), "not a public address") {
					t.Errorf("%s over %s with %s: %v", call, name, ip, err)
				}
			}
		}
	}
	if connects != nil && connects.Load() != 0 {
		t.Errorf("%d connections arrived", connects.Load())
	}
}

func TestADialFunctionOfTheCallersIsHeldToPublicAddresses(t *testing.T) {
	var h heard
	addr, _ := wireListen(t, h.drain)
	rt := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
	for call, do := range wireCalls(t) {
		err := do(wireFlow(t, rt))
		wireError(t, err, oauthflow.KindNotSent)
		if !strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%s: %v", call, err)
		}
	}
	if h.bytes() != 0 {
		t.Errorf("%d bytes arrived", h.bytes())
	}
}

// addressed is a connection that claims another remote address.
type addressed struct {
	net.Conn
	addr net.Addr
}

func (a addressed) RemoteAddr() net.Addr { return a.addr }

func TestOnlyPublicAddressesCountAsPublic(t *testing.T) {
	for ip, public := range map[string]bool{
		"13.108.0.1": true, "8.8.8.8": true, "2606:4700::1111": true, "::ffff:8.8.8.8": true, "192.31.196.1": true, "172.32.0.1": true, "2400::1": true,
		"127.0.0.1": false, "::1": false, "::": false, "::ffff:127.0.0.1": false, "::ffff:10.0.0.1": false, "fd00::1": false, "fe80::1": false,
		"fe80::1%eth0": false, "ff02::1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false, "100.127.255.255": false, "192.168.0.1": false,
		"0.1.2.3": false, "240.0.0.1": false,
		// NAT64 and ISATAP hand on to the address inside, the local NAT64 to a network's own.
		"64:ff9b::808:808": true, "64:ff9b::a00:1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b::a83f:8110": false, "64:ff9b:1::808:808": true, "64:ff9b:1:1::808:808": true, "64:ff9b:1:808:8:800::": true, "64:ff9b:1:8:808:800::": true,
		"64:ff9b:1:a00:0:100:808:808": false, "64:ff9b:1::a00:1": false, "64:ff9b:1:a9fe:a9:fe00::": false, "64:ff9b:1::": false, "64:ff9b:2::808:808": false,
		"2606:4700::5efe:808:808": true, "2606:4700::5efe:a00:1": false, "2606:4700::200:5efe:a9fe:a9fe": false, "fe80::5efe:808:808": false,
		"2001:0:4136:e378:8000:63bf:f7f7:f7f7": false, "2002:808:808::1": false, "::8.8.8.8": false, "::ffff:0:8.8.8.8": false,
		// The rest of the registries, and what has left them.
		"168.63.129.16": false, "168.63.129.17": true, "192.0.2.1": false, "198.51.100.1": false, "203.0.113.9": false, "192.88.99.1": false,
		"fec0::1": false, "100::1": false, "100:0:0:1::1": false, "2001:2::1": false, "2001:20::1": false, "2001:db8::1": false, "3fff::1": false, "5f00::1": false,
		"fd00:ec2::254": false, "4000::1": false, "255.255.255.255": false, "192.0.0.192": false, "172.31.255.255": false, "239.1.2.3": false,
	} {
		addr, zone, _ := strings.Cut(ip, "%")
		rt := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			theirs.Close()
			return addressed{ours, &net.TCPAddr{IP: net.ParseIP(addr), Port: 443, Zone: zone}}, nil
		}}
		_, err := wireFlow(t, rt).Refresh(t.Context(), wireClient(t, wireHost), wireToken())
		if refused := strings.Contains(fmt.Sprint(err), "not a public address"); refused == public {
			t.Errorf("%s: %v", ip, err)
		}
	}
}

func TestWhereTheResolverKnowsNoNameTheServicesOwnDNSIsDown(t *testing.T) {
	resolveTo(t, nil)
	for call, do := range wireCalls(t) {
		err := do(wireFlow(t, &http.Transport{}))
		wireError(t, err, oauthflow.KindNotSent)
		isOwn(t, call, err)
	}
}

func TestANameThatDoesNotExistIsToldApart(t *testing.T) {
	for call, do := range wireCalls(t) {
		if call == "identity" { // at the generic login host
			continue
		}
		err := do(wireFlow(t, &http.Transport{DialContext: func(_ context.Context, _, addr string) (net.Conn, error) {
			if host, _, _ := net.SplitHostPort(addr); host == wireHost {
				return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
			}
			return nil, errors.New("refused")
		}}))
		e := wireError(t, err, oauthflow.KindNotSent)
		if !errors.Is(err, oauthflow.ErrNoSuchHost) || !strings.Contains(e.Sentence(), "renamed") || e.Kind.Terminal() {
			t.Errorf("%s: %v, %q", call, err, e.Sentence())
		}
	}
}

func TestAServerThatTLSDoesNotVouchForHearsNothing(t *testing.T) {
	good := wireCA().issue(wireHost, time.Now().Add(time.Hour))
	for _, c := range []struct {
		name string
		tls  *tls.Config
	}{
		{"a certificate of an unknown authority", &tls.Config{Certificates: []tls.Certificate{newWireCA().issue(wireHost, time.Now().Add(time.Hour))}}},
		{"a certificate for another host", &tls.Config{Certificates: []tls.Certificate{wireCA().issue("evil.my.salesforce.com", time.Now().Add(time.Hour))}}},
		{"a certificate that has expired", &tls.Config{Certificates: []tls.Certificate{wireCA().issue(wireHost, time.Now().Add(-time.Hour))}}},
		{"TLS 1.1", &tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}},
		{"TLS 1.2, which is good", &tls.Config{Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS12}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var h heard
			addr, connects := wireListen(t, func(raw net.Conn) {
				server := tls.Server(raw, c.tls)
				if server.Handshake() == nil {
					h.answerAfter(0)(server)
				}
			})
			rt := wireProxy(t, addr, "200 OK")
			rt.TLSClientConfig.MinVersion = tls.VersionTLS10 // a caller's mistake, which must not count
			_, err := wireFlow(t, rt).Refresh(t.Context(), wireClient(t, wireHost), wireToken())
			if strings.Contains(c.name, "good") {
				if err != nil || h.bytes() == 0 {
					t.Fatalf("%d bytes, %v", h.bytes(), err)
				}
				return
			}
			wireError(t, err, oauthflow.KindNotSent)
			if h.bytes() != 0 || connects.Load() != 1 {
				t.Errorf("%d bytes over %d connections", h.bytes(), connects.Load())
			}
		})
	}
}

func TestAHandshakeThatTheCallersDialPutsOffHasSentNothing(t *testing.T) {
	var h heard
	addr, _ := wireListen(t, func(raw net.Conn) {
		server := tls.Server(raw, &tls.Config{Certificates: []tls.Certificate{newWireCA().issue(wireHost, time.Now().Add(time.Hour))}})
		if server.Handshake() == nil {
			h.drain(server)
		}
	})
	rt := &http.Transport{DialTLSContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		raw, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return tls.Client(raw, &tls.Config{RootCAs: wireCA().pool, ServerName: wireHost}), nil // its handshake comes with the first write
	}}
	_, err := wireFlow(t, rt).Refresh(t.Context(), wireClient(t, wireHost), wireToken())
	wireError(t, err, oauthflow.KindNotSent)
	if h.bytes() != 0 {
		t.Errorf("%d bytes arrived", h.bytes())
	}
}

func TestEveryCallUsesAConnectionOfItsOwnAndHTTP1(t *testing.T) {
	var conns atomic.Int64
	rt := wireServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 1 || r.Header.Get("Accept-Encoding") != "" || !r.Close {
			t.Errorf("%s with headers %v, close %v", r.Proto, r.Header, r.Close)
		}
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, tokenAnswer(nil))
	})
	dial := rt.DialTLSContext
	rt.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conns.Add(1)
		return dial(ctx, network, addr)
	}
	rt.ForceAttemptHTTP2 = true
	f, c := wireFlow(t, rt), wireClient(t, wireHost)
	for range 5 {
		if _, err := f.Refresh(t.Context(), c, wireToken()); err != nil {
			t.Fatal(err)
		}
	}
	if conns.Load() != 5 {
		t.Errorf("5 refreshes used %d connections", conns.Load())
	}
	if rt.DisableKeepAlives || !rt.ForceAttemptHTTP2 || rt.MaxResponseHeaderBytes != 0 {
		t.Error("the caller's transport was changed")
	}
}

func TestARedirectIsNeverFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{"https://evil.io/steal", "http://" + wireHost + "/services/oauth2/token", "https://other.my.salesforce.com/services/oauth2/token", "/services/oauth2/token"} {
			for name, call := range wireCalls(t) {
				var dials []string
				server := wireServer(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Location", to)
					w.WriteHeader(status)
				})
				dial := server.DialTLSContext
				server.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
					dials = append(dials, addr)
					return dial(ctx, network, addr)
				}
				server.DialContext = func(_ context.Context, _, addr string) (net.Conn, error) {
					dials = append(dials, addr)
					return nil, io.EOF
				}
				err := call(wireFlow(t, server))
				var e *oauthflow.Error
				if !errors.As(err, &e) || e.Status != status || strings.Contains(e.Error(), "evil") {
					t.Errorf("%s answered by %d: %v", name, status, err)
				}
				if len(dials) != 1 {
					t.Errorf("%s answered by %d to %s: dialled %v", name, status, to, dials)
				}
			}
		}
	}
}

func TestNoSecretTravelsInAURL(t *testing.T) {
	for name, call := range wireCalls(t) {
		_ = call(wireFlow(t, carrier(func(r *http.Request) (*http.Response, error) {
			for _, s := range []string{wireSecret, wireRefresh, wireAccess, wireCode, wireKey} {
				if strings.Contains(r.URL.String(), s) || strings.Contains(r.URL.RawQuery, s) || r.URL.RawQuery != "" {
					t.Errorf("%s: %s", name, r.URL.Path)
				}
			}
			if r.URL.Scheme != "https" || r.Header.Get("Referer") != "" || r.Method == http.MethodPost && r.Header.Get("Authorization") != "" {
				t.Errorf("%s: %s with %v", name, r.URL, r.Header)
			}
			return nil, io.EOF
		})))
	}
}

func TestARefreshSendsTheFourFieldsOnceAndNothingElse(t *testing.T) {
	var body string
	_, err := refreshWith(t, carrier(func(r *http.Request) (*http.Response, error) {
		b, _ := io.ReadAll(r.Body)
		body = string(b)
		if r.URL.String() != "https://"+wireHost+"/services/oauth2/token" || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			t.Errorf("POST %s %v", r.URL, r.Header)
		}
		return wireReply(r, 200, tokenAnswer(nil)), nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	want := "client_id=" + wireKey + "&client_secret=" + wireSecret + "&grant_type=refresh_token&refresh_token=" + strings.ReplaceAll(wireRefresh, "=", "%3D")
	if body != want { // no scope, no verifier: Salesforce refuses both here
		t.Error("the form holds other fields than grant_type, refresh_token, client_id and client_secret")
	}
}
