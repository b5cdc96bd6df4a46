package tokenstore

import (
	"context"
	"iter"
	"time"
)

// Store keeps records for many goroutines and processes at once. It holds no locks, no secrets and no protocol: all
// correctness rests on Save and Delete comparing versions. Package storetest proves an implementation.
//
// Ids are compared byte by byte: two that differ by case, by blanks or in length have nothing to do with each other, and what is
// no valid id has no record. A [Manager] uses no record that has another id than the one that it asked for; see
// [ErrForeignRecord].
//
// Every method returns ctx's error soon after ctx is done; what it was doing then may have happened or not, and the
// caller finds out by loading. Other errors than the ones named mean that the store cannot be used at the moment.
type Store interface {
	// Load returns the record as the last successful Save left it, also one of another process, or an error wrapping
	// [ErrNotFound], with which only Timeline means something. The caller owns the data it gets.
	Load(ctx context.Context, id string) (Record, error)

	// Save stores r with Version+1 if the stored version equals r.Version (0: if there is no such record), in one
	// atomic step, and else returns an error wrapping [ErrConflict] and changes nothing. When it returns nil, the
	// record survives the end of the process and, where the store promises so, of the machine. It keeps no
	// reference to r.Data.
	//
	// A store whose Load tells a timeline compares r.Timeline, unless it is empty, with its present one in the same atomic
	// step, and returns an error wrapping [ErrConflict] when they differ: after a failover that lost writes, a version may
	// come again with other content. A store that tells none ignores r.Timeline.
	//
	// An error wrapping [ErrNotDurable] says that the change is made, and that a failover may undo it. A Manager sends no
	// refresh token on the strength of such a save.
	//
	// An id whose record was deleted may be saved again with Version 0. A record that breaks the rules of [Record] is refused
	// with an error wrapping [ErrInvalidRecord], which [Record.Validate] returns, and changes nothing.
	Save(ctx context.Context, r Record) error

	// Delete removes the record if its version equals version, and else returns an error wrapping [ErrConflict],
	// also when there is no such record. Of many callers with the same version, one gets nil. [ErrNotDurable] is as with
	// Save.
	Delete(ctx context.Context, id string, version uint64) error

	// List yields the records whose id begins with prefix and whose Due is before the given time, the earliest first. A time
	// after the year 9999 is no bound: then a record is listed whatever Due is stored, since no seal covers it.
	// It is no snapshot: a record that changes meanwhile may be left out or be old. The loop's body may use the store.
	// An error ends the sequence.
	List(ctx context.Context, prefix string, before time.Time) iter.Seq2[Record, error]
}

// TimelineStore is a [Store] whose Load tells timelines. Such a store must have this method, too: a Delete that waits for a
// connection while a failover happens would remove what has come to the same version in the new history. A type that wraps
// a store passes the method on; a Manager uses Delete where it is missing.
type TimelineStore interface {
	Store

	// DeleteIn is Delete that also compares timeline, the [Record.Timeline] with which the record was loaded, with the
	// store's present one, in the same atomic step as the version. It returns an error wrapping [ErrConflict] when they
	// differ. An empty timeline is no claim.
	DeleteIn(ctx context.Context, timeline, id string, version uint64) error
}

// PooledStore is a [Store] that can tell how many calls it serves at once. A type that wraps a store passes the method on.
type PooledStore interface {
	Store

	// Pool returns how many calls the store can have under way at once in this process, such as the size of a database's pool of
	// connections; 0 where there is no limit. A [Manager] asks when it is made.
	Pool() int
}
