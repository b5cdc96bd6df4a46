package redisstore

import (
	"context"
	"crypto/fips140"
	"crypto/sha1"
	_ "embed"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// A script compares the version and writes, in one step.
type script struct {
	text string
	hash string // by which the server knows it
}

var (
	//go:embed save.lua
	saveText string
	//go:embed delete.lua
	deleteText string

	saveScript   = newScript(saveText)
	deleteScript = newScript(deleteText)
)

// The hash protects nothing: it is the name that the server gives a script. So it is computed also where FIPS 140-3 is enforced.
//
// Source: https://redis.io/docs/latest/commands/evalsha/
func newScript(text string) (s script) {
	fips140.WithoutEnforcement(func() {
		sum := sha1.Sum([]byte(text))
		s = script{text, hex.EncodeToString(sum[:])}
	})
	return s
}

// once is a command that the client must not send again when the answer is lost: the second time it would meet what the
// first has done, and say that this was another's.
type once struct{ *redis.Cmd }

// NoRetry is what the client asks.
func (once) NoRetry() bool { return true }

// waitTime is how long the server waits for replicas.
const waitTime = 2 * time.Second

// run runs a script on the record of an id and reports whether the version was the stored one.
func (s *Store) run(ctx context.Context, script script, id string, args ...any) (bool, error) {
	matched, err := s.send(ctx, "evalsha", script.hash, id, args)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		matched, err = s.send(ctx, "eval", script.text, id, args)
	}
	return matched, err
}

func (s *Store) send(ctx context.Context, command, script, id string, args []any) (bool, error) {
	cmd := once{redis.NewCmd(ctx, append([]any{command, script, 2, s.recordKey(id), s.indexKey()}, args...)...)}
	if s.replicas == 0 {
		if err := s.client.Process(ctx, cmd); err != nil {
			return false, err
		}
		return cmd.Bool()
	}
	// WAIT counts the replicas that have what this connection wrote, so both go the same way.
	p := s.client.Pipeline()
	if err := p.Process(ctx, cmd); err != nil {
		return false, err
	}
	reached := p.Do(ctx, "wait", s.replicas, waitTime.Milliseconds())
	if _, err := p.Exec(ctx); err != nil {
		return false, err
	}
	matched, err := cmd.Bool()
	if err != nil || !matched {
		return false, err
	}
	n, err := reached.Int()
	if err == nil && n < s.replicas {
		err = fmt.Errorf("%w: %d of %d", ErrReplicas, n, s.replicas)
	}
	return true, err
}
