package oauthflow

import "context"

// Introspect asks Salesforce whether the connection's refresh token is active, with the credentials of [Manager.SetClient]
// where the former ones are refused. It spends nothing and changes nothing.
// See [Flow.Introspect].
func (m *Manager) Introspect(ctx context.Context, k Key) (Introspection, error) {
	const op = "introspect"
	if err := m.ended(); err != nil {
		return Introspection{}, err
	}
	if err := k.validate(op); err != nil {
		return Introspection{}, err
	}
	_, g, err := m.load(ctx, op, k)
	if err != nil {
		return Introspection{}, err
	}
	return m.ask(ctx, g)
}
