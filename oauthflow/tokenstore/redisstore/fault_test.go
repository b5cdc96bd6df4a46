package redisstore_test

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/redisstore"
)

func save(t *testing.T, s *redisstore.Store, r tokenstore.Record) tokenstore.Record {
	t.Helper()
	if err := s.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	r.Version++
	return r
}

func wantVersion(t *testing.T, s *redisstore.Store, id string, want uint64) {
	t.Helper()
	if got, err := s.Load(t.Context(), id); err != nil || got.Version != want {
		t.Errorf("got version %d and %v, want %d", got.Version, err, want)
	}
}

func TestWhatWasAcknowledgedSurvivesTheEndOfTheServer(t *testing.T) {
	srv := start(t, safe...)
	s := open(t, srv.client())
	r := record("connection/acme/main")
	for range 5 {
		for range 20 {
			r = save(t, s, r)
		}
		srv.Kill()
		srv.Launch()
		s = open(t, srv.client())
		wantVersion(t, s, r.ID, r.Version)
	}
}

func TestWhenTheServerForgetsEverythingTheRecordsAreGone(t *testing.T) {
	srv := start(t, safe...)
	s := open(t, srv.client())
	r := save(t, s, record("connection/acme/main"))
	if err := srv.client().FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Load(t.Context(), r.ID); !errors.Is(err, tokenstore.ErrNotFound) {
		t.Errorf("Load: got %v, want an error wrapping ErrNotFound", err)
	}
	if err := s.Save(t.Context(), r); !errors.Is(err, tokenstore.ErrConflict) {
		t.Errorf("Save: got %v, want an error wrapping ErrConflict", err)
	}
	if err := s.Delete(t.Context(), r.ID, r.Version); !errors.Is(err, tokenstore.ErrConflict) {
		t.Errorf("Delete: got %v, want an error wrapping ErrConflict", err)
	}
	for r, err := range s.List(t.Context(), "", time.Now().AddDate(100, 0, 0)) {
		t.Errorf("List: got %v and %v, want nothing", r, err)
	}
	save(t, s, record("connection/acme/main"))
}

func TestScriptsThatTheServerForgetsAreSentAgain(t *testing.T) {
	srv := start(t, safe...)
	s := open(t, srv.client())
	r := record("connection/acme/main")
	forget := func() {
		if err := srv.client().ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		forget()
		r = save(t, s, r)
	}
	forget()
	if err := s.Delete(t.Context(), r.ID, r.Version); err != nil {
		t.Error(err)
	}
}

func TestAKeyOfAnotherKindIsRefusedAndNothingIsChanged(t *testing.T) {
	const id = "connection/acme/main"
	const record0, index = "{sfauth}:record:" + id, "{sfauth}:due"
	tests := []struct {
		name string
		key  string
		put  []any
	}{
		{"the record is a string", record0, []any{"set", record0, "x"}},
		{"the record lacks its due time", record0, []any{"hdel", record0, "due"}},
		{"the record lacks its version", record0, []any{"hdel", record0, "version"}},
		{"the record is a hash of another", record0, []any{"hset", record0, "name", "x"}},
		{"the index is a string", index, []any{"set", index, "x"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			srv := start(t, safe...)
			c := srv.client()
			s := open(t, c)
			r := save(t, s, record(id))
			other := save(t, s, record("connection/acme/other"))
			if test.put[0] != "hdel" {
				c.Del(t.Context(), test.key)
			}
			if err := c.Do(t.Context(), test.put...).Err(); err != nil {
				t.Fatal(err)
			}
			before := c.Dump(t.Context(), test.key).Val()
			if test.key == record0 && test.put[0] != "hset" {
				if _, err := s.Load(t.Context(), r.ID); !errors.Is(err, redisstore.ErrDamaged) {
					t.Errorf("Load: got %v, want an error wrapping ErrDamaged", err)
				}
			}
			for name, err := range map[string]error{
				"Save of a new record": s.Save(t.Context(), record(id)),
				"Save":                 s.Save(t.Context(), r),
				"Delete":               s.Delete(t.Context(), r.ID, r.Version),
			} {
				if !errors.Is(err, redisstore.ErrDamaged) || strings.Count(err.Error(), "redisstore: ") != 1 {
					t.Errorf("%s: got %v, want an error wrapping ErrDamaged that names the package once", name, err)
				}
			}
			if after := c.Dump(t.Context(), test.key).Val(); after != before {
				t.Error("the key was changed")
			}
			wantVersion(t, s, other.ID, other.Version)
			var listed []string
			var last error
			for r, err := range s.List(t.Context(), "connection/", r.Due.Add(time.Hour)) {
				if last = err; err == nil {
					listed = append(listed, r.ID)
				}
			}
			if test.put[0] == "hset" { // a record without any field of ours is none
				return
			}
			if want := test.key == record0; !errors.Is(last, redisstore.ErrDamaged) || want != (len(listed) == 1 && listed[0] == other.ID) {
				t.Errorf("List: got %v and %v, want the sound record, if the index is sound, and an error wrapping ErrDamaged", listed, last)
			}
		})
	}
}

