package oauthflow

import "context"

// Introspect asks Salesforce whether the connection's refresh token is active. It spends nothing and changes nothing.
// See [Flow.Introspect].
func (m *Manager) Introspect(ctx context.Context, k Key) (Introspection, error) {
	const op = "introspect"
	if err := k.validate(op); err != nil {
		return Introspection{}, err
	}
	_, g, err := m.load(ctx, op, k)
	if err != nil {
		return Introspection{}, err
	}
	return m.flow.Introspect(ctx, g.Client.client(), &Token{RefreshToken: g.Refresh.Secret})
}
