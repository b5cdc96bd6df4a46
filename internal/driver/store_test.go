package driver

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/filestore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/sqlstore"
)

type backEnd string

const (
	memory backEnd = "memory"
	files  backEnd = "files"
	sqlite backEnd = "SQLite"
	told   backEnd = "a server that fails over and tells it"
	untold backEnd = "a server that fails over and does not tell it"
)

// open makes an empty store of that kind, which is closed by what it returns.
func (b backEnd) open(t *testing.T) (tokenstore.Store, func()) {
	switch b {
	case files:
		s, err := filestore.Open(filestore.Config{Dir: filepath.Join(t.TempDir(), "records")})
		must(t, err)
		return s, func() { must(t, s.Close()) }
	case sqlite:
		db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "records.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=busy_timeout(100)")
		must(t, err)
		db.SetMaxOpenConns(1)
		s, err := sqlstore.Open(t.Context(), sqlstore.Config{DB: db, Dialect: sqlstore.SQLite, Durability: sqlstore.AcknowledgedWritesMayBeLost})
		must(t, err)
		must(t, s.Migrate(t.Context()))
		return s, func() { must(t, db.Close()) }
	case told, untold:
		return &server{tells: b == told, era: 1, records: map[string]tokenstore.Record{}}, func() {}
	default:
		return tokenstore.NewMemory(), func() {}
	}
}

// server is a store that may fall back to what it held some time ago.
type server struct {
	tells bool

	mu      sync.Mutex
	era     int
	records map[string]tokenstore.Record
	log     []change
}

// change is what is undone by a failover.
type change struct {
	at     time.Time
	id     string
	before tokenstore.Record // Version 0: there was none
}

func (s *server) timeline() string {
	if !s.tells {
		return ""
	}
	return fmt.Sprintf("%08X", s.era)
}

func (s *server) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.records[id]
	r.Timeline = s.timeline()
	if !ok {
		return r, tokenstore.ErrNotFound
	}
	r.Data = bytes.Clone(r.Data)
	return r, ctx.Err()
}

func (s *server) Save(_ context.Context, r tokenstore.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.records[r.ID]
	if was.Version != r.Version || s.tells && r.Timeline != "" && r.Timeline != s.timeline() {
		return tokenstore.ErrConflict
	}
	s.log = append(s.log, change{time.Now(), r.ID, was})
	r.Version, r.Timeline, r.Data = r.Version+1, "", bytes.Clone(r.Data)
	s.records[r.ID] = r
	return nil
}

func (s *server) Delete(ctx context.Context, id string, version uint64) error {
	return s.DeleteIn(ctx, "", id, version)
}

func (s *server) DeleteIn(_ context.Context, timeline, id string, version uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, ok := s.records[id]
	if !ok || was.Version != version || s.tells && timeline != "" && timeline != s.timeline() {
		return tokenstore.ErrConflict
	}
	s.log = append(s.log, change{time.Now(), id, was})
	delete(s.records, id)
	return nil
}

func (s *server) List(_ context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
	s.mu.Lock()
	var all []tokenstore.Record
	for id, r := range s.records {
		if strings.HasPrefix(id, prefix) && (r.Due.Before(before) || before.Year() > 9999) {
			r.Data = bytes.Clone(r.Data)
			all = append(all, r)
		}
	}
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b tokenstore.Record) int { return cmp.Or(a.Due.Compare(b.Due), strings.Compare(a.ID, b.ID)) })
	return func(yield func(tokenstore.Record, error) bool) {
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// failOver undoes the changes of the last while, and returns the ids that it has undone.
func (s *server) failOver(last time.Duration) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.era++
	var lost []string
	for n := len(s.log); n > 0 && time.Since(s.log[n-1].at) <= last; n = len(s.log) {
		c := s.log[n-1]
		s.log = s.log[:n-1]
		if lost = append(lost, c.id); c.before.Version == 0 {
			delete(s.records, c.id)
		} else {
			s.records[c.id] = c.before
		}
	}
	return lost
}

// historian is a store that tells histories apart.
type historian interface {
	DeleteIn(ctx context.Context, timeline, id string, version uint64) error
}

// counter is where one process reaches the store.
type counter struct {
	to tokenstore.Store
	p  *process

	failed time.Time // the last change that was not made, or not told to be
}

var (
	errNoAnswer = errors.New("the store does not answer")
	errKilled   = errors.New("the process is dead")
)

// class is an id's kind and connection, without what is drawn at random.
func class(id string) string {
	kind, rest, _ := strings.Cut(id, "/")
	if kind != "connection" {
		return kind
	}
	return kind + "/" + rest
}

// reach waits for the way to the store.
func (c *counter) reach(ctx context.Context, op, id string) (disk, int, error) {
	r := c.p.tr.dice.roll(fmt.Sprintf("store %d %s %s", c.p.number, op, class(id)))
	d := c.p.tr.mix.disk
	what := r.IntN(1000)
	if !c.p.tr.trouble() {
		d = disk{}
	}
	slow := upTo(r, 4*time.Millisecond)
	if what = what - d.slow; what < 0 {
		slow, what = upTo(r, 5500*time.Millisecond), 1000
	}
	c.p.standStill()
	select {
	case <-time.After(slow):
	case <-ctx.Done():
		if r.IntN(2) == 0 {
			return d, what, ctx.Err()
		}
	}
	if c.p.isDead() {
		return d, what, errKilled
	}
	return d, what, nil
}

func (c *counter) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	if _, _, err := c.reach(ctx, "load", id); err != nil {
		return tokenstore.Record{}, err
	}
	return c.to.Load(ctx, id)
}

func (c *counter) change(ctx context.Context, op, id string, do func(context.Context) error) error {
	d, what, err := c.reach(ctx, op, id)
	if err == nil {
		if what -= d.before; what < 0 {
			err = errNoAnswer
		}
	}
	if err == nil {
		err = do(context.WithoutCancel(ctx))
		if err == nil {
			if what -= d.after; what < 0 {
				err = errNoAnswer
			} else if what -= d.notDurable; what < 0 {
				err = fmt.Errorf("a replica is missing: %w", tokenstore.ErrNotDurable)
			}
		}
		if err == nil && ctx.Err() != nil {
			err = ctx.Err()
		}
	}
	if err != nil && !errors.Is(err, tokenstore.ErrConflict) {
		c.p.tr.say("process %d: %s %s: %v", c.p.number, op, class(id), err)
		c.p.tr.mu.Lock()
		c.failed = time.Now()
		c.p.tr.mu.Unlock()
	}
	return err
}

func (c *counter) Save(ctx context.Context, r tokenstore.Record) error {
	return c.change(ctx, "save", r.ID, func(ctx context.Context) error { return c.to.Save(ctx, r) })
}

func (c *counter) Delete(ctx context.Context, id string, version uint64) error {
	return c.DeleteIn(ctx, "", id, version)
}

func (c *counter) DeleteIn(ctx context.Context, timeline, id string, version uint64) error {
	return c.change(ctx, "delete", id, func(ctx context.Context) error {
		if t, ok := c.to.(historian); ok {
			return t.DeleteIn(ctx, timeline, id, version)
		}
		return c.to.Delete(ctx, id, version)
	})
}

func (c *counter) List(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
	if c.p.isDead() {
		return func(yield func(tokenstore.Record, error) bool) { yield(tokenstore.Record{}, errKilled) }
	}
	return c.to.List(ctx, prefix, before)
}