func TestAFullServerRefusesWithoutHalfAChange(t *testing.T) {
	srv := start(t, safe...)
	c := srv.client()
	s := open(t, c)
	r := save(t, s, record("connection/acme/main"))
	if err := c.ConfigSet(t.Context(), "maxmemory", "1").Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context(), record("connection/acme/other")); err == nil || errors.Is(err, tokenstore.ErrConflict) {
		t.Errorf("got %v, want an error that is no conflict", err)
	}
	wantVersion(t, s, r.ID, r.Version)
	if err := c.ConfigSet(t.Context(), "maxmemory", "0").Err(); err != nil {
		t.Fatal(err)
	}
	if n := c.DBSize(t.Context()).Val(); n != 2 {
		t.Errorf("there are %d keys, want one record and the index", n)
	}
	save(t, s, record("connection/acme/other"))
}

func TestAReplicaRefusesTheWrites(t *testing.T) {
	master := start(t, safe...)
	replica := start(t, append([]string{"--replicaof", "127.0.0.1", master.Port()}, safe...)...)
	c := master.client()
	s := openWith(t, redisstore.Config{Client: c, Durability: redisstore.AcknowledgedWritesMayBeLost})
	r := save(t, s, record("connection/acme/main"))
	for c.Do(t.Context(), "wait", 1, 1000).Val() != int64(1) {
		time.Sleep(10 * time.Millisecond)
	}
	lagging := openWith(t, redisstore.Config{Client: replica.client(), Durability: redisstore.AcknowledgedWritesMayBeLost})
	wantVersion(t, lagging, r.ID, r.Version)
	for name, err := range map[string]error{
		"Save of a new record": lagging.Save(t.Context(), record("connection/acme/other")),
		"Save":                 lagging.Save(t.Context(), r),
		"Delete":               lagging.Delete(t.Context(), r.ID, r.Version),
	} {
		if !errors.Is(err, redisstore.ErrReadOnly) {
			t.Errorf("%s: got %v, want an error wrapping ErrReadOnly", name, err)
		}
	}
}

func TestWithoutEnoughReplicasASaveIsNoSuccessAndNoConflict(t *testing.T) {
	srv := start(t, safe...)
	c := srv.client()
	s := openWith(t, redisstore.Config{Client: c, Replicas: 1})
	r := record("connection/acme/main")
	if err := s.Save(t.Context(), r); !errors.Is(err, redisstore.ErrReplicas) || !errors.Is(err, tokenstore.ErrNotDurable) {
		t.Errorf("got %v, want an error wrapping ErrReplicas and ErrNotDurable", err)
	}
	wantVersion(t, s, r.ID, 1)
	if err := s.Save(t.Context(), r); !errors.Is(err, tokenstore.ErrConflict) {
		t.Errorf("got %v, want an error wrapping ErrConflict", err)
	}
}

func TestAServerThatHangsKeepsNobodyBeyondTheContext(t *testing.T) {
	srv := start(t, safe...)
	s := open(t, srv.client())
	r := save(t, s, record("connection/acme/main"))
	srv.Signal(syscall.SIGSTOP)
	for name, do := range map[string]func(context.Context) error{
		"Load":   func(ctx context.Context) error { _, err := s.Load(ctx, r.ID); return err },
		"Save":   func(ctx context.Context) error { return s.Save(ctx, r) },
		"Delete": func(ctx context.Context) error { return s.Delete(ctx, "connection/acme/other", 1) },
		"List": func(ctx context.Context) error {
			for _, err := range s.List(ctx, "", time.Now()) {
				return err
			}
			return nil
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		begin := time.Now()
		if err := do(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want an error wrapping context.Canceled", name, err)
		}
		if took := time.Since(begin); needs.Late(took, time.Second) {
			t.Errorf("%s returned after %v, want soon after 50 ms", name, took)
		}
	}
}
