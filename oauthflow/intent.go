package oauthflow

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// young reports whether an intent may be put over a record that was loaded a while ago: it is not older than so much, or still the
// one that is stored. In a failover that the store does not tell of, lost versions come again.
func (m *Manager) young(ctx context.Context, r tokenstore.Record, g *grant, looked instant, age time.Duration) (bool, error) {
	if r.Timeline != "" || m.flow.passed(looked) <= age {
		return true, nil
	}
	now, _, err := m.load(ctx, opRefresh, g.Key)
	return err == nil && sameRecord(r, now), err
}

const (
	staleAfter  = 10 * time.Millisecond  // how old a record may be that an intent is put over,
	staleInTurn = 250 * time.Millisecond // and with the wait for the save's turn: a few calls ahead of it cost no load more
)

// insist saves our intent again when a save has failed that may have made it, and returns what is stored then. That the
// intent is there is not enough: what a server has not passed on yet, its failover undoes, and the next one would send the
// same token. So a request needs a save that has succeeded; an intent without one is taken back.
func (m *Manager) insist(ctx context.Context, before *grant, mine string, err error) (tokenstore.Record, *grant, error) {
	seen := errors.Is(err, tokenstore.ErrNotDurable)
	for try := 0; try < storeTries && !errors.Is(err, tokenstore.ErrNotDurable); try++ {
		if try > 0 && !sleep(ctx, time.Duration(try)*50*time.Millisecond) {
			break
		}
		r, now, lerr := m.load(ctx, opRefresh, before.Key)
		if lerr != nil {
			continue
		}
		if seen = now.Intent != nil && now.Intent.Attempt == mine; !seen {
			break
		}
		if r, err = m.save(ctx, opRefresh, r, now); err == nil {
			return r, now, nil
		}
	}
	if seen {
		m.work.Go(func() { m.withdraw(before, mine) }) // for which nobody has to wait
	}
	return tokenstore.Record{}, nil, err
}

// withdraw takes back an intent of which nothing was sent and nothing will be, so that nobody doubts for it.
func (m *Manager) withdraw(before *grant, mine string) {
	defer m.contain(nil)
	_, err := m.update(m.ctx, before, mine, func(now *grant) {
		now.Intent, now.StoreEpoch, now.Timeline, now.SentWith = before.Intent, before.StoreEpoch, before.Timeline, before.SentWith
	})
	if err != nil { // Salesforce is asked then
		m.logf(slog.LevelDebug, "an intent could not be taken back", "connection", before.Key, "error", err)
	}
}
