package turns_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow/internal/turns"
)

// order has everything that waits take its turn, one after the other, and returns the items.
func order(q *turns.Turns[string]) (all []string) {
	for {
		tenant, item, ok := q.Next()
		if !ok {
			return all
		}
		q.Done(tenant)
		all = append(all, item)
	}
}

func TestTenantsTakeTurnsAndEachOfOneTenantInTheOrderInWhichTheyCame(t *testing.T) {
	q := turns.New[string](1, 1)
	for _, item := range []string{"a1", "a2", "a3", "b1", "b2", "c1"} {
		q.Add(item[:1], item)
	}
	if got, want := order(q), []string{"a1", "b1", "c1", "a2", "b2", "a3"}; !slices.Equal(got, want) {
		t.Errorf("turns %v, want %v", got, want)
	}
}

func TestNoMoreHaveAPlaceThanThereAreAndOfOneTenantOnlyItsPart(t *testing.T) {
	q := turns.New[string](3, 2)
	for _, item := range []string{"a1", "a2", "a3", "b1", "b2"} {
		q.Add(item[:1], item)
	}
	var got []string
	for {
		_, item, ok := q.Next()
		if !ok {
			break
		}
		got = append(got, item)
	}
	if want := []string{"a1", "b1", "a2"}; !slices.Equal(got, want) || q.Running() != 3 || q.Waiting() != 2 {
		t.Errorf("places for %v, %d at work, %d wait; want %v, 3 and 2", got, q.Running(), q.Waiting(), want)
	}
	q.Done("b")
	if _, item, ok := q.Next(); !ok || item != "b2" {
		t.Errorf("the place that is free went to %q, want b2: a has its part", item)
	}
	q.Done("a")
	if _, item, ok := q.Next(); !ok || item != "a3" {
		t.Errorf("the place that is free went to %q, want a3", item)
	}
}

func TestWhoLeavesIsTakenOutAndTheOthersKeepTheirOrder(t *testing.T) {
	q := turns.New[string](1, 1)
	for _, item := range []string{"a1", "a2", "b1", "c1", "c2"} {
		q.Add(item[:1], item)
	}
	if !q.Remove("a", "a1") || !q.Remove("b", "b1") || !q.Remove("c", "c1") {
		t.Error("an item that waits is not found")
	}
	if q.Remove("b", "b1") {
		t.Error("an item that has left is found")
	}
	if got, want := order(q), []string{"a2", "c2"}; !slices.Equal(got, want) {
		t.Errorf("turns %v, want %v", got, want)
	}
	q.Add("a", "a1")
	if _, item, ok := q.Next(); !ok || item != "a1" {
		t.Errorf("an item that comes again has %q, want its turn", item)
	}
	if q.Remove("a", "a1") {
		t.Error("an item that has a place can leave the queue")
	}
}

// Whatever comes, leaves and ends: the choice is that of a model, which keeps one list and searches it.
func TestEveryChoiceIsThatOfAPlainModel(t *testing.T) {
	type waiting struct{ tenant, item string }
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		places := 1 + r.IntN(6)
		perTenant := 1 + r.IntN(places)
		q := turns.New[string](places, perTenant)
		var line []waiting // in the order in which they came
		var tenants []string
		busy, running := map[string]int{}, []string{}
		for step := range 400 {
			tenant := fmt.Sprint(r.IntN(4))
			switch r.IntN(6) {
			case 0, 1:
				item := fmt.Sprint(step)
				q.Add(tenant, item)
				if line = append(line, waiting{tenant, item}); !slices.Contains(tenants, tenant) {
					tenants = append(tenants, tenant)
				}
			case 2:
				if len(line) > 0 {
					i := r.IntN(len(line))
					out := line[i]
					line = slices.Delete(line, i, i+1)
					if !q.Remove(out.tenant, out.item) {
						t.Fatalf("seed %d, step %d: %v waits and cannot leave", seed, step, out)
					}
				}
			case 3:
				if len(running) > 0 {
					q.Done(running[0])
					busy[running[0]]--
					running = running[1:]
				}
			case 5:
				want := len(line) == 0 && len(running) < places && busy[tenant] < perTenant
				if got := q.Take(tenant); got != want {
					t.Fatalf("seed %d, step %d: %s takes a place: %v, want %v", seed, step, tenant, got, want)
				}
				if want {
					busy[tenant]++
					running = append(running, tenant)
				}
			case 4:
				want := waiting{}
				for _, tenant := range tenants {
					i := slices.IndexFunc(line, func(w waiting) bool { return w.tenant == tenant })
					if len(running) < places && i >= 0 && busy[tenant] < perTenant {
						want = line[i]
						line = slices.Delete(line, i, i+1)
						break
					}
				}
				who, item, ok := q.Next()
				if (waiting{who, item}) != want || ok != (want.item != "") {
					t.Fatalf("seed %d, step %d: %s's %q, want %v", seed, step, who, item, want)
				}
				if ok {
					busy[who]++
					running = append(running, who)
					tenants = append(slices.DeleteFunc(tenants, func(tenant string) bool { return tenant == who }), who)
				}
			}
			tenants = slices.DeleteFunc(tenants, func(tenant string) bool {
				return !slices.ContainsFunc(line, func(w waiting) bool { return w.tenant == tenant })
			})
			if q.Waiting() != len(line) || q.Running() != len(running) {
				t.Fatalf("seed %d, step %d: %d wait and %d have a place, want %d and %d", seed, step, q.Waiting(), q.Running(), len(line), len(running))
			}
		}
	}
}

func TestNoMoreThanWereToldHaveTheirTurnBefore(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 500 {
		q := turns.New[string](1, 1)
		for i := range r.IntN(40) {
			q.Add(fmt.Sprint(r.IntN(5)), fmt.Sprint(i))
		}
		tenant := fmt.Sprint(r.IntN(6))
		told := q.Ahead(tenant)
		q.Add(tenant, "mine")
		if before := slices.Index(order(q), "mine"); before > told {
			t.Fatalf("%d had their turn before, %d were told", before, told)
		}
	}
	q := turns.New[string](1, 1)
	for i := range 100 {
		q.Add("many", fmt.Sprint(i))
	}
	if n := q.Ahead("one"); n != 1 {
		t.Errorf("%d are told to be ahead of another tenant's first, want 1", n)
	}
	if n := q.Ahead("many"); n != 100 {
		t.Errorf("%d are told to be ahead of the same tenant's next, want 100", n)
	}
}

func TestATurnIsForeseenByHowFastTheQueueHasMoved(t *testing.T) {
	for _, tt := range []struct {
		ahead, served int
		waited, want  time.Duration
	}{
		{ahead: 4999, served: 3000, waited: time.Minute, want: 40 * time.Second},
		{ahead: 9, served: 9, waited: 9 * time.Second, want: time.Second},
		{ahead: 5, served: 50, waited: 50 * time.Second, want: time.Second}, // it is nobody's fault but the estimate's
		{ahead: 5, served: 0, waited: time.Minute, want: 0},
	} {
		if got := turns.Until(tt.ahead, tt.served, tt.waited); got != tt.want {
			t.Errorf("%d of %d served in %v: %v, want %v", tt.served, tt.ahead, tt.waited, got, tt.want)
		}
	}
}
