package oauthflow

import (
	"context"
	"errors"
	"fmt"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// SetClient gives a connection new credentials: a consumer secret that was rotated, or the key and secret that follow
// a staged rotation. The old ones stay until the new have worked, so that neither the order of the steps nor the
// minutes until Salesforce knows the new ones matter. The next refresh proves them; [EventClient] tells. A connection that
// is broken for its credentials, or is given another login host, need not wait any longer for that, and stays as it is until then. A new consumer
// key may have no part in the tokens of the old one: then the old credentials are used on, and [Manager.BeginAgain]
// logs in with the new. When Salesforce accepts new credentials of the same app and says that the grant is dead, they take
// the old ones' place, and the next login uses them.
//
// Kind and login host may change as well. What is broken for another reason stays so, and its error is returned.
func (m *Manager) SetClient(ctx context.Context, k Key, c Client) error {
	const op = "set client"
	if err := m.ended(); err != nil {
		return err
	}
	if err := k.validate(op); err != nil {
		return err
	}
	c = c.trimmed()
	if err := c.validate(op); err != nil {
		return err
	}
	return m.change(ctx, op, k, func(g *grant) error {
		if g.Fault != nil && g.Fault.Kind.Terminal() {
			return g.fault(m.flow.now())
		}
		next := c.sealed()
		g.Next, g.NextForeign = &next, false
		if g.Client.same(next) {
			g.Next = nil
		}
		wrong := g.Fault != nil && (g.Fault.Kind == KindClient || g.Fault.Kind == KindAppMissing || g.Fault.Kind == KindInvalid)
		if wrong || g.Client.Host != next.Host { // try at once
			g.Failures, g.NotBefore, g.Pause = 0, g.RefreshedAt, 0
		}
		return nil
	})
}

// SetKind says of which kind the app with a consumer key is now, as after Setup has turned a connected app into an
// external client app that keeps the key. Nothing is sent and nothing else changes; [EventKind] tells. A connection that
// works with another key by now is left as it is.
func (m *Manager) SetKind(ctx context.Context, k Key, consumerKey string, kind AppKind) error {
	const op = "set kind"
	if err := m.ended(); err != nil {
		return err
	}
	if err := k.validate(op); err != nil {
		return err
	}
	if !kind.Known() {
		return invalid(op, "kind", wrongKind)
	}
	kind = kind.OrDefault()
	var told *Event
	err := m.change(ctx, op, k, func(g *grant) error {
		told = nil
		if g.Client.ID != consumerKey || g.Client.Kind.OrDefault() == kind {
			return errUnchanged
		}
		told = &Event{Type: EventKind, Key: k, OrgID: g.OrgID}
		g.Client.Kind = kind
		if g.Next != nil {
			g.Next.Kind = kind
		}
		return nil
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	if err == nil && told != nil {
		m.observe(*told)
	}
	return err
}

var errUnchanged = errors.New("nothing is to be changed")

// change loads, changes and saves a connection until nobody comes in between.
func (m *Manager) change(ctx context.Context, op string, k Key, change func(*grant) error) error {
	end, err := m.begin()
	if err != nil {
		return err
	}
	defer end()
	for range conflictTries {
		r, g, err := m.load(ctx, op, k)
		if err != nil {
			return err
		}
		if g.Revoking || g.MovedTo != nil {
			return &Error{Op: op, Kind: KindNotConnected, Err: fmt.Errorf("%q is being disconnected", k)}
		}
		if err := change(g); err != nil {
			return err
		}
		if _, err = m.save(ctx, op, r, g); !errors.Is(err, tokenstore.ErrConflict) {
			return err
		}
	}
	return &Error{Op: op, Kind: KindStore, Err: tokenstore.ErrConflict}
}

// conflictTries is how often a change is tried over a record that others keep changing.
const conflictTries = 100
