package oauthflow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fullcast/sfauth/internal/badfields"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// CopyConfig says what [Copy] works with.
type CopyConfig struct {
	// From holds the records. Required.
	From tokenstore.Store

	// To gets the records. Required; another store than From, empty or not.
	To tokenstore.Store

	// Keyring opens the records of both stores and seals what is written. Required.
	Keyring *tokenstore.Keyring

	// Environment is that of the records, as in [ManagerConfig]. Required.
	Environment string

	// Progress is told the records dealt with and their number, from the calling goroutine. Optional.
	Progress func(done, total int)
}

const opCopy = "copy"

// validate returns an error that names every field at fault.
func (c CopyConfig) validate() error {
	var bad badfields.List
	if c.From == nil {
		bad.Add("CopyConfig.From", "is required")
	}
	if c.To == nil {
		bad.Add("CopyConfig.To", "is required")
	}
	if c.Keyring.IsZero() {
		bad.Add("CopyConfig.Keyring", "is required: those of the service")
	}
	if len(c.Environment) > 64 || !printable(c.Environment) {
		bad.Add("CopyConfig.Environment", "must be 1 to 64 printable ASCII characters: that of the service")
	}
	return invalidFields(opCopy, bad)
}

// Copy copies all records of one store to another, so that a service can change its store. Close every manager of both stores
// first, in all processes, and start the service with the new store when Copy has returned nil. A process that goes on meanwhile
// may be refused, and the result of its refresh may be lost.
//
// Copy opens each connection of From, seals it for To, creates it there, and leaves in From a mark without data, for which every
// manager over From returns [ErrRelocated]. A connection can be used in To only once its mark is in From, so that it can never be
// used in both. The records of adopted refresh tokens ([ErrConnectedElsewhere]), and of login hosts that ask to be left alone,
// are copied and deleted in From. Logins under way are deleted: their users begin again.
//
// It is safe to repeat, and to run twice at once. After an interruption, repeat it until it returns nil; until then some
// connections may be refused in both stores. Nil means that everything is in To, and that From holds no secrets and can be
// dropped. A record that To has already is no error if its content is the same. If its content differs, both records stay as they
// are. So does a record that cannot be opened: one of another key or environment, or of a newer format. All others are copied.
//
// To go back, copy in the other direction: Copy replaces or deletes the marks that it finds in To.
//
// Errors: a *[BulkError] that names the records by their ids: of [KindForeign] those that were left, of [KindStore] those for which a
// store failed, and those whose process was killed during a refresh, for about two minutes. [KindInvalid] for c, and for two
// stores that cannot be meant: From is empty, is To, or was copied to another store than To.
func Copy(ctx context.Context, c CopyConfig) error {
	if err := c.validate(); err != nil {
		return err
	}
	j := copying{
		from: guardStore(c.From, defaultCrew, newSilence()), to: guardStore(c.To, defaultCrew, newSilence()), seal: tokenstore.Sealer{Keyring: c.Keyring, Environment: c.Environment},
	}
	if err := again(func() error { return j.leave(ctx) }); err != nil {
		return err
	}
	var ids []string
	for r, err := range listRecords(ctx, j.from, "", afterAll) {
		if err != nil {
			return storeError(opCopy, err)
		}
		if !strings.HasPrefix(r.ID, relocatedPrefix) {
			ids = append(ids, r.ID)
		}
	}
	b := bulk{op: opCopy, places: defaultCrew, told: c.Progress, total: len(ids)}
	err := b.each(ctx, ids, func(ctx context.Context, id string) error {
		return again(func() error {
			if k, ok := keyOf(id); ok {
				return j.connection(ctx, id, k)
			}
			return j.other(ctx, id)
		})
	})
	if ctx.Err() == nil && b.tally.Kinds[KindStore] == 0 {
		if arrived := j.arrive(ctx); arrived != nil {
			return errors.Join(err, arrived)
		}
	}
	return err
}

type copying struct {
	from, to tokenstore.Store
	seal     tokenstore.Sealer
	name     string // of To, as [copying.leave] has found it
}

// stored is a record as it was loaded, opened; of version 0 where there is none.
type stored struct {
	tokenstore.Record
	plain []byte
	grant *grant // of a connection
}

