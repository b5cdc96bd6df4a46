package oauthflow

import (
	"cmp"
	"context"
	"errors"
)

// atHost calls do with a place among the requests to a login host. It waits for that until ctx ends or the manager is closed, and
// then sends nothing: an error of [KindNotSent].
func (m *Manager) atHost(ctx context.Context, op, host, tenant string, do func() error) error {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(m.open, cancel)()
	at, err := m.gate(host).places.enter(waiting, tenant, nil)
	switch {
	case errors.Is(err, errStoreSilent):
		return storeError(op, err)
	case err != nil:
		return &Error{Op: op, Host: host, Kind: KindNotSent, Err: cmp.Or(ctx.Err(), ErrClosed)}
	}
	defer at.leave()
	return do()
}
