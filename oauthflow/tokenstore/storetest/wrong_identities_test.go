package storetest_test

import (
	"context"
	"iter"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// wrongIdentities take one id for another.
func wrongIdentities() []wrong {
	const (
		asked   = "Load answers with the record that was asked for, however many there are"
		listed  = "List yields each record with its own id, version and data, however many there are"
		folded  = "Ids that differ by case are different records"
		blank   = "Ids that differ by blanks are different records"
		pattern = "Ids that are patterns of each other are different records"
		invalid = "What is no valid id finds no record"
	)
	return []wrong{
		{name: "another record than the one that was asked for", clause: asked, later: true, open: crowded(func(id string) string { return id + "0" })},
		{name: "another record under the id that was asked for", clause: asked, later: true, open: onCrowdedLoad(func(id string, r *tokenstore.Record) { r.ID = id })},
		{name: "another record's data", clause: asked, later: true, open: onCrowdedLoad(func(id string, r *tokenstore.Record) { r.ID, r.Version = id, 1 })},
		{name: "a list whose data are the next record's", clause: listed, later: true, open: onList(func(records []tokenstore.Record) []tokenstore.Record {
			for i := 50; i+1 < len(records); i++ {
				records[i].Data = records[i+1].Data
			}
			return records
		})},
		{name: "a list whose ids are the next record's", clause: listed, later: true, open: onList(func(records []tokenstore.Record) []tokenstore.Record {
			for i := 50; i+1 < len(records); i += 2 {
				records[i].ID, records[i+1].ID = records[i+1].ID, records[i].ID
			}
			return records
		})},
		{name: "a list whose versions are the first record's", clause: listed, later: true, open: onList(func(records []tokenstore.Record) []tokenstore.Record {
			if len(records) > 50 {
				records[50].Version = records[0].Version + 1
			}
			return records
		})},
		{name: "ids without regard to case", clause: folded, later: true, open: confusing(strings.ToLower)},
		{name: "ids without regard to case, returned as they were saved", clause: folded, later: true, open: likening(strings.EqualFold)},
		{name: "loads without regard to case", clause: folded, later: true, open: loading(strings.EqualFold)},
		{name: "deletions without regard to case", clause: folded, later: true, open: deleting(strings.EqualFold)},
		{name: "ids without trailing blanks", clause: blank, later: true, open: confusing(func(id string) string { return strings.TrimRight(id, " ") })},
		{name: "ids that are trimmed", clause: blank, later: true, open: confusing(strings.TrimSpace)},
		{name: "loads without trailing blanks", clause: blank, later: true, open: loading(func(a, b string) bool { return strings.TrimRight(a, " ") == strings.TrimRight(b, " ") })},
		{name: "loads with LIKE", clause: pattern, later: true, open: loading(like)},
		{name: "deletions with LIKE", clause: pattern, later: true, open: deleting(like)},
		{name: "loads by a glob pattern", clause: pattern, later: true, open: loading(func(asked, id string) bool { return like(strings.ReplaceAll(asked, "*", "%"), id) })},
		{name: "ids that end at a zero byte", clause: invalid, later: true, open: confusing(func(id string) string { id, _, _ = strings.Cut(id, "\x00"); return id })},
		{name: "ids without control characters", clause: invalid, later: true, open: confusing(func(id string) string {
			return strings.TrimRightFunc(id, unicode.IsControl)
		})},
		{name: "ids without accents", clause: invalid, later: true, open: confusing(func(id string) string { return strings.ReplaceAll(strings.ReplaceAll(id, "\u0301", ""), "ä", "a") })},
		{name: "ids in a form of compatibility", clause: invalid, later: true, open: confusing(strings.NewReplacer("\uff41", "a", "\u207f", "n").Replace)},
		{name: "ids in Unicode's simple folding", clause: invalid, later: true, open: confusing(strings.NewReplacer("\u212a", "k").Replace)},
		{name: "ids with what is no UTF-8 left out", clause: invalid, later: true, open: confusing(func(id string) string { return strings.ToValidUTF8(id, "") })},
		{name: "ids cut off at 255 bytes", clause: invalid, later: true, open: confusing(func(id string) string { return id[:min(len(id), 255)] })},
	}
}

func like(asked, id string) bool {
	return regexp.MustCompile("^" + strings.NewReplacer("%", ".*", "_", ".").Replace(regexp.QuoteMeta(asked)) + "$").MatchString(id)
}

// crowded asks for the record of another id, if that has one, once there are many.
func crowded(another func(id string) string) func() func() tokenstore.Store {
	return shared(func(b *bent) {
		b.load = func(ctx context.Context, id string) (tokenstore.Record, error) {
			if r, err := b.Store.Load(ctx, another(id)); err == nil && crowd(ctx, b.Store) {
				return r, nil
			}
			return b.Store.Load(ctx, id)
		}
	})
}

func onCrowdedLoad(change func(id string, r *tokenstore.Record)) func() func() tokenstore.Store {
	return shared(func(b *bent) {
		b.load = func(ctx context.Context, id string) (tokenstore.Record, error) {
			if r, err := b.Store.Load(ctx, id+"0"); err == nil && crowd(ctx, b.Store) {
				change(id, &r)
				return r, nil
			}
			return b.Store.Load(ctx, id)
		}
	})
}

// crowd reports whether there are more records than most clauses make.
func crowd(ctx context.Context, s tokenstore.Store) bool {
	records, _ := all(ctx, s, "", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))
	return len(records) > 50
}

// found returns the id of the first record, in the order of ids, that is like the one that is asked for; else that one.
func found(ctx context.Context, s tokenstore.Store, asked string, alike func(asked, id string) bool) string {
	records, _ := all(ctx, s, "", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))
	slices.SortFunc(records, func(a, b tokenstore.Record) int { return strings.Compare(a.ID, b.ID) })
	for _, r := range records {
		if alike(asked, r.ID) {
			return r.ID
		}
	}
	return asked
}

// loading loads the first record whose id is alike.
func loading(alike func(asked, id string) bool) func() func() tokenstore.Store {
	return shared(func(b *bent) {
		b.load = func(ctx context.Context, id string) (tokenstore.Record, error) {
			return b.Store.Load(ctx, found(ctx, b.Store, id, alike))
		}
	})
}

// deleting deletes every record whose id is alike.
func deleting(alike func(asked, id string) bool) func() func() tokenstore.Store {
	return shared(func(b *bent) {
		b.delete = func(ctx context.Context, id string, version uint64) error {
			err := b.Store.Delete(ctx, id, version)
			for err == nil {
				other := current(b.Store, found(ctx, b.Store, id, alike))
				if other.Version == 0 || b.Store.Delete(ctx, other.ID, other.Version) != nil {
					break
				}
			}
			return err
		}
	})
}

// likening takes ids that are alike for one, which keeps the form in which it was saved first.
func likening(alike func(asked, id string) bool) func() func() tokenstore.Store {
	return shared(func(b *bent) {
		b.load = func(ctx context.Context, id string) (tokenstore.Record, error) {
			return b.Store.Load(ctx, found(ctx, b.Store, id, alike))
		}
		b.save = func(ctx context.Context, r tokenstore.Record) error {
			r.ID = found(ctx, b.Store, r.ID, alike)
			return b.Store.Save(ctx, r)
		}
		b.delete = func(ctx context.Context, id string, version uint64) error {
			return b.Store.Delete(ctx, found(ctx, b.Store, id, alike), version)
		}
		b.list = func(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
			return b.Store.List(ctx, prefix, before)
		}
	})
}
