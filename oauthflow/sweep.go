package oauthflow

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/fullcast/sfauth/oauthflow/internal/turns"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

const (
	sweepEvery    = time.Minute
	sweepLasts    = time.Minute // for so long what one list holds is begun; then the store is asked again what is due
	sweepBatch    = 16 << 10    // records of one list
	sweepTenant   = 4 << 10     // of those, of one tenant
	sweepReads    = 100_000     // records that are read for one list
	sweepers      = 16          // records that are dealt with at once
	sweepersShare = 12          // of those, of one tenant
	listTimeout   = time.Minute // for one list, as storeTimeout
)

// sweep looks after what is due, tenant by tenant in turn and in random order, so that processes that sweep at the same time
// do not all begin with the same connection. What could not be dealt with is in left, with when that was, and is not tried
// again for half a minute: it stands in nobody's way. Sweep returns whether more is due already.
func (m *Manager) sweep(ctx context.Context, left map[string]time.Duration) (more bool) {
	defer m.contain(nil)
	maps.DeleteFunc(left, func(_ string, at time.Duration) bool { return m.elapsed()-at >= sweepEvery/2 })
	due, all := m.dueRecords(ctx, left)
	rand.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
	failed, ended := m.lookAfterAll(ctx, due)
	for _, id := range failed {
		left[id] = m.elapsed()
	}
	return !all && len(due) > 0 || !ended
}

// lookedFor reports whether the keep-alive looks after records with such an id.
func lookedFor(id string) bool {
	for _, prefix := range []string{connectionPrefix, loginPrefix, hostPrefix} {
		if strings.HasPrefix(id, prefix) {
			return true
		}
	}
	return false
}

// lookedAfter says how one record was dealt with.
type lookedAfter struct {
	tenant, id string
	dealt      bool
}

// lookAfterAll looks after some records at once, since one in doubt takes seconds and after a failover all are. It returns
// the ids of those that could not be dealt with, and whether all were begun.
func (m *Manager) lookAfterAll(ctx context.Context, due []tokenstore.Record) (left []string, all bool) {
	queue := turns.New[*tokenstore.Record](sweepers, sweepersShare)
	for i := range due {
		queue.Add(tenantOf(due[i].ID), &due[i])
	}
	until := m.elapsed() + sweepLasts
	ended := make(chan lookedAfter)
	for {
		for ctx.Err() == nil && m.open.Err() == nil && m.elapsed() < until {
			tenant, r, ok := queue.Next()
			if !ok {
				break
			}
			go func() {
				l := lookedAfter{tenant: tenant, id: r.ID}
				defer func() { ended <- l }()
				l.dealt = m.lookAfter(ctx, r.ID, *r)
			}()
		}
		if queue.Running() == 0 {
			return left, queue.Waiting() == 0
		}
		l := <-ended
		if queue.Done(l.tenant); !l.dealt {
			left = append(left, l.id)
		}
	}
}

// tenantOf returns whose the record of an id is, as far as the id says it: for taking turns, not for showing.
func tenantOf(id string) string {
	if _, rest, ok := strings.Cut(id, "/"); ok {
		if tenant, _, ok := strings.Cut(rest, "/"); ok {
			return tenant
		}
	}
	return ""
}

// dueRecords returns the next records that are due and not among those that are left, and whether these are all. They are
// without their data. It is one list of all kinds of records: a store of files goes through its folder for each list.
func (m *Manager) dueRecords(ctx context.Context, left map[string]time.Duration) (due []tokenstore.Record, all bool) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	tenants := map[string]int{}
	reads := 0
	all = true
	for r, err := range m.list(ctx, opKeepAlive, m.cfg.Store, "", m.flow.now()) {
		if errors.Is(err, tokenstore.ErrForeignRecord) {
			continue
		} else if err != nil {
			m.logf(slog.LevelWarn, "the keep-alive could not list all that is due", "error", err)
			return due, true // the next sweep tries again
		}
		if _, tried := left[r.ID]; tried {
			continue
		}
		if len(due) == sweepBatch || reads == sweepReads {
			return due, false
		}
		reads++
		if !lookedFor(r.ID) {
			continue
		}
		tenant := tenantOf(r.ID)
		if tenants[tenant] == sweepTenant {
			all = false
			continue
		}
		tenants[tenant]++
		r.Data = nil
		due = append(due, r)
	}
	return due, all
}
