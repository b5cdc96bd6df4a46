// Package storetest tests an implementation of [tokenstore.Store]. Each clause of the contract is a subtest on fresh data. The
// name of the subtest is the promise:
//
//	func TestTableKeepsTheContract(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) func() tokenstore.Store {
//			name := freshTable(t)
//			return func() tokenstore.Store { return Table{DB: connect(t), Name: name} }
//		})
//	}
//
// The clauses require nothing that the contract does not say. They accept a due time in any time zone. They accept every result
// for records that change while they are listed. They cannot test what survives a crash of the machine: the store needs its own
// test for that.
//
// If a store returns timelines ([tokenstore.TimelineStore]), the clauses send it other timelines and expect a conflict. If the
// first handle is also a [FailoverStore], a clause makes a failover under load. If the first handle is a [CountingStore], clauses
// check that its lists do not read many more records than they yield.
//
// # Errors
//
// Use [Clause.Check] if you need the results without a [testing.T]. Its error has no type. Its text is written for the author of
// the store.
//
//	error                                when                                                    what to do
//	of Clause.Check                      the store breaks the clause; the text says what it did  correct the store
//	of Clause.Check, begins with panic:  the store panicked; its stack is in the text            correct the store
//
// The tests of this package use stores that each have one fault.
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

// Run checks every clause as a subtest of t. The subtests run one after the other. The context of each has a limit of two
// minutes. Run returns no error: a broken clause fails its subtest.
//
// For each clause, Run calls open once. The parameter open prepares fresh, empty data and returns a function. Each call of that
// function returns one more handle on these data. If several processes may share the store, a handle must be as independent as
// that of another process. If the store lives in one process, the function returns the same handle every time. Both functions are
// called on the goroutine of the subtest, so both may use t.
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

// Clauses returns all clauses, in a new slice. The simple clauses come first: start with the first one that fails.
func Clauses() []Clause {
	return slices.Concat(recordClauses, saveClauses, deleteClauses, identityClauses, invalidClauses, timelineClauses, listClauses, readClauses, handleClauses,
		contextClauses, concurrencyClauses)
}

// Check tests one clause. It returns nil, or an error without a type that says how the store breaks the clause. Each call of open
// returns a handle on the same data, which must be empty at first. Check limits ctx to two minutes and passes it to the store. If
// the store then returns the error of ctx, the clause is broken. If the store panics, Check returns an error with the stack.
// Several Checks may run at the same time, each with its own data.
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
