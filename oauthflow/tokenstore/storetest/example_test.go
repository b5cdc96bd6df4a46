package storetest_test

import (
	"context"
	"flag"
	"fmt"
	"testing"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/storetest"
)

// careless is a store of which Save compares no versions.
type careless struct{ *tokenstore.Memory }

func (c careless) Save(ctx context.Context, r tokenstore.Record) error {
	if stored, err := c.Load(ctx, r.ID); err == nil {
		r.Version = stored.Version
	}
	return c.Memory.Save(ctx, r)
}

// All that a service writes to prove its own store; NewMemory stands for opening it.
func ExampleRun() {
	TestMyStore := func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) func() tokenstore.Store {
			s := tokenstore.NewMemory()                 // fresh data for each subtest
			return func() tokenstore.Store { return s } // one more handle on them
		})
	}
	fmt.Println(goTest("TestMyStore", TestMyStore))
	// Output: ok
}

// goTest runs a test as the go command does. It shows only what fails, also where all is to be shown of the tests around it.
func goTest(name string, test func(*testing.T)) string {
	verbose := flag.Lookup("test.v").Value
	before := fmt.Sprint(verbose.(flag.Getter).Get())
	defer func() { _ = verbose.Set(before) }()
	_ = verbose.Set("false")
	if testing.RunTests(func(_, _ string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: name, F: test}}) {
		return "ok"
	}
	return "FAIL"
}

// The names of the clauses are the contract of a store, in short.
func ExampleClauses() {
	for _, c := range storetest.Clauses()[:3] {
		fmt.Println(c.Name)
	}
	// Output:
	// Fresh data hold no record
	// Load returns the record as Save left it, with the version one higher
	// Load of an id without a record returns an error wrapping ErrNotFound
}

// Outside of go test, each clause can be checked by itself.
func ExampleClause_Check() {
	broken := 0
	for _, c := range storetest.Clauses() {
		s := careless{tokenstore.NewMemory()}
		if err := c.Check(context.Background(), func() tokenstore.Store { return s }); err != nil {
			if broken == 0 {
				fmt.Println(c.Name + ":")
				fmt.Println(err)
			}
			broken++
		}
	}
	fmt.Println("more broken clauses:", broken > 1)
	// Output:
	// Save with version 0 refuses an id that has a record:
	// Save of {"connection/acme/main" version 0 due 2026-07-14T09:30:00Z data "second"}: got <nil>, want an error wrapping ErrConflict
	// more broken clauses: true
}
