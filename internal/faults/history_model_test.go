package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// call is one call of a store, as its caller made it.
type call struct {
	op      string // "load", "save" or "delete"
	id      string
	version uint64
	data    string
}

// answer is what the caller got.
type answer struct {
	record  held
	outcome string // "ok", "conflict", "missing" or "unknown": ended by its context, or failed
}

// held is what a store holds under one id; the zero value is nothing.
type held struct {
	version uint64
	data    string
}

// registers is the specification of a Store: each id is a register that is compared and swapped by its version. A call
// whose end is unknown has happened or not.
var registers = porcupine.NondeterministicModel{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byID := map[string][]porcupine.Operation{}
		for _, o := range history {
			id := o.Input.(call).id
			byID[id] = append(byID[id], o)
		}
		var parts [][]porcupine.Operation
		for _, part := range byID {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() []any { return []any{held{}} },
	Step: func(state, input, output any) []any {
		was, c, r := state.(held), input.(call), output.(answer)
		next, outcome, seen := was, "ok", held{}
		switch {
		case c.op == "load" && was.version == 0:
			outcome = "missing"
		case c.op == "load":
			seen = was
		case c.version != was.version || c.op == "delete" && was.version == 0:
			outcome = "conflict"
		case c.op == "save":
			next = held{c.version + 1, c.data}
		default:
			next = held{}
		}
		switch {
		case r.outcome == "unknown" && next != was:
			return []any{was, next}
		case r.outcome == "unknown":
			return []any{was}
		case r.outcome == outcome && r.record == seen:
			return []any{next}
		}
		return nil
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%v: %v", input, output) },
}

// traffic is how hard a history's stores are used.
type traffic struct {
	clients, each, ids int
	ended              float64 // share of the calls whose context ends early
	broken             bool    // any call may fail: it has happened or not
}

// history has the clients use the stores, several handles of the same records, and returns what they saw.
func history(l traffic, stores ...tokenstore.Store) ([]porcupine.Operation, error) {
	var (
		all   sync.WaitGroup
		mu    sync.Mutex
		ops   []porcupine.Operation
		fault error
		began = time.Now()
	)
	for client := range l.clients {
		all.Go(func() {
			known := map[string]uint64{} // the versions this client has seen last
			for n := range l.each {
				c := call{op: "load", id: "connection/history/" + strconv.Itoa(rand.IntN(l.ids))}
				switch p := rand.IntN(10); {
				case p < 5:
					c.op, c.data = "save", fmt.Sprintf("%d/%d", client, n)
				case p < 6:
					c.op = "delete"
				}
				if c.version = known[c.id]; rand.IntN(10) == 0 && c.version > 0 {
					c.version--
				}
				start := time.Since(began)
				r, err := do(stores[client%len(stores)], c, rand.Float64() < l.ended)
				if l.broken {
					err = nil
				}
				end := time.Since(began)
				if r.outcome == "unknown" { // it may happen at any time from now on
					end = time.Hour
				}
				switch {
				case c.op == "load" && r.outcome != "unknown":
					known[c.id] = r.record.version
				case c.op == "save" && r.outcome == "ok":
					known[c.id] = c.version + 1
				case c.op == "delete" && r.outcome == "ok":
					known[c.id] = 0
				}
				mu.Lock()
				fault = errors.Join(fault, err)
				ops = append(ops, porcupine.Operation{ClientId: client, Input: c, Output: r, Call: int64(start), Return: int64(end)})
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return ops, fault
}

// do makes one call; an error is one that no store may return here.
func do(s tokenstore.Store, c call, ends bool) (answer, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if ends {
		time.AfterFunc(time.Duration(rand.IntN(200))*time.Microsecond, cancel)
	}
	var r tokenstore.Record
	var err error
	switch c.op {
	case "load":
		r, err = s.Load(ctx, c.id)
	case "save":
		err = s.Save(ctx, tokenstore.Record{ID: c.id, Version: c.version, Due: time.Unix(2e9, 0), Data: []byte(c.data)})
	default:
		err = s.Delete(ctx, c.id, c.version)
	}
	switch {
	case err == nil && c.op == "load":
		return answer{held{r.Version, string(r.Data)}, "ok"}, nil
	case err == nil:
		return answer{outcome: "ok"}, nil
	case errors.Is(err, tokenstore.ErrNotFound):
		return answer{outcome: "missing"}, nil
	case errors.Is(err, tokenstore.ErrConflict):
		return answer{outcome: "conflict"}, nil
	case ends && errors.Is(err, context.Canceled):
		return answer{outcome: "unknown"}, nil
	}
	return answer{outcome: "unknown"}, fmt.Errorf("%s %s: %w", c.op, c.id, err)
}
