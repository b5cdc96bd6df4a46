package redisstore_test

import (
	"context"
	"sync/atomic"

	"github.com/fullcast/sfauth/oauthflow/tokenstore/redisstore"
	"github.com/redis/go-redis/v9"
)

// counted is a store whose client counts the places of the index and the records that the server sends.
type counted struct {
	*redisstore.Store
	n *atomic.Int64
}

func (s counted) Reads(context.Context) (int, error) { return int(s.n.Load()), nil }

// readCounter is a hook of a client.
type readCounter struct{ n *atomic.Int64 }

func (readCounter) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c readCounter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		c.count(cmd)
		return err
	}
}

func (c readCounter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := next(ctx, cmds)
		for _, cmd := range cmds {
			c.count(cmd)
		}
		return err
	}
}

func (c readCounter) count(cmd redis.Cmder) {
	switch cmd := cmd.(type) {
	case *redis.StringSliceCmd: // a page of the index
		c.n.Add(int64(len(cmd.Val())))
	case *redis.SliceCmd: // a record
		c.n.Add(1)
	}
}
