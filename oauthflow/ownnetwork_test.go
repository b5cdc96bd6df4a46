package oauthflow_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// resolvedTo is a transport whose connections lead to an address.
func resolvedTo(ip string) *http.Transport {
	return &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		theirs.Close()
		return addressed{ours, &net.TCPAddr{IP: net.ParseIP(ip), Port: 443}}, nil
	}}
}

// refusesAddress reports whether the error is about the address.
func refusesAddress(err error) bool {
	return err != nil && strings.Contains(err.Error(), "not a public address")
}

func networks(texts ...string) (all []netip.Prefix) {
	for _, text := range texts {
		all = append(all, netip.MustParsePrefix(text))
	}
	return all
}

// A service mesh gives names addresses of 240.0.0.0/4, a private link those of the network's own.
func TestPrivateNetworksThatAreConfiguredAreReachedForHostsOfSalesforceAlone(t *testing.T) {
	for _, c := range []struct {
		ip      string
		private []netip.Prefix
		reached bool
	}{
		{"240.240.0.1", nil, false},
		{"240.240.0.1", networks("240.0.0.0/4"), true},
		{"10.1.2.3", networks("240.0.0.0/4", "10.0.0.0/8"), true},
		{"10.1.2.3", networks("240.0.0.0/4", "10.2.0.0/16"), false},
		{"fd12::5", networks("fd12::/16"), true},
		{"64:ff9b::a01:203", networks("10.0.0.0/8"), true},   // NAT64 of an address that is allowed
		{"64:ff9b:1::a01:203", networks("10.0.0.0/8"), true}, // and of a network's own
		{"64:ff9b::7f00:1", networks("64:ff9b::/96"), false}, // NAT64 of the machine itself, whatever is configured
		{"64:ff9b::a9fe:a9fe", networks("64:ff9b::/96"), false},
		{"64:ff9b::a01:203", networks("64:ff9b::/96"), true},
		// ISATAP and 6to4 hand on to the machine's link, too.
		{"fd00::5efe:a01:203", networks("fd00::/8"), true}, {"fd00::5efe:a9fe:a9fe", networks("fd00::/8"), false},
		{"2002:a01:203::1", networks("2002::/16"), true}, {"2002:a9fe:a9fe::1", networks("2002::/16"), false}, {"2002:7f00:1::", networks("2002::/16"), false},
		{"255.255.255.255", networks("240.0.0.0/4"), false},
		{"127.0.0.1", networks("10.0.0.0/8"), false}, {"169.254.169.254", networks("10.0.0.0/8"), false}, {"::1", networks("fd00::/8"), false},
		{"8.8.8.8", networks("10.0.0.0/8"), true},
	} {
		flow, err := oauthflow.NewFlow(oauthflow.Config{
			RedirectURLs: []string{callbackURL}, Transport: resolvedTo(c.ip), PrivateNetworks: c.private,
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = flow.Refresh(t.Context(), wireClient(t, wireHost), wireToken())
		if refusesAddress(err) == c.reached {
			t.Errorf("a token request to %s with %v: %v", c.ip, c.private, err)
		}
		w := newWorld(t, orgtest.Config{})
		m := w.manager(func(m *oauthflow.ManagerConfig) { m.Flow = flow })
		for host, own := range map[string]bool{"https://acme.my.salesforce.com": true, "https://login.salesforce.com": true, "https://attacker.example": false, "https://acme.my.salesforce.com.attacker.example": false} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, host+"/services/data/", nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = m.Sessionless(resolvedTo(c.ip)).RoundTrip(req)
			if want := c.reached && (own || c.ip == "8.8.8.8"); refusesAddress(err) == want {
				t.Errorf("%s at %s with %v: %v", host, c.ip, c.private, err)
			}
		}
	}
}

func TestTheDialerOfTheSDKKnowsTheNameThatItDials(t *testing.T) {
	resolveTo(t, net.IPv4(240, 240, 0, 1))
	for _, private := range [][]netip.Prefix{nil, networks("240.0.0.0/4")} {
		for name, rt := range map[string]http.RoundTripper{"the default transport": nil, "a transport of its own": &http.Transport{}} {
			flow, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{callbackURL}, Transport: rt, PrivateNetworks: private})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond) // nothing is there
			_, err = flow.Refresh(ctx, wireClient(t, wireHost), wireToken())
			cancel()
			if err == nil || refusesAddress(err) == (private != nil) {
				t.Errorf("%s with %v: %v", name, private, err)
			}
		}
	}
}

