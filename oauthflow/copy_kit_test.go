package oauthflow_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

func numbered(i int) oauthflow.Key { return oauthflow.Key{Tenant: "acme", Name: fmt.Sprint(i)} }

// copied copies all that another store holds into the world's.
func (w *world) copied(from tokenstore.Store) error {
	w.t.Helper()
	return oauthflow.Copy(w.t.Context(), oauthflow.CopyConfig{From: from, To: w.store, Keyring: w.keys, Environment: "test"})
}

// copyTo copies what the world's store holds into another, which is the world's then.
func (w *world) copyTo(to tokenstore.Store) (from tokenstore.Store) {
	w.t.Helper()
	from, w.store = w.store, to
	if err := w.copied(from); err != nil {
		w.t.Errorf("Copy: %v", err)
	}
	return from
}

// tryBegin begins a login and has the user approve it.
func (w *world) tryBegin(m *oauthflow.Manager, k oauthflow.Key) (oauthflow.Callback, error) {
	w.t.Helper()
	redirect, err := m.Begin(w.t.Context(), k, w.client(), browser, oauthflow.AuthorizeOptions{LoginHint: w.user})
	if err != nil {
		return oauthflow.Callback{}, err
	}
	return w.approve(k, redirect), nil
}

// keptAliveAsLongAsItLasts is keptAlive with managers of which some may be over a store that was left.
func (w *world) keptAliveAsLongAsItLasts(d time.Duration, managers ...*oauthflow.Manager) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), d)
	defer cancel()
	ended := make(chan error)
	for _, m := range managers {
		go func() { ended <- m.KeepAlive(ctx) }()
	}
	for range managers {
		if err := <-ended; !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, oauthflow.ErrRelocated) {
			w.t.Errorf("KeepAlive returned %v", err)
		}
	}
	<-ctx.Done()
}

// opens reports whether v's key opens a record.
func (v foreigner) opens(r tokenstore.Record) bool {
	v.t.Helper()
	head, associated := len(v.head()), v.associated(r.ID, r.Version)
	if !bytes.HasPrefix(r.Data, v.head()) {
		return false
	}
	_, err := v.cipher(r.Data[head:head+32], associated).Open(nil, make([]byte, 12), r.Data[head+32:], associated)
	return err == nil
}
