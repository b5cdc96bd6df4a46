package oauthflow

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strings"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// List yields the connections of a tenant, or of all tenants when it is empty, so that a page for a tenant's user must see that
// there is one. It yields those first that have to be looked at first. A record that cannot be opened, or that does not
// belong to the list ([tokenstore.ErrForeignRecord]), yields an error of [KindForeign], one of a connection that was copied to
// another store [ErrRelocated]; neither ends the sequence. What the store does not list is not seen. A store whose list does not end, or is in no order, is an error of [KindStore], which ends it.
func (m *Manager) List(ctx context.Context, tenant string) iter.Seq2[Connection, error] {
	prefix := connectionPrefix
	if tenant != "" {
		prefix = tenantPrefix(tenant)
	}
	return func(yield func(Connection, error) bool) {
		if err := m.ended(); err != nil {
			yield(Connection{}, err)
			return
		}
		for r, err := range m.list(ctx, "list", m.cfg.Store, prefix, afterAll) {
			if err == nil {
				err = m.ended()
			}
			if err != nil {
				if !yield(Connection{}, err) || !errors.Is(err, tokenstore.ErrForeignRecord) {
					return
				}
				continue
			}
			g, err := m.openGrant("list", r.ID, r)
			if err != nil {
				if !yield(Connection{}, err) {
					return
				}
				continue
			}
			if g.Gone {
				continue
			}
			if g.Leaving {
				if !yield(Connection{}, storeError("list", g.relocated())) {
					return
				}
				continue
			}
			if !yield(g.connection(m.flow.now()), nil) {
				return
			}
		}
	}
}

// openGrant opens a connection's record that was asked for by id.
func (m *Manager) openGrant(op, id string, r tokenstore.Record) (*grant, error) {
	k, ok := keyOf(id)
	if !ok {
		return nil, &Error{Op: op, Kind: KindForeign, Err: fmt.Errorf("record %+.300q is no connection", id)}
	}
	plain, err := m.unseal(op, id, r)
	if err != nil {
		return nil, err
	}
	g, err := decodeGrant(k, plain)
	if err != nil {
		err = sealError(op, k, err)
		if errors.Is(err, tokenstore.ErrForeignRecord) {
			m.reportForeign(id, r, err)
		}
		return nil, err
	}
	g.dropForeign()
	return g, nil
}

// sealError is the error of a connection's record that does not open.
func sealError(op string, k Key, err error) error {
	return &Error{Op: op, Kind: KindForeign, Err: fmt.Errorf("connection %q: %w", k, err)}
}

// keyOf reads what Key.recordID wrote.
func keyOf(id string) (Key, bool) {
	rest, ok := strings.CutPrefix(id, connectionPrefix)
	tenant, name, ok2 := strings.Cut(rest, "/")
	t, err1 := url.QueryUnescape(tenant)
	n, err2 := url.QueryUnescape(name)
	k := Key{t, n}
	return k, ok && ok2 && err1 == nil && err2 == nil && k.recordID() == id
}
