package oauthflow

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// errLeaving is what a process is told that works with the former store alone.
var errLeaving = errors.New("the connection has been taken over into another store; " +
	"this process must be given that one as ManagerConfig.Store")

// takeConnection takes one connection over, in steps of which each can be repeated. It is marked as leaving, so that
// nobody begins a refresh in the former store; stored here, or revoked where a younger one is here; then a mark without
// secrets is left there.
func (m *Manager) takeConnection(ctx context.Context, op string, r Record) error {
	g, err := m.openGrant(op, r.ID, r)
	if err != nil || g.Left {
		return err
	}
	here, err := m.loadHere(ctx, op, r.ID)
	if err != nil {
		return err
	}
	var now *grant
	if here.Version > 0 {
		if now, err = m.openGrant(op, r.ID, here); err != nil {
			return err
		}
	}
	what, err := m.meet(op, g, now, here.Due)
	if err != nil {
		return err
	}
	if what == takeIt || what == moveIt {
		if err := m.proveStore(ctx, op); err != nil { // before the former store refuses what this one cannot take
			return err
		}
	}
	from := r
	if r, err = m.markLeaving(ctx, op, r, g); err != nil {
		return err
	}
	switch what {
	case hereAlready: // a load does not say that it is safe
		if now != nil && !now.Gone {
			_, err = m.saveDue(ctx, op, here, now)
		}
	case takeIt:
		err = m.storeTaken(ctx, op, from, g, here, now)
	case moveIt:
		on := *g
		on.Leaving = false
		on.carry(from, here, m.time.Lease, m.flow.now())
		err = m.put(ctx, op, &on, *g.MovedTo)
	case endIt:
		err = m.endLeaving(ctx, g)
	}
	if err != nil {
		return err
	}
	r.Due = farFuture
	left := g.tombstone()
	left.Gone, left.Leaving, left.Left, left.TakeOvers = g.Gone, true, true, g.TakeOvers
	_, err = m.saveIn(ctx, op, m.cfg.Former, r, left)
	return err
}

// meeting is what becomes of a connection of the former store.
type meeting int

const (
	hereAlready meeting = iota
	takeIt
	moveIt // on to the key that it was being moved to
	endIt  // revoke it
)

// meet decides what becomes of g, given what the store has under the same key; nil for nothing.
func (m *Manager) meet(op string, g, now *grant, nowDue time.Time) (meeting, error) {
	switch {
	case now == nil:
		return takeIt, nil
	case now.Epoch != g.Epoch:
		return m.meetAnother(op, g, now, nowDue)
	case now.Leaving && now.TakeOvers <= g.TakeOvers: // left here when it went there; else somebody takes it from here
		return takeIt, nil
	case now.Leaving, now.Gone && (g.Gone || now.MovedTo != nil):
		return hereAlready, nil
	case now.Gone: // a late result may have brought another token
		return endIt, nil
	case now.Generation < g.Generation: // a late result reached the former store
		return takeIt, nil
	}
	return hereAlready, nil
}

// meetAnother decides between two connections of one key, of which each was made where the other was not known.
func (m *Manager) meetAnother(op string, g, now *grant, nowDue time.Time) (meeting, error) {
	younger := g.ConnectedAt.After(now.ConnectedAt)
	switch {
	case g.Gone:
		return hereAlready, nil
	case now.Leaving:
		younger = true
	case now.Gone:
		younger = g.ConnectedAt.After(nowDue.Add(-tombstoneAge)) // than the end of what was here
	case now.Revoking, now.MovedTo != nil:
		return 0, &Error{Op: op, Kind: KindStore, Err: fmt.Errorf("%q is being disconnected or moved; repeat it afterwards", g.Key)}
	case now.live() != g.live():
		younger = g.live()
	}
	switch {
	case younger:
	case g.MovedTo != nil:
		return moveIt, nil
	case g.Refresh.Equal(now.Refresh.Secret): // both were given it by Adopt
		return hereAlready, nil
	default:
		return endIt, nil
	}
	if err := g.over(op, now); err != nil {
		e := err.(*Error)
		e.Err = fmt.Errorf("the former store holds a younger connection %q: %w", g.Key, e.Err)
		return 0, e
	}
	return takeIt, nil
}

