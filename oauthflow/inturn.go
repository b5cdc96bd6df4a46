package oauthflow

import "context"

// What has to be done in a time waits for its turn at the store before its time begins: [Manager.inTurn] and [allowance] are how.

type (
	placeKey struct{}
	turnKey  struct{}
)

// inTurn does something when a call for a record would have its turn. Calls of the store that it makes with the context that it is
// given, one after the other, wait no more. It returns do's error, or why the turn did not come.
func (m *Manager) inTurn(ctx context.Context, id string, do func(ctx context.Context) error) error {
	s := m.cfg.Store.(guardedStore)
	at, err := s.calls.enter(ctx, lineOf(id), turnOf(ctx))
	if err != nil {
		return err
	}
	defer at.leave()
	return do(context.WithValue(ctx, placeKey{}, s.calls))
}

// has reports whether ctx has a place among the store's calls.
func (s guardedStore) has(ctx context.Context) bool {
	at, _ := ctx.Value(placeKey{}).(*places)
	return at == s.calls
}

// queueing returns a context whose calls of a store tell t what they wait for.
func queueing(ctx context.Context, t *turn) context.Context {
	return context.WithValue(ctx, turnKey{}, t)
}

func turnOf(ctx context.Context) *turn {
	t, _ := ctx.Value(turnKey{}).(*turn)
	return t
}
