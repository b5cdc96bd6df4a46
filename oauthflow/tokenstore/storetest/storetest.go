// Package storetest proves that an implementation keeps the contract of [tokenstore.Store]. Each clause of the contract is
// a subtest whose name is the promise, on fresh data:
//
//	func TestTableKeepsTheContract(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) func() tokenstore.Store {
//			name := freshTable(t)
//			return func() tokenstore.Store { return Table{DB: connect(t), Name: name} }
//		})
//	}
//
// The clauses ask for nothing that the contract does not say: they take a due time as an
// instant in whatever zone, and leave open what happens to records that change while they are listed. They cannot see
// what survives a crash of the machine; that, a store has to prove by itself.
//
// A store that tells timelines ([tokenstore.TimelineStore]) is asked to compare them, with timelines that are not its own. Where
// a handle is also a [FailoverStore], it is asked for a failover under load. One that is a [CountingStore] is asked whether its
// lists read more than they yield.
//
// # Errors
//
// [Clause.Check] is for who wants the answers without a [testing.T]. Its error has no type; the text is for the store's author.
//
//	error                                when                                                    what to do
//	of Clause.Check                      the store breaks the clause; the text says what it did  correct the store
//	of Clause.Check, begins with panic:  the store panicked; its stack is in the text            correct the store
//
// The package is itself tested with stores that are wrong in one way each.
package storetest

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// clauseTime is how long one clause may take on a slow store.
const clauseTime = 2 * time.Minute

// Run checks every clause as a subtest of t.
//
// For each, open prepares fresh, empty data and returns a function that opens one more handle on these data: where
// several processes may share a store, a handle as another process would have it. It is called several times, always on
// the goroutine of its subtest, so both may use t. A store that lives in one process returns the same handle again.
func Run(t *testing.T, open func(t *testing.T) func() tokenstore.Store) {
	for _, c := range Clauses() {
		t.Run(c.Name, func(t *testing.T) {
			if err := c.Check(t.Context(), open(t)); err != nil {
				t.Errorf("the store breaks this clause of tokenstore.Store:\n\t%s\n%v", c.Name, err)
			}
		})
	}
}

// A Clause is one promise of [tokenstore.Store].
type Clause struct {
	Name  string // the promise, a sentence without its full stop
	check func(*probe)
}

// Clauses returns all clauses, the simple ones first: what breaks first tells most.
func Clauses() []Clause {
	return slices.Concat(recordClauses, saveClauses, deleteClauses, identityClauses, invalidClauses, timelineClauses, listClauses, readClauses, handleClauses,
		contextClauses, concurrencyClauses)
}

// Check returns how the store breaks the clause, or nil. Each call of open returns a handle on the same data, which
// must be empty at first. A panic of the store is an error.
func (c Clause) Check(ctx context.Context, open func() tokenstore.Store) error {
	ctx, cancel := context.WithTimeout(ctx, clauseTime)
	defer cancel()
	return caught(func() { c.check(&probe{ctx: ctx, open: open}) })
}

// A failure travels as a panic from where a clause is found broken to [caught].
type failure struct{ error }

func failf(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }

// caught runs f and returns its failure, or its panic as an error.
func caught(f func()) (err error) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case failure:
			err = v.error
		default:
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	f()
	return nil
}
