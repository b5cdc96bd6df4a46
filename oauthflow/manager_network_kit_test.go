package oauthflow_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"time"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// dialOrg returns a dial function whose connections end at the org, without a network: it works in virtual time.
func dialOrg(w *world, dialing func(context.Context), answer time.Duration) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, _, addr string) (net.Conn, error) {
		dialing(ctx)
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			req, err := http.ReadRequest(bufio.NewReader(theirs))
			if err != nil {
				return
			}
			host, _, _ := net.SplitHostPort(addr)
			req.URL.Scheme, req.URL.Host, req.RequestURI = "https", host, ""
			resp, err := w.wire.RoundTrip(req)
			if err != nil {
				return
			}
			defer resp.Body.Close()
			if req.URL.Path == tokenEndpoint {
				time.Sleep(answer)
			}
			_ = resp.Write(theirs)
		}()
		return ours, nil
	}
}

// inject has something go wrong with the org's answers.
func (w *world) inject(f orgtest.Fault) {
	w.t.Helper()
	if err := w.org.Inject(f); err != nil {
		w.t.Fatal(err)
	}
}
