package oauthflow

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// verifyTimeout bounds the look at the login host's public keys, for which callers wait.
const verifyTimeout = 5 * time.Second

// verify checks the id_token of a login. One that cannot be checked at the moment passes: what it says came over TLS from the token
// endpoint itself, and nothing rests on it alone. That of a refresh is ignored: the answer's id names the user.
//
// Source: OpenID Connect Core §3.1.3.7, number 6.
//
// Asked is the host whose token endpoint has answered; zero for the login host.
func (m *Manager) verify(ctx context.Context, c Client, asked Host, t *Token) error {
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