// markLeaving marks the connection in the former store, once no refresh is under way there.
func (m *Manager) markLeaving(ctx context.Context, op string, r Record, g *grant) (Record, error) {
	if g.Leaving {
		return m.saveIn(ctx, op, m.cfg.Former, r, g)
	}
	// Later it is taken over as the doubt that it is: a result that comes after all is looked for in the former store.
	if g.Intent != nil && m.flow.now().Sub(g.Intent.At) < g.Intent.Lease+m.time.Quiet {
		if !sleep(ctx, jitter(200*time.Millisecond, time.Second)) {
			return r, storeError(op, ctx.Err())
		}
		return r, fmt.Errorf("a refresh is under way: %w", ErrConflict)
	}
	g.Leaving = true
	if !g.Gone {
		r.Due = farFuture
	}
	return m.saveIn(ctx, op, m.cfg.Former, r, g)
}

// proveStore sees once that the store takes writes.
func (m *Manager) proveStore(ctx context.Context, op string) error {
	if m.proved.Load() {
		return nil
	}
	r := Record{ID: hostPrefix + random().Reveal(), Due: m.flow.now()} // as a wait that is over, if it should be left behind
	var err error
	if r.Data, err = m.seal.seal(r.ID, 1, nil); err != nil {
		return recordError(op, r.ID, err)
	}
	if err = m.cfg.Store.Save(ctx, r); err == nil {
		err = m.cfg.Store.Delete(ctx, r.ID, 1)
	}
	if err != nil {
		return storeError(op, err)
	}
	m.proved.Store(true)
	return nil
}

// storeTaken stores g over what is here.
func (m *Manager) storeTaken(ctx context.Context, op string, r Record, g *grant, here Record, now *grant) error {
	taken := *g
	taken.Leaving = false
	taken.carry(r, here, m.time.Lease, m.flow.now())
	taken.TakeOvers++
	if now != nil && now.Epoch != g.Epoch {
		taken.Received, taken.Departed = now.Received, now.Departed
	} else if now != nil && !now.Leaving { // a late result of what is here
		taken.Revoking, taken.Next, taken.NextForeign, taken.MovedTo = now.Revoking, now.Next, now.NextForeign, now.MovedTo
	}
	here.Due = r.Due
	if !g.Gone {
		at := m.flow.now()
		here.Due = taken.due(at, m.idleLimit(&taken, at))
	}
	if _, err := m.saveDue(ctx, op, here, &taken); err != nil {
		return err
	}
	if now != nil && !now.Gone && !now.Leaving && now.superfluous(g) {
		m.discard(now.asked(now.Client), now.token())
	}
	return nil
}

// endLeaving revokes the tokens of g, in whose place there is another connection or a disconnected one.
func (m *Manager) endLeaving(ctx context.Context, g *grant) error {
	err := m.revoke(ctx, g)
	if err == nil || remains(err) != tokenMayWork {
		return nil
	}
	return err
}

// loadReturned loads a connection whose mark is here since it went to what is the former store now.
func (m *Manager) loadReturned(ctx context.Context, op string, k Key) (Record, *grant, error) {
	none := m.takeOver(ctx, op, k.recordID())
	if none != nil && !errors.Is(none, ErrNotFound) {
		return Record{}, nil, none
	}
	r, err := m.loadOne(ctx, op, k.recordID())
	if err != nil {
		return r, nil, err
	}
	g, err := m.openGrant(op, k.recordID(), r)
	if err == nil && g.Left && none != nil { // it has ended there, and is forgotten
		g.Gone, g.Leaving = true, false
	}
	return r, g, err
}
