package oauthflow_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// piped is a transport whose connections end in the test's own hands, without a network: it works in virtual time.
// What arrives at the server's end after the dial is the request.
func piped(dial func(ctx context.Context) error, serve func(net.Conn)) *http.Transport {
	return &http.Transport{DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		if dial != nil {
			if err := dial(ctx); err != nil {
				return nil, err
			}
		}
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			serve(theirs)
		}()
		return ours, nil
	}}
}

// heard is how much of a request a server has heard.
type heard struct {
	mu sync.Mutex
	n  int
}

func (h *heard) add(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.n += n
}

func (h *heard) bytes() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.n
}

// drain reads all that comes and answers nothing.
func (h *heard) drain(c net.Conn) {
	b := make([]byte, 4096)
	for {
		n, err := c.Read(b)
		h.add(n)
		if err != nil {
			return
		}
	}
}

// answerAfter reads one request, waits, and answers it with a token.
func (h *heard) answerAfter(wait time.Duration) func(net.Conn) {
	return func(c net.Conn) {
		req, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		n, _ := io.Copy(io.Discard, req.Body)
		h.add(int(n))
		time.Sleep(wait)
		wireReply(req, 200, tokenAnswer(nil)).Write(c)
	}
}

func TestWhatFailsBeforeTheFirstByteWasNotSent(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	for _, c := range []struct {
		name  string
		ctx   func() (context.Context, context.CancelFunc)
		dial  func(context.Context) error
		cause error
	}{
		{"a context that is cancelled already", func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			return ctx, cancel
		}, nil, context.Canceled},
		{"a deadline that has passed already", func() (context.Context, context.CancelFunc) {
			return context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
		}, nil, context.DeadlineExceeded},
		{"a context cancelled during the dial", func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		}, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, context.Canceled},
		{"a context cancelled during a dial that does not care", func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		}, func(context.Context) error { time.Sleep(3 * time.Second); return nil }, context.Canceled},
		{"a deadline that passes during the dial", func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.Background(), time.Second)
		}, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, context.DeadlineExceeded},
		{"a dial that is refused", nil, func(context.Context) error { return refused }, nil},
		{"a name that does not exist", nil, func(context.Context) error {
			return &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: wireHost, IsNotFound: true}}
		}, oauthflow.ErrOwnNetwork}, // nor does any other
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := context.Background()
				if c.ctx != nil {
					var cancel context.CancelFunc
					ctx, cancel = c.ctx()
					defer cancel()
				}
				var h heard
				_, err := wireFlow(t, piped(c.dial, h.drain)).Refresh(ctx, wireClient(t, wireHost), wireToken())
				wireError(t, err, oauthflow.KindNotSent)
				if c.cause != nil && !errors.Is(err, c.cause) {
					t.Errorf("got %v, want the cause %v", err, c.cause)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if h.bytes() != 0 {
					t.Errorf("%d bytes had left", h.bytes())
				}
			})
		})
	}
}

// lazyClock is a context whose deadline nobody announces, as when a process is stopped past it: timers fire late, and
// the write comes first.
type lazyClock struct {
	context.Context
	at time.Time
}

func (c lazyClock) Deadline() (time.Time, bool) { return c.at, true }

func TestADeadlineThatPassesUnnoticedBetweenDialAndWriteStopsTheWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h heard
		rt := piped(func(context.Context) error { time.Sleep(2 * time.Second); return nil }, h.answerAfter(0))
		f, c := wireFlow(t, rt), wireClient(t, wireHost)
		_, err := f.Refresh(lazyClock{context.Background(), time.Now().Add(time.Second)}, c, wireToken())
		wireError(t, err, oauthflow.KindNotSent)
		if h.bytes() != 0 {
			t.Errorf("%d bytes had left", h.bytes())
		}
		if _, err := f.Refresh(lazyClock{context.Background(), time.Now().Add(3 * time.Second)}, c, wireToken()); err != nil {
			t.Errorf("with time enough: %v", err)
		}
	})
}

func TestACallerWhoLeavesAfterTheFirstByteEndsNothing(t *testing.T) {
	for _, c := range []struct {
		name string
		ctx  func() (context.Context, context.CancelFunc)
	}{
		{"by cancelling", func() (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		}},
		{"by a deadline", func() (context.Context, context.CancelFunc) {
			return context.WithTimeout(context.Background(), time.Second)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := c.ctx()
				defer cancel()
				var h heard
				tok, err := wireFlow(t, piped(nil, h.answerAfter(90*time.Second))).Refresh(ctx, wireClient(t, wireHost), wireToken())
				if err != nil || tok.RefreshToken.Reveal() != wireRefresh {
					t.Fatalf("the answer was lost: %v", err)
				}
				if ctx.Err() == nil {
					t.Error("the caller had not left")
				}
			})
		})
	}
}

