package oauthflow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// Move makes the tokens of one connection those of another key, in place of what is there, and deletes the first: a
// migration connects the new app under a key of its own, proves it, and moves it over the old one. A caller with
// the second key sees no gap. The tokens that were there are revoked afterwards, as far as that can be done.
//
// It is safe to repeat: interrupted anywhere, the same call takes it up again. A connection of another org under the
// second key is not overwritten, [ErrOrgChanged], unless the login that made the first named its org
// ([AuthorizeOptions].ExpectOrg).
func (m *Manager) Move(ctx context.Context, from, to Key) error {
	const op = "move"
	if err := m.ended(); err != nil {
		return err
	}
	if err := errors.Join(from.validate(op), to.validate(op)); err != nil {
		return err
	}
	if from == to {
		return invalid(op, "to", "is the key that is moved")
	}
	end, err := m.begin()
	if err != nil {
		return err
	}
	defer end()
	for range conflictTries {
		again, err := m.moveOnce(ctx, op, from, to)
		if err != nil || !again {
			return err
		}
	}
	return &Error{Op: op, Kind: KindStore, Err: tokenstore.ErrConflict}
}

// moveOnce makes every step of a move that has not been made yet. It returns true when somebody came in between.
func (m *Manager) moveOnce(ctx context.Context, op string, from, to Key) (again bool, err error) {
	r, g, err := m.load(ctx, op, from)
	var e *Error
	if errors.As(err, &e) && e.Kind == KindNotConnected {
		if g != nil && g.MovedTo != nil && *g.MovedTo == to { // by somebody else just now
			return false, nil
		}
		return false, m.movedAlready(ctx, op, from, to, err)
	} else if err != nil {
		return false, err
	}
	switch {
	case g.Revoking || g.MovedTo != nil && *g.MovedTo != to:
		return false, &Error{Op: op, Kind: KindNotConnected, Err: fmt.Errorf("%q is being disconnected or moved elsewhere", from)}
	case g.Fault != nil && g.Fault.Kind.Terminal():
		return false, g.fault(m.flow.now())
	case g.Intent != nil: // its outcome belongs to what is moved
		if _, err := m.Source(from).join(ctx, g.Access.Reveal(), renewal); err != nil {
			return false, err
		}
		return true, nil
	}
	if g.MovedTo == nil { // from here on nothing is refreshed under the old key
		if err := m.mayReplace(ctx, op, g, to); err != nil {
			return false, err
		}
		g.MovedTo = &to
		if r, err = m.save(ctx, op, r, g); errors.Is(err, tokenstore.ErrConflict) {
			return true, nil
		} else if err != nil {
			return false, err
		}
	}
	if err := m.put(ctx, op, g, to); errors.Is(err, ErrOrgChanged) { // it came there in between
		g.MovedTo = nil
		if _, undone := m.save(ctx, op, r, g); errors.Is(undone, tokenstore.ErrConflict) {
			return true, nil
		} else if undone != nil { // Disconnect must not take it for taken back
			return false, undone
		}
		return false, err
	} else if err != nil {
		return false, err
	}
	m.Source(to).inherit(m.Source(from))
	m.forgetSource(from)
	if _, err := m.save(ctx, op, r, g.tombstone()); errors.Is(err, tokenstore.ErrConflict) {
		return true, nil
	} else if err != nil {
		return false, err
	}
	moved := *g
	moved.Key = to
	if moved.Adopted != "" {
		if err := m.unshared(ctx, op, &moved, true); err != nil {
			m.logf(slog.LevelDebug, "the refresh token of a moved connection could not be claimed", "connection", to, "error", err)
		}
	}
	m.observe(Event{Type: EventMoved, Key: to, OrgID: g.OrgID})
	return false, nil
}

// mayReplace returns the error of a connection under the target key that g may not be put over.
func (m *Manager) mayReplace(ctx context.Context, op string, g *grant, to Key) error {
	_, old, err := m.load(ctx, op, to)
	var e *Error
	if errors.As(err, &e) && e.Kind == KindNotConnected {
		return nil
	} else if err != nil {
		return err
	}
	return g.over(op, old)
}

// over returns nil where g may take old's place: it is of the same org, or its login named the new one.
func (g *grant) over(op string, old *grant) error {
	if old.OrgID != "" && !sameID(old.OrgID, g.OrgID) && !sameID(g.ExpectOrg, g.OrgID) {
		return &Error{Op: op, Host: g.Client.Host, Kind: KindOrgChanged, Err: &StrangerError{g.OrgID, g.UserID, ErrOrgChanged}}
	}
	return nil
}

// put stores a copy of g under the other key, once.
func (m *Manager) put(ctx context.Context, op string, g *grant, to Key) error {
	moved := *g
	moved.Key, moved.MovedTo, moved.MovedFrom = to, nil, &g.Key
	errDone := errors.New("there already")
	old, err := m.replace(ctx, op, &moved, func(old *grant) error {
		moved.Departed = slices.DeleteFunc(slices.Clone(old.Departed), func(e string) bool { return e == g.Epoch }) // it is back
		switch {
		case old.Epoch == g.Epoch && old.Generation < g.Generation: // a late result has come after what was put there
			moved.Received = old.Received
		case old.Epoch == g.Epoch, slices.Contains(old.Received, g.Epoch): // there, or replaced there already
			return errDone
		default:
			moved.Received = append([]string{g.Epoch}, old.Received[:min(len(old.Received), 2)]...)
		}
		return g.over(op, old)
	})
	var unsure *unsureError
	if !errors.As(err, &unsure) && old.superfluous(g) {
		m.discard(to.Tenant, old.asked(old.Client), old.token())
	}
	if errors.Is(err, errDone) || errors.Is(err, errDisconnected) || errors.Is(err, errDeparted) { // what is left to do is to delete the first
		return nil
	} else if errors.Is(err, ErrSuperseded) { // the tokens are still under the first key: the move decides again
		return &Error{Op: op, Kind: KindStore, Err: tokenstore.ErrConflict}
	} else if err != nil {
		return err
	}
	if !moved.Access.IsZero() {
		m.Source(to).publish(m.view(&moved))
	}
	return nil
}

// superfluous reports whether nobody needs the tokens of g, nil for none, which next has replaced: they are of another
// login, and not on their way to another key.
func (g *grant) superfluous(next *grant) bool {
	return g != nil && g.Epoch != next.Epoch && g.MovedTo == nil && !g.Refresh.Equal(next.Refresh.Secret)
}

// movedAlready returns nil when the second key holds what the first one held.
func (m *Manager) movedAlready(ctx context.Context, op string, from, to Key, missing error) error {
	_, there, err := m.load(ctx, op, to)
	if err != nil || there.MovedFrom == nil || *there.MovedFrom != from {
		return missing
	}
	return nil
}
