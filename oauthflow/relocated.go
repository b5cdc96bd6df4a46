package oauthflow

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// ErrRelocated means that [Copy] has copied a connection, or all records, to another store, and that the one in
// [ManagerConfig].Store holds marks in their place. Nothing was sent, and nothing has ended. It comes with [KindStore].
var ErrRelocated = errors.New("it was copied to another store: set ManagerConfig.Store of this process to that store")

// errArriving is of a record whose place in the store from which it comes is not given up yet.
var errArriving = errors.New("its copy into ManagerConfig.Store was not finished: repeat the Copy, or use the store that it comes from")

const (
	relocatedPrefix = "relocated/"

	// relocatedRecord marks a store from which all was copied. It is looked for where a connection could begin of which the store
	// has no record. Its content is the name of a record that the other store has.
	relocatedRecord = relocatedPrefix + "store"
)

// relocated returns the error of a connection that is not to be used in this store, else nil.
func (g *grant) relocated() error {
	switch {
	case !g.Leaving:
		return nil
	case g.arriving():
		return fmt.Errorf("connection %q: %w", g.Key, errArriving)
	}
	return fmt.Errorf("connection %q: %w", g.Key, ErrRelocated)
}

// arriving reports whether [Copy] has created the record, and the record that it comes from may still be used.
func (g *grant) arriving() bool { return g.Leaving && !g.Left && g.Copied != "" }

// relocated returns [ErrRelocated] where all was copied to another store, or why that is not known.
func (m *Manager) relocated(ctx context.Context, op string) error {
	r, err := m.loadFrom(ctx, op, m.cfg.Store, relocatedRecord)
	if errors.Is(err, tokenstore.ErrNotFound) {
		return nil
	}
	if err == nil {
		_, err = m.unseal(op, relocatedRecord, r)
	}
	if err == nil {
		err = storeError(op, ErrRelocated)
	}
	return err
}

// destination is what the mark of a store holds, sealed.
type destination struct {
	Format int
	Name   string // of the other store: it has a record of this id after relocatedPrefix
}

// leave marks From, so that no connection begins there any more, and checks that To is the store to which the copy of From goes.
// To has taken a write before From is changed.
func (j *copying) leave(ctx context.Context) error {
	mark, err := j.open(ctx, j.from, relocatedRecord)
	if err != nil {
		return err
	}
	var to destination
	if mark.Version > 0 {
		if err := decode(mark.plain, &to, &to.Format); err != nil {
			return foreignCopy(relocatedRecord, err)
		}
		j.name = to.Name
		if there, err := j.open(ctx, j.to, relocatedPrefix+to.Name); err != nil || there.Version > 0 {
			return err
		}
		return invalid(opCopy, "CopyConfig.To", "is another store than the one to which From was copied already")
	}
	if err := j.holdsAny(ctx); err != nil {
		return err
	}
	to = destination{madeFormat, rand.Text()}
	plain, err := json.Marshal(to)
	if err != nil {
		return storeError(opCopy, err)
	}
	name, err := j.save(ctx, j.to, tokenstore.Record{ID: relocatedPrefix + to.Name, Due: afterConnections}, plain)
	if err != nil {
		return err
	}
	if same, err := j.open(ctx, j.from, name.ID); err != nil {
		return err
	} else if same.Version > 0 {
		return errors.Join(invalid(opCopy, "CopyConfig.To", "is the same store as CopyConfig.From"), remove(ctx, j.to, name))
	}
	j.name, mark.Due = to.Name, afterConnections
	_, err = j.save(ctx, j.from, mark.Record, plain)
	return err
}

// holdsAny returns an error where From holds no records.
func (j *copying) holdsAny(ctx context.Context) error {
	for _, err := range listRecords(ctx, j.from, "", afterAll) {
		if err != nil {
			return storeError(opCopy, err)
		}
		return nil // also where that is but the name of the store, of a copy that has brought nothing
	}
	return invalid(opCopy, "CopyConfig.From", "is empty: is it the store that the service has used?")
}

// arrive deletes the marks that are left in To of an earlier copy from To: a connection that did not come back has ended.
func (j *copying) arrive(ctx context.Context) error {
	for r, err := range listRecords(ctx, j.to, connectionPrefix, afterAll) {
		if err != nil {
			return storeError(opCopy, err)
		}
		is, err := j.opened(r.ID, r)
		if err != nil || is.grant == nil || !is.grant.Left { // what does not open stays
			continue
		}
		if err := remove(ctx, j.to, r); err != nil && !errors.Is(err, tokenstore.ErrConflict) {
			return storeError(opCopy, err)
		}
	}
	mark, err := j.open(ctx, j.to, relocatedRecord)
	if err != nil || mark.Version == 0 {
		return err
	}
	if err := remove(ctx, j.to, mark.Record); err != nil && !errors.Is(err, tokenstore.ErrConflict) {
		return storeError(opCopy, err)
	}
	return nil
}
