package oauthflow

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"strings"
	"time"

	scrubber "github.com/fullcast/sfauth/internal/scrub"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// loadFrom is loadRecord that reports a foreign record. With [tokenstore.ErrNotFound] comes what the store has said of its timeline.
func (m *Manager) loadFrom(ctx context.Context, op string, store tokenstore.Store, id string) (tokenstore.Record, error) {
	r, err := loadRecord(ctx, store, id)
	switch {
	case err == nil:
		return r, nil
	case errors.Is(err, tokenstore.ErrNotFound):
		return tokenstore.Record{Timeline: r.Timeline}, storeError(op, err)
	case errors.Is(err, errOtherID):
		err = recordError(op, id, err)
	default:
		err = storeError(op, err)
	}
	m.reportForeign(id, r, err)
	return tokenstore.Record{}, err
}

// loadRecord asks a store for a record. It is the only caller of Store.Load: a record that it returns without an error has the
// id that was asked for. With [tokenstore.ErrNotFound] comes the record to create.
func loadRecord(ctx context.Context, store tokenstore.Store, id string) (tokenstore.Record, error) {
	r, err := store.Load(ctx, id)
	switch {
	case errors.Is(err, tokenstore.ErrNotFound):
		return tokenstore.Record{ID: id, Timeline: r.Timeline}, err
	case err == nil && r.ID != id:
		err = errOtherID
	}
	return r, err
}

var errOtherID = fmt.Errorf("%w: it has another id", tokenstore.ErrForeignRecord)

// unseal is unsealRecord that reports a foreign record.
func (m *Manager) unseal(op, id string, r tokenstore.Record) ([]byte, error) {
	plain, err := unsealRecord(m.seal, id, r)
	if err == nil {
		m.foreign.Delete(id)
		return plain, nil
	}
	err = recordError(op, id, err)
	m.reportForeign(id, r, err)
	return nil, err
}

// unsealRecord decrypts a record that was asked for by id. It is the only way to open one: what is sealed under another id, such
// as another tenant's record in this one's place, does not open.
func unsealRecord(seal tokenstore.Sealer, id string, r tokenstore.Record) ([]byte, error) {
	if r.ID != id {
		return nil, tokenstore.ErrForeignRecord
	}
	return seal.Open(id, r.Version, r.Data)
}

// recordError is sealError for a record that need not be a connection's.
func recordError(op, id string, err error) error {
	if k, ok := keyOf(id); ok {
		return sealError(op, k, err)
	}
	return &Error{Op: op, Kind: KindForeign, Err: fmt.Errorf("record %+.300q: %w", id, err)}
}

// maxDisorder is how many elements of a list may come in the wrong order or again. A store that begins its list again and
// again would never end.
const maxDisorder = 1000

// list is listRecords that reports a foreign record.
func (m *Manager) list(ctx context.Context, op string, store tokenstore.Store, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
	return func(yield func(tokenstore.Record, error) bool) {
		for r, err := range listRecords(ctx, store, prefix, before) {
			if err != nil {
				err = storeError(op, err)
				m.reportForeign(prefix+"*"+r.ID, r, err)
				r = tokenstore.Record{}
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// listRecords asks a store for records. It is the only caller of Store.List. A record outside of what was asked for comes with
// an error wrapping [tokenstore.ErrForeignRecord], after which the sequence goes on; any other error ends it. So does a store that yields
// too much in the wrong order.
func listRecords(ctx context.Context, store tokenstore.Store, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
	return func(yield func(tokenstore.Record, error) bool) {
		var last time.Time
		same, disorder := map[string]bool{}, 0 // ids that are due at last
		for r, err := range store.List(ctx, prefix, before) {
			if err != nil {
				yield(r, err)
				return
			}
			switch {
			case r.Due.After(last) && len(same) > fewIDs: // to clear a map takes as long as it was ever large
				same = map[string]bool{}
			case r.Due.After(last):
				clear(same)
			case r.Due.Before(last), same[r.ID]:
				disorder++
			}
			last, same[r.ID] = r.Due, true
			switch {
			case disorder > maxDisorder:
				yield(tokenstore.Record{}, errDisorder)
				return
			case strings.HasPrefix(r.ID, prefix) && (r.Due.Before(before) || before.Equal(afterAll)):
				if !yield(r, nil) {
					return
				}
			default:
				if !yield(r, fmt.Errorf("a list of %+.300q: %w: it does not belong there", prefix, tokenstore.ErrForeignRecord)) {
					return
				}
			}
		}
	}
}

const fewIDs = 64

var errDisorder = errors.New("the store's list is not in the order of due times, or repeats itself")

// maxReported is how many foreign records are remembered, so that each is told of once.
const maxReported = 4096

// told is a foreign record that an event has told of.
type told struct {
	id      string // that it has
	version uint64
}

// reportForeign tells of a record that is not the one that was asked for or does not open, once for each of its versions.
func (m *Manager) reportForeign(asked string, r tokenstore.Record, err error) {
	e := new(Error)
	if !errors.As(err, &e) || e.Kind != KindForeign {
		return
	}
	k, _ := keyOf(asked)
	asked = shortID(asked)
	is := told{shortID(r.ID), r.Version}
	was, known := m.foreign.Swap(asked, is)
	if known && was == is {
		return
	}
	if !m.observe(Event{Type: EventForeign, Key: k, Err: e}) {
		m.foreign.CompareAndDelete(asked, is) // the next look tells
		return
	}
	if !known && m.reported.Add(1) > maxReported {
		m.reported.Store(0)
		m.foreign.Clear()
	}
	m.logf(slog.LevelError, "the store has answered with a foreign record", "record", scrubber.Name(asked), "found", scrubber.Name(shortID(r.ID)), "error", e)
}

// shortID is as much of an id as is kept of one that a store has made up; no record has a longer one.
// shownID is one more than the greatest length of a record id.
const shownID = 256

func shortID(id string) string { return id[:min(len(id), shownID)] }