func TestAnAnswerIsWaitedForTwoMinutesAndNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var h heard
		server := piped(nil, h.drain)
		for _, rt := range []http.RoundTripper{
			server, carrier(server.RoundTrip),
			carrier(func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }),
		} {
			start := time.Now()
			_, err := wireFlow(t, rt).Refresh(context.Background(), wireClient(t, wireHost), wireToken())
			wireError(t, err, oauthflow.KindInDoubt)
			if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v blames the caller's context", err)
			}
			if took := time.Since(start); took != 2*time.Minute {
				t.Errorf("gave up after %v", took)
			}
		}
	})
}

// cutConn passes k bytes of what is written and then breaks.
type cutConn struct {
	net.Conn
	left int
}

func (c *cutConn) Write(b []byte) (int, error) {
	if len(b) <= c.left {
		c.left -= len(b)
		return c.Conn.Write(b)
	}
	n, _ := c.Conn.Write(b[:c.left])
	c.left = 0
	c.Close()
	return n, errors.New("connection reset by peer")
}

func TestARequestThatIsCutAfterAnyByteIsInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var whole heard
		c := wireClient(t, wireHost)
		wireFlow(t, piped(nil, func(conn net.Conn) {
			b := make([]byte, 8192)
			n, _ := conn.Read(b) // one write, one read: the request fits a buffer
			whole.add(n)
		})).Refresh(context.Background(), c, wireToken())
		if whole.bytes() < 300 {
			t.Fatalf("the request has %d bytes only", whole.bytes())
		}
		for k := range whole.bytes() + 1 {
			var h heard
			rt := piped(nil, h.drain)
			dial := rt.DialTLSContext
			rt.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := dial(ctx, network, addr)
				if k == whole.bytes() { // all of it arrives, and the server hangs up without an answer
					go func() { time.Sleep(time.Second); conn.Close() }()
				}
				return &cutConn{conn, k}, err
			}
			_, err := wireFlow(t, rt).Refresh(context.Background(), c, wireToken())
			wireError(t, err, oauthflow.KindInDoubt)
			synctest.Wait()
			if h.bytes() != k {
				t.Fatalf("cut after %d bytes, and %d arrived", k, h.bytes())
			}
		}
	})
}

func TestAProxyThatRefusesToConnectHasSentNothing(t *testing.T) {
	for _, status := range []string{"407 Proxy Authentication Required", "403 Forbidden", "502 Bad Gateway", "302 Found\r\nLocation: https://evil.io/"} {
		rt := wireProxy(t, "", status)
		_, err := wireFlow(t, rt).Refresh(t.Context(), wireClient(t, wireHost), wireToken())
		wireError(t, err, oauthflow.KindNotSent)
	}
}

func TestAnErrorOfAForeignTransportIsInDoubt(t *testing.T) {
	for _, cause := range []error{
		errors.New("boom"), &net.OpError{Op: "dial", Err: errors.New("refused")}, context.Canceled, io.EOF,
		&net.DNSError{Err: "no such host", IsNotFound: true},
	} {
		requests := 0
		_, err := refreshWith(t, carrier(func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodPost { // and not the question whether any name is resolved
				requests++
			}
			return nil, cause
		}))
		wireError(t, err, oauthflow.KindInDoubt)
		if requests != 1 {
			t.Errorf("%v: %d requests", cause, requests)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := wireFlow(t, carrier(func(*http.Request) (*http.Response, error) {
		t.Error("a request was handed over although the caller had left")
		return nil, io.EOF
	})).Refresh(ctx, wireClient(t, wireHost), wireToken())
	wireError(t, err, oauthflow.KindNotSent)
}

func TestNoCallIsEverRepeated(t *testing.T) {
	answers := map[string]carrier{
		"an error":       func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF },
		"nothing":        says(200, ""),
		"a refusal":      says(400, `{"error":"invalid_client","error_description":"invalid client credentials"}`),
		"401":            says(401, ""),
		"busy":           says(400, `{"error":"invalid_grant","error_description":"token request is already being processed"}`),
		"503 and a time": says(503, "", "Retry-After", "0"),
		"500":            says(500, "<html>"),
		"a redirect":     says(307, "", "Location", "https://"+wireHost+"/services/oauth2/token"),
	}
	for what, answer := range answers {
		for name, call := range wireCalls(t) {
			requests := 0
			_ = call(wireFlow(t, carrier(func(r *http.Request) (*http.Response, error) {
				requests++
				if r.GetBody != nil && r.Method == http.MethodPost {
					t.Errorf("%s: a transport could send the body again", name)
				}
				for _, h := range []string{"Idempotency-Key", "X-Idempotency-Key"} { // net/http repeats a POST that has one
					if r.Header.Get(h) != "" {
						t.Errorf("%s: the request has the header %s", name, h)
					}
				}
				return answer(r)
			})))
			if requests != 1 {
				t.Errorf("%s answered by %s: %d requests", name, what, requests)
			}
		}
	}
}
