package oauthflow

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strings"
)

// List yields the connections of a tenant, or of all tenants when it is empty, those first that have to be looked at
// first. A record that cannot be opened yields an error of [KindForeign], one of a connection that another store has taken
// over one of [KindStore]; neither ends the sequence. What is still in ManagerConfig.Former is not listed.
func (m *Manager) List(ctx context.Context, tenant string) iter.Seq2[Connection, error] {
	prefix := connectionPrefix
	if tenant != "" {
		prefix = tenantPrefix(tenant)
	}
	return func(yield func(Connection, error) bool) {
		for r, err := range m.cfg.Store.List(ctx, prefix, afterAll) {
			if err != nil {
				yield(Connection{}, storeError("list", err))
				return
			}
			g, err := m.openGrant(ctx, "list", r)
			if err != nil {
				if !yield(Connection{}, err) {
					return
				}
				continue
			}
			if g.Gone || g.Leaving && m.cfg.Former != nil {
				continue
			}
			if g.Leaving {
				err := &Error{Op: "list", Kind: KindStore, Err: fmt.Errorf("connection %q: %w", g.Key, errLeaving)}
				if !yield(Connection{}, err) {
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

// openGrant opens a connection's record whose key is not known from elsewhere.
func (m *Manager) openGrant(ctx context.Context, op string, r Record) (*grant, error) {
	k, ok := keyOf(r.ID)
	if !ok {
		return nil, &Error{Op: op, Kind: KindForeign, Err: fmt.Errorf("record %q is no connection", r.ID)}
	}
	plain, err := m.seal.open(ctx, r.ID, r.Version, r.Data)
	if err != nil {
		return nil, sealError(op, k, err)
	}
	g, err := decodeGrant(k, plain)
	if err != nil {
		return nil, sealError(op, k, err)
	}
	return g, nil
}

// sealError tells a record that was sealed elsewhere from a key that cannot be had at the moment.
func sealError(op string, k Key, err error) error {
	kind := KindForeign
	if errors.Is(err, errKeyUnavailable) {
		kind = KindStore
	}
	return &Error{Op: op, Kind: kind, Err: fmt.Errorf("connection %q: %w", k, err)}
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
