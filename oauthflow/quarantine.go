package oauthflow

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// verifyTimeout bounds the look at the login host's public keys, for which callers wait.
const verifyTimeout = 5 * time.Second

// verify checks an id_token. One that cannot be checked at the moment passes: what it says came over TLS from the token
// endpoint itself, and nothing rests on it alone.
//
// Source: OpenID Connect Core §3.1.3.7, number 6.
//
// Asked is the host whose token endpoint has answered; zero for the login host.
func (m *Manager) verify(ctx context.Context, c Client, asked Host, t *Token) error {
	if t.IDToken.IsZero() && t.nonce.IsZero() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	err := m.flow.verifyIDToken(ctx, c, asked, t)
	var e *Error
	if errors.As(err, &e) && e.Kind == KindIDToken {
		return err
	}
	if err != nil {
		m.logf(slog.LevelWarn, "an id_token could not be checked", "host", c.Host.name, "error", err)
	}
	return nil
}

// quarantine takes the access token of a stored refresh back whose id_token is not to be trusted. The refresh token
// stays: the next refresh may be answered properly.
func (m *Manager) quarantine(ctx context.Context, at Record, g *grant, err error, took time.Duration) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	g.Access = sealedSecret{}
	g.Failures++
	g.pause(backoff(g.Failures), m.flow.now())
	g.Fault = &fault{Op: e.Op, Kind: e.Kind, At: m.flow.now()}
	if _, serr := m.save(ctx, opRefresh, at, g); serr != nil && !errors.Is(serr, ErrConflict) {
		return errors.Join(err, serr)
	}
	m.observe(Event{Type: EventSuspended, Key: g.Key, OrgID: g.OrgID, Took: took, Err: e})
	return err
}