// connection copies a connection in three saves, each of which can be repeated. To is loaded first: so what is saved there is
// never older than what another Copy has saved, and the mark in From is saved over that content alone.
func (j *copying) connection(ctx context.Context, id string, k Key) error {
	to, err := j.open(ctx, j.to, id)
	if err != nil {
		return err
	}
	from, err := j.open(ctx, j.from, id)
	if err != nil || from.Version == 0 {
		return err
	}
	g, there := from.grant, to.grant
	mark := &grant{Key: k, Gone: g.Gone, Leaving: true, Left: true, Copied: hashed(j.name + string(from.plain))}
	switch {
	case g.Left && (there == nil || !there.arriving() || there.Copied != g.Copied): // copied
		return nil
	case g.Left:
		mark, g = g, there // the mark is saved again: a load does not say that no failover undoes it
	case g.arriving():
		return storeError(opCopy, fmt.Errorf("record %+.300q: a copy from another store is not finished: finish it first", id))
	case g.Intent != nil && time.Since(g.Intent.At) < g.Intent.Lease+answerWait:
		return storeError(opCopy, fmt.Errorf("record %+.300q: a refresh is under way: stop the services, wait three minutes, and repeat", id))
	default:
		g.carry(from.Record, to.Record, time.Now())
		if there != nil && !there.Left && !there.arriving() && !there.same(g) {
			return foreignCopy(id, errDiffers)
		}
		g.Leaving, g.Copied, to.Due = true, mark.Copied, from.Due
		if to.Record, err = j.put(ctx, j.to, to.Record, g); err != nil {
			return err
		}
	}
	from.Due = farFuture
	if _, err := j.put(ctx, j.from, from.Record, mark); err != nil {
		return err
	}
	g.Leaving, g.Copied = false, ""
	_, err = j.put(ctx, j.to, to.Record, g)
	return err
}

// other copies a record that is no connection, and deletes it in From: nothing there needs a mark of it. Logins, and what nothing
// reads any more, are deleted only.
func (j *copying) other(ctx context.Context, id string) error {
	from, err := j.open(ctx, j.from, id)
	if err != nil || from.Version == 0 {
		return err
	}
	var of struct{ Format int }
	switch {
	case strings.HasPrefix(id, loginPrefix), strings.HasPrefix(id, formerPrefix), strings.HasPrefix(id, hostPrefix):
	case !strings.HasPrefix(id, adoptedPrefix):
		return foreignCopy(id, ErrNewerFormat)
	default:
		if err := decode(from.plain, &of, &of.Format); err != nil {
			return foreignCopy(id, err)
		}
		to, err := j.open(ctx, j.to, id)
		switch {
		case err != nil:
			return err
		case to.Version == 0:
			to.Due = from.Due
			if _, err := j.save(ctx, j.to, to.Record, from.plain); err != nil {
				return err
			}
		case !bytes.Equal(from.plain, to.plain):
			return foreignCopy(id, errDiffers)
		}
	}
	if err := remove(ctx, j.from, from.Record); err != nil {
		return storeError(opCopy, fmt.Errorf("record %+.300q: %w", id, err))
	}
	return nil
}

var errDiffers = errors.New("the other store has one with another content; both are left as they are")

func foreignCopy(id string, err error) error {
	return &Error{Op: opCopy, Kind: KindForeign, Err: fmt.Errorf("record %+.300q: %w", id, err)}
}

// open loads and opens a record.
func (j *copying) open(ctx context.Context, s tokenstore.Store, id string) (stored, error) {
	r, err := loadRecord(ctx, s, id)
	switch {
	case errors.Is(err, tokenstore.ErrNotFound):
		return stored{Record: r}, nil
	case errors.Is(err, errOtherID):
		return stored{}, foreignCopy(id, err)
	case err != nil:
		return stored{}, storeError(opCopy, fmt.Errorf("record %+.300q: %w", id, err))
	}
	return j.opened(id, r)
}

// opened opens a record that was asked for by id.
func (j *copying) opened(id string, r tokenstore.Record) (is stored, err error) {
	is.Record = r
	is.plain, err = unsealRecord(j.seal, id, r)
	if k, ok := keyOf(id); err == nil && ok {
		is.grant, err = decodeGrant(k, is.plain)
	}
	if err != nil {
		return stored{}, foreignCopy(id, err)
	}
	return is, nil
}

// put is save for a connection.
func (j *copying) put(ctx context.Context, s tokenstore.Store, was tokenstore.Record, g *grant) (tokenstore.Record, error) {
	plain, err := g.encode()
	if err != nil {
		return was, foreignCopy(was.ID, err)
	}
	return j.save(ctx, s, was, plain)
}

// save saves a content over a record as it was loaded.
func (j *copying) save(ctx context.Context, s tokenstore.Store, was tokenstore.Record, plain []byte) (r tokenstore.Record, err error) {
	if r, err = saveSealed(ctx, j.seal, s, was, plain); err != nil {
		err = storeError(opCopy, fmt.Errorf("record %+.300q: %w", was.ID, err))
	}
	return r, err
}

// same reports whether two grants hold the same, whatever a copy has noted in them.
func (g *grant) same(o *grant) bool {
	a, b := *g, *o
	for _, g := range []*grant{&a, &b} {
		g.Leaving, g.Copied = false, ""
	}
	x, err1 := a.encode()
	y, err2 := b.encode()
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

// again repeats what somebody else has come in between.
func again(do func() error) (err error) {
	for range conflictTries {
		if err = do(); !errors.Is(err, tokenstore.ErrConflict) {
			return err
		}
	}
	return err
}
