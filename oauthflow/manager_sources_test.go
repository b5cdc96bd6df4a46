package oauthflow_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
)

func TestEachKeyHasOneSourceForAllCallers(t *testing.T) {
	m := rotating(t).manager()
	const keys, askers = 20_000, 8
	key := func(i int) oauthflow.Key {
		return oauthflow.Key{Tenant: fmt.Sprint("t", i/3), Name: fmt.Sprint("n", i%3)}
	}
	var got [askers][]*oauthflow.Source
	var all sync.WaitGroup
	for a := range askers {
		all.Go(func() {
			for i := range keys {
				got[a] = append(got[a], m.Source(key(i)))
			}
		})
	}
	all.Wait()
	seen := map[*oauthflow.Source]bool{}
	for i := range keys {
		s := m.Source(key(i))
		if seen[s] {
			t.Fatalf("key %d shares its source with another", i)
		}
		seen[s] = true
		for a := range askers {
			if got[a][i] != s {
				t.Fatalf("key %d has two sources", i)
			}
		}
	}
}
