package oauthflow

import (
	"context"
	"log/slog"
)

// logf writes a line of the log. No lock is held by who calls it. The field connection is a [Key].
func (m *Manager) logf(level slog.Level, msg string, args ...any) {
	defer func() { _ = recover() }() // a logger that panics costs its line
	for i, a := range args {
		if k, is := a.(Key); is {
			args[i] = k.String()
		}
	}
	m.log.Log(context.Background(), level, msg, args...)
}
