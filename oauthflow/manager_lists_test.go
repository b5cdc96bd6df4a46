package oauthflow_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// listNotes is a store that notes what it is asked to list.
type listNotes struct {
	tokenstore.Store

	mu     sync.Mutex
	before map[string][]time.Time // by prefix
}

func (s *listNotes) List(ctx context.Context, prefix string, before time.Time) iter.Seq2[tokenstore.Record, error] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.before == nil {
		s.before = map[string][]time.Time{}
	}
	s.before[prefix] = append(s.before[prefix], before)
	return s.Store.List(ctx, prefix, before)
}

// A store that goes through its records to list them, as one of files does, does so once.
func TestASweepIsOneList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		w.connect(w.manager(), mainKey)
		w.begin(w.manager(), mainKey)
		notes := &listNotes{Store: w.store}
		w.store = notes
		w.keptAlive(20*time.Second, w.manager()) // the pause after the first one is longer
		if n := fmt.Sprint(len(notes.before), len(notes.before[""])); n != "1 1" {
			t.Errorf("a sweep lists %v", notes.before)
		}
	})
}

func TestTheRecordsThatAreNoConnectionsStandBehindAllConnectionsInAList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		if _, err := w.manager().Adopt(t.Context(), mainKey, w.client(), w.inherited()); err != nil {
			t.Fatal(err)
		}
		notes := &listNotes{Store: w.store}
		w.store = notes
		m := w.manager()
		for _, err := range m.List(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
		}
		var last time.Time
		for r, err := range w.store.(*listNotes).Store.List(t.Context(), "connection/", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)) {
			if err != nil {
				t.Fatal(err)
			}
			last = r.Due
		}
		claims := 0
		for r, err := range notes.Store.List(t.Context(), "adopted/", time.Date(9999, 12, 31, 23, 0, 0, 0, time.UTC)) {
			if err != nil {
				t.Fatal(err)
			}
			claims++
			if lists := notes.before["connection/"]; len(lists) != 1 || last.IsZero() || !r.Due.After(last) {
				t.Errorf("List makes %d lists; the last connection is due %v, and the adoption of a refresh token %v", len(lists), last, r.Due)
			}
		}
		if claims != 1 {
			t.Errorf("%d adoptions, want 1", claims)
		}
		keys, err := tokenstore.NewKeyring(tokenstore.GenerateSealingKey("next"), w.sealing)
		if err != nil {
			t.Fatal(err)
		}
		total := 0
		if err := w.manager(func(c *oauthflow.ManagerConfig) { c.Keyring = keys }).Reseal(t.Context(), func(_, n int) { total = n }); err != nil || total != 2 {
			t.Errorf("Reseal: %d records and %v, want the connection and the adoption", total, err)
		}
	})
}

// Records of the former layout: an adoption was due when a connection that nobody has to look at is.
func TestARecordThatIsNoConnectionIsNotTakenForOneWheneverItIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rotating(t)
		w.connect(w.manager(), mainKey)
		for _, id := range []string{"adopted/a", "subject/b", "another/c"} {
			for _, due := range []time.Time{time.Now().Add(-time.Hour), time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)} {
				r := tokenstore.Record{ID: id + due.Format("2006"), Due: due, Data: []byte("sealed")}
				if err := w.store.Save(t.Context(), r); err != nil {
					t.Fatal(err)
				}
			}
		}
		m := w.manager()
		var got []string
		for c, err := range m.List(t.Context(), "") {
			got = append(got, fmt.Sprint(c.Key, err))
		}
		if want := fmt.Sprint(mainKey, error(nil)); strings.Join(got, ", ") != want {
			t.Errorf("List: got %q, want %q", got, want)
		}
		w.keptAlive(10*time.Minute, m)
		if n := len(w.records("")) - len(w.records("connection/")); n < 6 {
			t.Errorf("the keep-alive leaves %d of 6 records that it knows nothing about", n)
		}
	})
}
