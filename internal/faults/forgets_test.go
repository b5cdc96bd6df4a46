package faults

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/fullcast/sfauth/internal/servers"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/redisstore"
)

func TestF52RedisForgets(t *testing.T) {
	const conns, each = 12, 2 // calls of each connection
	ok, store, gone := "ok", string(oauthflow.KindStore), string(oauthflow.KindNotConnected)
	cases := []struct {
		name   string
		happen func(*forgetful)
		want   map[string]int // outcomes, by connection
		healed int            // connections that work afterwards
	}{
		{"its scripts are flushed", func(f *forgetful) { must(f.t, f.ScriptFlush(f.ctx).Err()) }, map[string]int{ok: conns}, conns},
		{"half of its keys are of another type", func(f *forgetful) {
			for _, k := range f.records()[:conns/2] {
				must(f.t, f.Del(f.ctx, k).Err())
				must(f.t, f.LPush(f.ctx, k, "not a record").Err())
			}
		}, map[string]int{ok: conns / 2, store: conns / 2}, conns / 2},
		{"half of its keys get a time to live, which ends", func(f *forgetful) {
			for _, k := range f.records()[:conns/2] {
				must(f.t, f.PExpire(f.ctx, k, 10*time.Millisecond).Err())
			}
			f.until(conns / 2)
		}, map[string]int{ok: conns / 2, gone: conns / 2}, conns / 2},
		{"it has no memory left and evicts keys", func(f *forgetful) {
			must(f.t, f.ConfigSet(f.ctx, "maxmemory-policy", "allkeys-random").Err())
			_, err := redisstore.Open(f.ctx, redisstore.Config{Client: f.Client, Prefix: "another"})
			f.r.must(errors.Is(err, redisstore.ErrVolatile), "a server that evicts keys is opened: %v", err)
			f.squeeze(conns)
		}, nil, -1}, // as many as are left
		{"it has no memory left and evicts nothing", func(f *forgetful) {
			must(f.t, f.ConfigSet(f.ctx, "maxmemory", "1").Err())
			m := f.s.manager(f.s.open())
			_, err := m.Begin(f.ctx, key(conns), f.s.client(), browser, oauthflow.AuthorizeOptions{})
			f.r.must(outcome(err) == store, "a login is told %v", err)
		}, map[string]int{ok: conns}, conns}, // records that are there may grow
		{"it is flushed", func(f *forgetful) { must(f.t, f.FlushAll(f.ctx).Err()) }, map[string]int{gone: conns}, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := drill(t, 52, "Redis: "+c.name,
				"what is there works on, with 1 request each; what is lost or damaged is told as just that, with none; the process lives")
			server := servers.StartRedis(t)
			p := place{On: redisKV, DSN: "redis://" + server.Addr(), Name: "drill"}
			s := newSceneAt(t, p, conns, orgtest.Config{})
			client, err := p.redis()
			must(t, err)
			defer client.Close()
			w := s.worker()
			call := order{Op: "call", Conns: s.indices(), Each: each * conns, Within: 2 * time.Second}
			if before, _ := w.do(call); before.Outcomes[ok] != each*conns {
				t.Fatalf("before: %v", before.Outcomes)
			}
			f := &forgetful{client, t, t.Context(), r, s}
			c.happen(f)
			want := c.want
			if want == nil {
				left := len(f.records())
				r.must(left > 0 && left < conns, "%d of %d records are left", left, conns)
				want, c.healed = map[string]int{ok: left, gone: conns - left}, left
			}
			s.org.ExpireSessions()
			mark := s.mark()
			got, alive := w.do(call)
			posts := s.since(mark).posts
			calls := map[string]int{}
			for o, n := range want {
				if calls[o] = each * n; n == 0 {
					delete(calls, o)
				}
			}
			r.must(alive && maps.Equal(got.Outcomes, calls), "the process lives: %v; outcomes %v, want %v", alive, got.Outcomes, calls)
			r.must(posts == want[ok], "%d requests, want %d", posts, want[ok])
			good := s.each(s.manager(s.open()), s.conns, 5*time.Second)[ok]
			a := s.since(mark)
			r.must(good == c.healed && a.replays == 0, "afterwards %d connections work, want %d; %d replays", good, c.healed, a.replays)
			r.saw("%v of %d calls, %d requests, then %d of %d work, %d replays", got.Outcomes, each*conns, posts, good, conns, a.replays)
		})
	}
}

// forgetful is a Redis server to which something happens.
type forgetful struct {
	*redis.Client
	t   *testing.T
	ctx context.Context
	r   *row
	s   *scene
}

// records are the keys of the connections that are there.
func (f *forgetful) records() []string {
	keys, err := f.Keys(f.ctx, "*record:connection/*").Result()
	must(f.t, err)
	return keys
}

// until waits until so many records are left.
func (f *forgetful) until(left int) {
	for range 200 {
		if len(f.records()) == left {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	f.t.Fatalf("%d records are left, want %d", len(f.records()), left)
}

// squeeze gives the server as much memory as it has, and fills it until records are evicted.
func (f *forgetful) squeeze(all int) {
	info, err := f.Info(f.ctx, "memory").Result()
	must(f.t, err)
	var used int
	_, rest, _ := strings.Cut(info, "used_memory:")
	_, err = fmt.Sscan(rest, &used)
	must(f.t, err)
	must(f.t, f.ConfigSet(f.ctx, "maxmemory", fmt.Sprint(used+1<<16)).Err())
	for i := range 10_000 {
		must(f.t, f.Set(f.ctx, fmt.Sprint("filler", i), strings.Repeat("x", 512), 0).Err())
		if len(f.records()) <= all*2/3 {
			break
		}
	}
	must(f.t, f.ConfigSet(f.ctx, "maxmemory", "0").Err())
}
