package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/oauth2"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
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
	s := adopt(t, manager(t, rt, tokenstore.NewMemory()), acme)
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

// A store whose every call takes a second of virtual time tells how many of them come one after the other.
func TestARefreshCostsFewRoundTripsOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &distant{Store: tokenstore.NewMemory()}
		rt := &transport{}
		winner, late, stranger := manager(t, rt, s), manager(t, rt, s), manager(t, rt, s)
		dead, err := adopt(t, winner, acme).TokenContext(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := late.Source(acme).TokenContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.away = 5 * time.Millisecond
		for _, p := range []struct {
			who   string
			m     *oauthflow.Manager
			trips time.Duration
		}{
			{"who sends, and knows the login host", winner, 3}, // the record, the intent, the result
			{"who comes when the result is there", late, 1},
			{"who sends, and knows nothing", stranger, 3},
		} {
			began := time.Now()
			tok, err := p.m.Source(acme).Replace(t.Context(), dead.AccessToken)
			if err != nil {
				t.Fatal(err)
			}
			if trips := time.Since(began) / s.away; trips != p.trips {
				t.Errorf("%s waits for %d round trips, want %d", p.who, trips, p.trips)
			}
			if p.m == late {
				dead = tok
			}
		}
	})
}

func TestRow4TheStampede(t *testing.T) {
	quiet(t)
	rt := &transport{}
	s := adopt(t, manager(t, rt, tokenstore.NewMemory()), acme)
	rt.latency = latency
	judge(t, byClock, func(longer int) []row {
		var ours, peers, sf []float64
		var asked, posts int64
		for range 7 * longer {
			tok, err := s.TokenContext(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			before := rt.posts.Load()
			took := stampede(t, func(ctx context.Context) error {
				_, err := s.Replace(ctx, tok.AccessToken)
				return err
			})
			asked = max(asked, rt.posts.Load()-before)
			ours = append(ours, times(slices.Max(took)))
			x := oauth2.ReuseTokenSource(nil, slow{})
			took = stampede(t, func(context.Context) error {
				_, err := x.Token()
				return err
			})
			peers = append(peers, times(slices.Max(took)))
		}
		for range 3 {
			var wait time.Duration
			wait, posts = peerStampede(t)
			sf = append(sf, times(wait))
		}
		return []row{
			{"4a", "1,000 callers of an ended session", fmt.Sprintf("x/oauth2 shared %.2f×, go-salesforce %.1f×", median(peers), median(sf)), spread(ours, len(ours)).limited(1), 1.2, "× the endpoint's latency"},
			{"4a", "  requests", fmt.Sprintf("x/oauth2 shared 1, go-salesforce %d", posts), counted(float64(asked)), 1, ""},
		}
	})
}

func TestRow4TheStampedeOverProcesses(t *testing.T) {
	quiet(t)
	f := newFleet(t)
	judge(t, byClock, func(longer int) []row {
		var waits []float64
		var asked int64
		for range 15 * longer {
			wait, posts := f.stampede(t)
			waits, asked = append(waits, times(wait)), max(asked, posts)
		}
		return []row{
			{"4a", "1,000 callers in 4 processes over files", "none shares a refresh between processes", spread(waits, len(waits)).limited(1), 1.5, "× the endpoint's latency"},
			{"4a", "  requests", "", counted(float64(asked)), 1, ""},
		}
	})
}

// times is a wait as a multiple of the endpoint's latency.
func times(wait time.Duration) float64 { return float64(wait) / float64(latency) }

type slow struct{}

func (slow) Token() (*oauth2.Token, error) {
	time.Sleep(latency)
	return &oauth2.Token{AccessToken: "a", Expiry: time.Now().Add(time.Hour)}, nil
}

func TestRow4CancelledCallersLeave(t *testing.T) {
	quiet(t)
	rt := &transport{}
	s := adopt(t, manager(t, rt, tokenstore.NewMemory()), acme)
	rt.latency = latency
	judge(t, byClock, func(longer int) []row {
		var ours, theirs []float64
		for range 7 * longer {
			tok, err := s.TokenContext(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			before := rt.posts.Load()
			ours = append(ours, lateness(t, func(ctx context.Context) error {
				_, err := s.Replace(ctx, tok.AccessToken)
				return err
			})...)
			if rt.posts.Load() != before+1 {
				t.Errorf("%d requests, want 1", rt.posts.Load()-before)
			}
			cache := aws.NewCredentialsCache(slowProvider{})
			theirs = append(theirs, lateness(t, func(ctx context.Context) error {
				_, err := cache.Retrieve(ctx)
				return err
			})...)
		}
		return []row{{"4b", "cancelled callers back after their deadline", fmt.Sprintf("aws %.1f ms", median(theirs)), spread(ours, len(ours)), 2, "ms"}}
	})
}

// slowProvider answers as late as the endpoint.
type slowProvider struct{ awsProvider }

func (p slowProvider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	time.Sleep(latency)
	return p.awsProvider.Retrieve(ctx)
}

// lateness has every tenth of a stampede's callers leave before the answer, and returns by how many milliseconds each was
// late.
func lateness(t *testing.T, get func(context.Context) error) (late []float64) {
	t.Helper()
	const deadline = 5 * time.Millisecond
	var mu sync.Mutex
	n := 0
	stampede(t, func(ctx context.Context) error {
		mu.Lock()
		n++
		leaves := n%10 == 1
		mu.Unlock()
		if !leaves {
			return get(ctx)
		}
		ctx, cancel := context.WithTimeout(ctx, deadline)
		defer cancel()
		begin := time.Now()
		if get(ctx) == nil { // it began late, and was served in time
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		late = append(late, float64(time.Since(begin)-deadline)/float64(time.Millisecond))
		return nil
	})
	return late
}
