package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/redis/go-redis/v9"
)

// Store is a [tokenstore.Store] in Redis; see the package comment. Its methods are safe for concurrent use. When their context is
// done, they return soon, even if the server does not answer. It has no Close: the caller closes Config.Client.
type Store struct {
	client   redis.UniversalClient
	prefix   string
	replicas int
}

var _ tokenstore.PooledStore = (*Store)(nil)

// Pool implements [tokenstore.PooledStore]. It returns the PoolSize of the client. With a cluster, this is the size of the pool
// for each server.
func (s *Store) Pool() int {
	switch c := s.client.(type) {
	case *redis.Client:
		return c.Options().PoolSize
	case *redis.ClusterClient:
		return c.Options().PoolSize
	}
	return 0
}

func (s *Store) recordKey(id string) string { return s.prefix + "record:" + id }
func (s *Store) indexKey() string           { return s.prefix + "due" }

// Load implements [tokenstore.Store]. It returns no Timeline. For an invalid id it returns an error that does not wrap
// tokenstore.ErrNotFound.
func (s *Store) Load(ctx context.Context, id string) (tokenstore.Record, error) {
	if err := checkID(id); err != nil {
		return tokenstore.Record{}, err
	}
	r, err := within(ctx, func() (tokenstore.Record, error) {
		return decode(id, s.client.HMGet(ctx, s.recordKey(id), fields...))
	})
	if errors.Is(err, tokenstore.ErrNotFound) {
		return tokenstore.Record{}, fmt.Errorf("%w: %s", tokenstore.ErrNotFound, id)
	}
	if err != nil {
		return tokenstore.Record{}, fmt.Errorf("redisstore: loading %s: %w", id, err)
	}
	return r, nil
}

// Save implements [tokenstore.Store]. If the record is invalid, the error names the field. Save ignores r.Timeline.
func (s *Store) Save(ctx context.Context, r tokenstore.Record) error {
	if err := checkRecord(r); err != nil {
		return err
	}
	data := string(r.Data) // a copy: the caller may change the data once Save has returned
	return s.change(ctx, "saving", saveScript, r.ID, decimal(r.Version), decimal(r.Version+1), moment(r.Due.UnixMicro()), data, r.ID)
}

// Delete implements [tokenstore.Store]. For an invalid id it returns an error that does not wrap tokenstore.ErrConflict.
func (s *Store) Delete(ctx context.Context, id string, version uint64) error {
	if err := checkID(id); err != nil {
		return err
	}
	return s.change(ctx, "deleting", deleteScript, id, decimal(version), id)
}

func (s *Store) change(ctx context.Context, doing string, script script, id string, args ...any) error {
	matched, err := within(ctx, func() (bool, error) { return s.run(ctx, script, id, args...) })
	switch {
	case err != nil:
		return fmt.Errorf("redisstore: %s %s: %w", doing, id, classified(err))
	case !matched:
		return fmt.Errorf("%w: %s", tokenstore.ErrConflict, id)
	}
	return nil
}

// within runs f, which may wait for the server for the client's own time, and leaves it to itself when ctx is done.
func within[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		if r.err != nil && ctx.Err() != nil {
			return none, ctx.Err()
		}
		return r.value, r.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// fields of a record's hash, in the order in which they are read.
var fields = []string{"version", "due", "data"}

// decode reads the answer to a request for all fields. The record's data are its own.
func decode(id string, answer *redis.SliceCmd) (tokenstore.Record, error) {
	values, err := answer.Result()
	if err != nil {
		return tokenstore.Record{}, classified(err)
	}
	text := make([]string, len(fields))
	missing := 0
	for i := range fields {
		var ok bool
		if text[i], ok = values[i].(string); !ok {
			missing++
		}
	}
	if missing == len(fields) {
		return tokenstore.Record{}, tokenstore.ErrNotFound
	}
	version, err1 := strconv.ParseUint(text[0], 10, 64)
	due, err2 := strconv.ParseInt(text[1], 10, 64)
	if missing > 0 || err1 != nil || err2 != nil || version == 0 || len(text[1]) != momentSize {
		return tokenstore.Record{}, fmt.Errorf("%w: its version or due time makes no sense", ErrDamaged)
	}
	return tokenstore.Record{ID: id, Version: version, Due: time.UnixMicro(due).UTC(), Data: []byte(text[2])}, nil
}

func decimal(version uint64) string { return strconv.FormatUint(version, 10) }

// momentSize is the length of every moment.
const momentSize = 18

// moment writes microseconds since 1970 so that the order of the texts is the order of the times, up to the year 9999.
func moment(microseconds int64) string { return fmt.Sprintf("%0*d", momentSize, microseconds) }

func checkRecord(r tokenstore.Record) error {
	if err := r.Validate(); err != nil {
		return fmt.Errorf("redisstore: saving: %w", err)
	}
	return nil
}

const maxID = 255

func checkID(id string) error {
	if id == "" || len(id) > maxID {
		return fmt.Errorf("redisstore: the record's ID has %d bytes, must have 1 to %d", len(id), maxID)
	}
	for _, c := range []byte(id) {
		if c < ' ' || c > '~' {
			return fmt.Errorf("redisstore: the record's ID %q must be printable ASCII", id)
		}
	}
	return nil
}
