package oauthflow

import "context"

// ask asks Salesforce whether the refresh token of g is active: with the credentials that the refresh in doubt was sent
// with, and where these are refused with the others that are known. A client is told about its own tokens only, so that
// inactive counts from the app that the grant was given to alone, and active from any.
//
// Source: Salesforce Help, "Token Introspection Endpoint"; RFC 7662 §2.2.
func (m *Manager) ask(ctx context.Context, g *grant) (Introspection, error) {
	var inactive *Introspection
	var failed error
	for _, c := range g.credentials() {
		seat := seat{m: m, tenant: g.Key.Tenant}
		if _, err := seat.take(g.asked(c).Host.name); err != nil {
			return Introspection{}, err
		}
		answered := seat.asking()
		var is Introspection
		err := g.askEither(c, func(c Client) (err error) {
			is, err = m.flow.Introspect(ctx, c, &Token{RefreshToken: g.Refresh.Secret})
			return err
		})
		answered()
		seat.giveBack()
		switch {
		case err == nil && is.Active:
			return is, nil
		case err == nil && c.ID == g.Client.ID:
			inactive = &is
		case err != nil && failed == nil:
			failed = err
		}
	}
	if inactive != nil {
		return *inactive, nil
	}
	return Introspection{}, failed
}

// credentials returns all that a refresh of g may have been sent with, those first that are most likely to be right.
func (g *grant) credentials() []sealedClient {
	all := make([]sealedClient, 0, 3)
	for _, c := range []*sealedClient{g.SentWith, &g.Client, g.Next} {
		known := c == nil
		for _, have := range all {
			known = known || have.Host == c.Host && have.ID == c.ID && have.Secret.Equal(c.Secret.Secret)
		}
		if !known {
			all = append(all, *c)
		}
	}
	return all
}