func TestPrivateNetworksThatHoldTheMachineItselfAreRefusedByNameOfTheField(t *testing.T) {
	for _, bad := range []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0"), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("127.1.0.0/16"),
		netip.MustParsePrefix("::1/128"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("169.254.169.254/32"), netip.MustParsePrefix("fe80::/10"),
		netip.MustParsePrefix("0.0.0.0/32"), netip.MustParsePrefix("224.0.0.0/4"), netip.MustParsePrefix("ff02::/16"), netip.MustParsePrefix("128.0.0.0/1"),
		netip.MustParsePrefix("::ffff:10.0.0.0/104"), {}, netip.PrefixFrom(netip.MustParseAddr("10.1.2.3"), 8),
	} {
		_, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{callbackURL}, PrivateNetworks: append(networks("10.0.0.0/8"), bad)})
		var field *oauthflow.FieldError
		if !errors.As(err, &field) || field.Field != "Config.PrivateNetworks[1]" {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// isOwn fails unless the error is of the service's own network.
func isOwn(t *testing.T, what string, err error) {
	t.Helper()
	e := new(oauthflow.Error)
	if !errors.Is(err, oauthflow.ErrOwnNetwork) || errors.Is(err, oauthflow.ErrNoSuchHost) || !errors.As(err, &e) {
		t.Errorf("%s: got %v, want ErrOwnNetwork", what, err)
		return
	}
	if e.Kind != oauthflow.KindNotSent && e.Kind != oauthflow.KindInDoubt { // the latter of a transport of somebody else's
		t.Errorf("%s: its kind is %q", what, e.Kind)
	}
	for _, wrong := range []string{"tried again", "deleted", "renamed", "connect again"} {
		if strings.Contains(e.Sentence(), wrong) {
			t.Errorf("%s: the sentence says %q: %s", what, wrong, e.Sentence())
		}
	}
}

func TestAnAddressThatIsRefusedIsAFaultOfTheServicesOwnNetworkAndNamesTheSetting(t *testing.T) {
	for call, do := range wireCalls(t) {
		err := do(wireFlow(t, resolvedTo("10.1.2.3")))
		isOwn(t, call, err)
		if err == nil || !strings.Contains(err.Error(), "10.1.2.3") || !strings.Contains(err.Error(), "Config.PrivateNetworks") {
			t.Errorf("%s: %v", call, err)
		}
	}
}

// noName answers nothing for the hosts that do not exist.
func noName(exists func(host string) bool, next http.RoundTripper) (rt http.RoundTripper, asked func() int) {
	var mu sync.Mutex
	n := 0
	return carrier(func(r *http.Request) (*http.Response, error) {
			if exists(r.URL.Host) {
				return next.RoundTrip(r)
			}
			mu.Lock()
			n++
			mu.Unlock()
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: r.URL.Host, IsNotFound: true}}
		}), func() int {
			mu.Lock()
			defer mu.Unlock()
			return n
		}
}

func TestWhereNoNameExistsTheServicesOwnDNSIsDownAndNoOrgWasDeleted(t *testing.T) {
	down, _ := noName(func(string) bool { return false }, nil)
	deleted, _ := noName(func(host string) bool { return host == "login.salesforce.com" }, says(200, "{}"))
	for call, do := range wireCalls(t) {
		isOwn(t, call, do(wireFlow(t, down)))
		if err := do(wireFlow(t, deleted)); call != "identity" && (!errors.Is(err, oauthflow.ErrNoSuchHost) || errors.Is(err, oauthflow.ErrOwnNetwork)) {
			t.Errorf("%s: the host alone does not exist, got %v", call, err)
		}
	}
}

// The generic login host exists always: where its name does not, for a moment or longer, no org was deleted.
func TestTheGenericLoginHostIsNeverToldToBeGone(t *testing.T) {
	for _, host := range []string{"login.salesforce.com", "test.salesforce.com"} {
		asked := 0
		rt, _ := noName(func(string) bool { asked++; return asked > 1 }, says(200, "{}"))
		_, err := wireFlow(t, rt).Refresh(t.Context(), wireClient(t, host), wireToken())
		isOwn(t, host, err)
	}
}

// A caller who gives up does not wait for another who asks whether any name is resolved.
func TestWhoGivesUpDoesNotWaitForAnothersQuestionOfNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flow := wireFlow(t, carrier(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodGet {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return nil, &net.DNSError{Err: "no such host", Name: r.URL.Host, IsNotFound: true}
		}))
		for i, patience := range []time.Duration{time.Minute, time.Second} {
			go func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				began := time.Now()
				_, err := flow.Refresh(ctx, wireClient(t, wireHost), wireToken())
				if took := time.Since(began); took > 6*time.Second || i == 1 && took > time.Second || err == nil {
					t.Errorf("caller %d waited %v: %v", i, took, err)
				}
			}()
		}
		time.Sleep(time.Minute)
	})
}

