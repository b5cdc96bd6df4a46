package tokenstore

import (
	"context"
	"iter"
	"time"
)

// Store keeps records. Many goroutines and processes use it at the same time. A Store needs no locks across calls, and it handles
// no secrets and no protocol. Correctness depends on one property: Save and Delete compare versions atomically. Package storetest
// tests an implementation.
//
// A Store compares ids byte by byte. Two ids that differ in case, in blanks or in length are two different records. An id that
// breaks the rules of [Record] has no record: Load and Delete return an error for it, and the Store decides which one. A Manager
// uses no record whose id differs from the id that it asked for; see [ErrForeignRecord].
//
// When ctx is done, every method soon returns an error that wraps ctx.Err(). The operation may or may not have happened; call
// Load to find out. Every error that is not named here means that the Store does not work at the moment.
type Store interface {
	// Load returns the record that the last successful Save stored, including a Save by another process. If there is no such
	// record, Load returns an error that wraps [ErrNotFound]; then only the Timeline of the returned Record has a meaning. The
	// caller owns the returned data and may change it.
	Load(ctx context.Context, id string) (Record, error)

	// Save stores r with Version+1 if the stored version equals r.Version. Version 0 means that no such record may exist. Save
	// compares and stores in one atomic step. If the versions differ, Save changes nothing and returns an error that wraps
	// [ErrConflict]. When Save returns nil, the record survives the end of the process. It also survives the end of the machine
	// if the Store promises that. Save keeps no reference to r.Data and does not change it.
	//
	// If Load of a Store returns a Timeline, Save of that Store compares r.Timeline with the present timeline in the same atomic
	// step. If they differ, Save returns an error that wraps [ErrConflict]. An empty r.Timeline is not compared. The reason is a
	// failover that loses writes: after it, a version number can come again with other content. A Store without timelines ignores
	// r.Timeline.
	//
	// An error that wraps [ErrNotDurable] means that the change is made, but a failover may undo it. A Manager sends no refresh
	// token after such a Save.
	//
	// After a Delete, the id may be saved again with Version 0. If a record breaks the rules of [Record], Save changes nothing
	// and returns an error that wraps [ErrInvalidRecord]. [Record.Validate] returns that error.
	Save(ctx context.Context, r Record) error

	// Delete removes the record if the stored version equals version. Otherwise it changes nothing and returns an error that
	// wraps [ErrConflict], also when there is no such record. If many callers delete the same version, exactly one gets nil.
	// [ErrNotDurable] means the same as in Save.
	Delete(ctx context.Context, id string, version uint64) error

	// List yields the records whose id begins with prefix and whose Due is earlier than before. The record with the earliest Due
	// comes first. An empty prefix selects all ids. If before is later than the year 9999, there is no bound: List then yields a
	// record whatever Due is stored, because the seal does not protect Due.
	//
	// List is not a snapshot. If a record changes during the iteration, List may leave it out or yield its old state. The body of
	// the loop may call the Store. An error ends the sequence.
	List(ctx context.Context, prefix string, before time.Time) iter.Seq2[Record, error]
}

// TimelineStore is a [Store] whose Load returns timelines. Such a Store must have the method DeleteIn. Example: a Delete waits
// for a connection during a failover. After the failover another record may have the same version, and a plain Delete would
// remove it. A type that wraps a TimelineStore must pass DeleteIn on. If a Store has no DeleteIn, a Manager calls Delete.
type TimelineStore interface {
	Store

	// DeleteIn does what Delete does, and also compares timeline with the present timeline of the Store, in the same atomic step
	// as the version. The parameter timeline is the [Record.Timeline] that Load returned. If the timelines differ, DeleteIn
	// returns an error that wraps [ErrConflict]. An empty timeline is not compared.
	DeleteIn(ctx context.Context, timeline, id string, version uint64) error
}

// PooledStore is a [Store] that reports how many calls it can run at the same time. A type that wraps a PooledStore must pass
// Pool on.
type PooledStore interface {
	Store

	// Pool returns how many calls the Store can run at the same time in this process, for example the size of the connection
	// pool. 0 means that there is no limit. A Manager calls Pool once, when it is created. For 0 a Manager uses 16, and for more
	// than 1024 it uses 1024.
	Pool() int
}
