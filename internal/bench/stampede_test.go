package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/fullcast/sfauth/oauthflow"
)

const (
	callers = 1000
	latency = 20 * time.Millisecond
)

// stampede has all callers replace one rejected token at once, and returns how long each waited.
func stampede(t *testing.T, replace func(context.Context) error) []time.Duration {
	t.Helper()
	took := make([]time.Duration, callers)
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range callers {
		wg.Go(func() {
			<-start
			begin := time.Now()
			if err := replace(t.Context()); err != nil {
				t.Error(err)
			}
			took[i] = time.Since(begin)
		})
	}
	close(start)
	wg.Wait()
	return took
}

func TestAThousandCallersOfAnEndedSessionCauseOneRequest(t *testing.T) {
	rt := &transport{}
	s := adopt(t, manager(t, rt, oauthflow.NewMemoryStore()), acme)
	rt.latency = latency
	tok, err := s.TokenContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before := rt.posts.Load()
	stampede(t, func(ctx context.Context) error {
		_, err := s.Replace(ctx, tok.AccessToken)
		return err
	})
	if n := rt.posts.Load() - before; n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

func TestARefreshCostsFewRoundTripsOfTheStore(t *testing.T) {
	s := &store{Store: oauthflow.NewMemoryStore()}
	rt := &transport{}
	winner, loser := manager(t, rt, s), manager(t, rt, s)
	src := adopt(t, winner, acme)
	tok, err := src.TokenContext(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := loser.Source(acme).TokenContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.calls.Store(0)
	if _, err := src.Replace(t.Context(), tok.AccessToken); err != nil {
		t.Fatal(err)
	}
	if n := s.calls.Load(); n > 4 { // the host's record is asked for beside the connection's, at the same time
		t.Errorf("the winner made %d calls, at most 3 one after the other are meant", n)
	}
	s.calls.Store(0)
	if _, err := loser.Source(acme).Replace(t.Context(), tok.AccessToken); err != nil {
		t.Fatal(err)
	}
	if n := s.calls.Load(); n > 2 {
		t.Errorf("the loser made %d calls, at most 2 are meant", n)
	}
}

func TestRow4TheStampede(t *testing.T) {
	quiet(t)
	rt := &transport{}
	s := adopt(t, manager(t, rt, oauthflow.NewMemoryStore()), acme)
	rt.latency = latency
	var ours, peers []float64
	for range 7 {
		tok, err := s.TokenContext(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		took := stampede(t, func(ctx context.Context) error {
			_, err := s.Replace(ctx, tok.AccessToken)
			return err
		})
		ours = append(ours, float64(slices.Max(took))/float64(latency))
		x := oauth2.ReuseTokenSource(nil, slow{})
		took = stampede(t, func(context.Context) error {
			_, err := x.Token()
			return err
		})
		peers = append(peers, float64(slices.Max(took))/float64(latency))
	}
	report(t, row{"4a", "1,000 callers of an ended session", fmt.Sprintf("x/oauth2 shared %.2f×", median(peers)), median(ours), 1.2, "× the endpoint's latency"})
}

type slow struct{}

func (slow) Token() (*oauth2.Token, error) {
	time.Sleep(latency)
	return &oauth2.Token{AccessToken: "a", Expiry: time.Now().Add(time.Hour)}, nil
}

func TestRow4CancelledCallersLeave(t *testing.T) {
	quiet(t)
	rt := &transport{}
	s := adopt(t, manager(t, rt, oauthflow.NewMemoryStore()), acme)
	rt.latency = latency
	const deadline = 5 * time.Millisecond
	var late []float64
	for range 7 {
		tok, err := s.TokenContext(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		before := rt.posts.Load()
		var mu sync.Mutex
		n := 0
		stampede(t, func(ctx context.Context) error {
			mu.Lock()
			n++
			leaves := n%10 == 1
			mu.Unlock()
			if !leaves {
				_, err := s.Replace(ctx, tok.AccessToken)
				return err
			}
			ctx, cancel := context.WithTimeout(ctx, deadline)
			defer cancel()
			begin := time.Now()
			if _, err := s.Replace(ctx, tok.AccessToken); err == nil { // it began late, and was served in time
				return nil
			}
			mu.Lock()
			late = append(late, float64(time.Since(begin)-deadline)/float64(time.Millisecond))
			mu.Unlock()
			return nil
		})
		if rt.posts.Load() != before+1 {
			t.Errorf("%d requests, want 1", rt.posts.Load()-before)
		}
	}
	report(t, row{"4b", "cancelled callers back after their deadline", "aws 0.5 ms", median(late), 2, "ms"})
}