func TestAnAPICallWhereNoNameExistsIsAFaultOfTheServicesOwnNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, orgtest.Config{})
		up := true
		rt, _ := noName(func(string) bool { return up }, w.wire)
		m := w.manager(func(c *oauthflow.ManagerConfig) { c.Flow = w.flow(rt) })
		w.connect(m, mainKey)
		up = false
		call := func() error {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.org.InstanceURL()+"/services/data/v66.0/limits", nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := m.Source(mainKey).Transport(rt).RoundTrip(req)
			if err == nil {
				resp.Body.Close()
			}
			return err
		}
		isOwn(t, "an API call", call())
		up = true
		time.Sleep(time.Minute)
		if err := call(); err != nil {
			t.Errorf("once names exist again: %v", err)
		}
	})
}

// However many orgs' calls fail at once, the own DNS is asked for one more name now and then.
func TestTheOwnDNSIsAskedForAKnownNameOnceInTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, orgtest.Config{})
		rt, asked := noName(func(string) bool { return false }, nil)
		flow := w.flow(rt)
		for range 50 {
			_, err := flow.Refresh(t.Context(), wireClient(t, wireHost), wireToken())
			isOwn(t, "a refresh", err)
		}
		if n := asked(); n != 51 {
			t.Errorf("%d requests, want 50 and one for the name", n)
		}
		time.Sleep(11 * time.Second)
		_, err := flow.Refresh(t.Context(), wireClient(t, wireHost), wireToken())
		isOwn(t, "a refresh", err)
		if n := asked(); n != 53 {
			t.Errorf("%d requests later, want 53", n)
		}
	})
}

// An image without certificates of authorities trusts nobody.
func TestAnImageWithoutAuthoritiesIsAFaultOfTheServicesOwn(t *testing.T) {
	const inside = "SFAUTH_WITHOUT_AUTHORITIES"
	if os.Getenv(inside) == "" { // a process reads its authorities once
		test := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		test.Env = append(os.Environ(), inside+"=1", "SSL_CERT_FILE=/nonexistent", "SSL_CERT_DIR=/nonexistent")
		if out, err := test.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	addr, _ := wireListen(t, func(c net.Conn) {
		tls.Server(c, &tls.Config{Certificates: []tls.Certificate{wireCA().issue(wireHost, time.Now().Add(time.Hour))}}).Handshake()
	})
	rt := &http.Transport{DialTLSContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		d := tls.Dialer{Config: &tls.Config{ServerName: wireHost}}
		return d.DialContext(ctx, network, addr)
	}}
	for call, do := range wireCalls(t) {
		err := do(wireFlow(t, rt))
		isOwn(t, call, err)
		if err == nil || !strings.Contains(err.Error(), "ca-certificates") {
			t.Errorf("%s: %v", call, err)
		}
	}
	w := newWorld(t, orgtest.Config{})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+wireHost+"/services/data/", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.manager().Sessionless(rt).RoundTrip(req)
	isOwn(t, "a request without a session", err)
}

// A network that the service has allowed vouches for nobody: the server has to show the certificate of the name all the same.
func TestAPrivateNetworkThatIsConfiguredChangesNothingAboutTLS(t *testing.T) {
	for name, c := range map[string]struct {
		certificate tls.Certificate
		heard       bool
	}{
		"the host's own certificate":             {wireCA().issue(wireHost, time.Now().Add(time.Hour)), true},
		"a certificate of an unknown authority":  {newWireCA().issue(wireHost, time.Now().Add(time.Hour)), false},
		"a certificate of the mesh's own naming": {wireCA().issue("acme.mesh.internal", time.Now().Add(time.Hour)), false},
	} {
		t.Run(name, func(t *testing.T) {
			var h heard
			addr, _ := wireListen(t, func(raw net.Conn) {
				server := tls.Server(raw, &tls.Config{Certificates: []tls.Certificate{c.certificate}})
				if server.Handshake() == nil {
					h.answerAfter(0)(server)
				}
			})
			rt := wireProxy(t, addr, "200 OK")
			rt.Proxy = nil
			rt.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, addr)
				if err != nil {
					return nil, err
				}
				return addressed{conn, &net.TCPAddr{IP: net.IPv4(240, 240, 0, 1), Port: 443}}, nil
			}
			flow, err := oauthflow.NewFlow(oauthflow.Config{RedirectURLs: []string{callbackURL}, Transport: rt, PrivateNetworks: networks("240.0.0.0/4")})
			if err != nil {
				t.Fatal(err)
			}
			_, err = flow.Refresh(t.Context(), wireClient(t, wireHost), wireToken())
			if (err == nil) != c.heard || (h.bytes() > 0) != c.heard {
				t.Errorf("%d bytes are heard, %v", h.bytes(), err)
			}
		})
	}
}
