package oauthflow

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

const storeTries = 5

// ErrSuperseded means that a login was completed, and that something else happened to the connection before the store had
// confirmed the login: another login, a migration, a disconnection, a refresh, or a failover of the store. The tokens of
// the login are revoked, and the connection is what the other has made of it.
var ErrSuperseded = errors.New("the connection, or the history of its store, was changed before this login was confirmed; nothing of this login is kept")

var (
	errDisconnected = errors.New("it was disconnected meanwhile")
	errDeparted     = errors.New("it was moved to another key meanwhile")
)

// unsureError means that a record may have been stored over base, although the store says that it was not.
type unsureError struct {
	base  tokenstore.Record
	old   *grant // what base holds; nil for nothing
	cause error
}

func (e *unsureError) Error() string {
	return e.cause.Error() + "; it may have been stored all the same"
}
func (e *unsureError) Unwrap() error { return e.cause }

// replace makes g the connection's record, over whatever is there unless allowed refuses it, and returns what was
// there. Allowed is asked about an empty grant where there is none.
//
// After a save whose outcome is unknown g is saved again only over the record that it was decided over, or over itself:
// another record may have taken g's place, and have had its tokens revoked. Then the error is [ErrSuperseded]; what g may
// have replaced is returned with it if nobody else needs it.
func (m *Manager) replace(ctx context.Context, op string, g *grant, allowed func(old *grant) error) (old *grant, err error) {
	var base *tokenstore.Record // over which a save has failed that may have been made
	epoch := g.Epoch
	for try := range storeTries {
		if try > 0 {
			sleep(ctx, time.Duration(try)*50*time.Millisecond)
		}
		var r tokenstore.Record
		var now *grant
		r, now, err = m.load(ctx, op, g.Key)
		var e *Error
		gone := errors.As(err, &e) && e.Kind == KindNotConnected
		if err != nil && !gone {
			continue
		}
		if base == nil && g.MovedFrom == nil { // else its refresh token may have been spent since it was known to be good
			g.Timeline = r.Timeline
		}
		if now == nil {
			now = new(grant)
		}
		// A late result may have come after what is moved; an adoption that is corrected has the epoch of the one before.
		own := now.Epoch == g.Epoch && now.Generation >= g.Generation && (g.Epoch == epoch || now.Client.same(g.Client))
		switch {
		case now.Epoch == g.Epoch && gone && now.MovedTo == nil, own && now.Revoking: // it was there, and is never brought back
			return old, &Error{Op: op, Kind: KindNotConnected, Err: errDisconnected}
		case own && !gone && base == nil:
			return old, nil
		case own && !gone:
			if _, err = m.save(ctx, op, r, now); err == nil {
				return old, nil
			}
			continue
		case base != nil && !sameRecord(*base, r):
			if now.Epoch == g.Epoch && gone || g.MovedFrom == nil && slices.Contains(now.Departed, g.Epoch) {
				return old, &Error{Op: op, Kind: KindNotConnected, Err: errDeparted}
			}
			if base.Timeline != r.Timeline || now.keeps(old) {
				old = nil
			}
			return old, &Error{Op: op, Kind: KindState, Err: ErrSuperseded}
		}
		old = nil // what an earlier look has found may be another key's now
		if gone {
			now = &grant{Received: now.Received, Departed: now.Departed}
		} else {
			old = now
		}
		if err := allowed(now); err != nil {
			return nil, err
		}
		if _, err = m.save(ctx, op, r, g); err == nil {
			return old, nil
		}
		if !errors.Is(err, tokenstore.ErrConflict) {
			base = &r
		}
	}
	if base != nil {
		err = &unsureError{*base, old, err}
	}
	return nil, err
}

// keeps reports whether the tokens of old, nil for none, live on under g's key or have gone from there to another.
func (g *grant) keeps(old *grant) bool {
	return old != nil && (g.Epoch == old.Epoch || slices.Contains(g.Departed, old.Epoch))
}

// sameRecord reports whether a record is still the one that it was, in the same history of the store.
func sameRecord(was, is tokenstore.Record) bool {
	return was.Version == is.Version && was.Timeline == is.Timeline && bytes.Equal(was.Data, is.Data)
}

// discardUnlessStored is discard once the store cannot hold g any more: a record must not hold a dead grant, least of all in
// place of a live one. What is there is saved once more where the save of g, which was over base, may still be under way.
func (m *Manager) discardUnlessStored(g *grant, u *unsureError, c Client, t *Token) {
	m.work.Go(func() {
		defer m.contain(nil)
		for sleep(m.open, jitter(time.Second, time.Second)) {
			r, now, err := m.load(m.ctx, "complete", g.Key)
			var e *Error
			gone := errors.As(err, &e) && e.Kind == KindNotConnected
			switch {
			case err != nil && !gone:
				continue
			case now == nil:
				now = g.tombstone()
			}
			stored := !gone && now.Epoch == g.Epoch
			if stored || sameRecord(u.base, r) {
				if _, err := m.save(m.ctx, "complete", r, now); err != nil {
					continue
				}
			}
			switch {
			case stored:
				if u.old.superfluous(g) {
					m.discard(g.Key.Tenant, u.old.asked(u.old.Client), u.old.token())
				}
			case gone && now.Epoch == g.Epoch && now.MovedTo != nil, slices.Contains(now.Departed, g.Epoch):
			default:
				m.discard(g.Key.Tenant, c, t)
			}
			return
		}
	})
}
