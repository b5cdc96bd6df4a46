package oauthflow_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// unsafely has each test body run with a save that is made and said to be unsafe, and with one whose outcome is unknown.
func unsafely(t *testing.T, body func(t *testing.T, unsafe error)) {
	t.Helper()
	for _, unsafe := range []error{errTooFew, errStoreDown} {
		t.Run(unsafe.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { body(t, unsafe) })
		})
	}
}

// second has the second save from now on be unsafe: that of the result.
func second(unsafe error) func(int) error {
	return func(save int) error {
		if save == 2 {
			return unsafe
		}
		return nil
	}
}

func TestAnAnswerForAnotherUserIsToldAlsoWhenItsSaveWasUnsafe(t *testing.T) {
	unsafely(t, func(t *testing.T, unsafe error) {
		w, c := copying(t)
		e := newEventLog()
		m := w.manager(e.observe)
		before := w.connect(m, mainKey)
		s := m.Source(mainKey)
		dead := w.token(s)
		w.org.ExpireSessions()
		c.say(second(unsafe))
		w.wire.tap(nil, replaceIn(before.UserID[:15], "005TESTelsewher"))
		if _, err := s.Replace(t.Context(), dead); err == nil {
			t.Error("another user's token was handed out")
		}
		synctest.Wait()
		if n := e.count(oauthflow.EventUserChanged); n != 1 {
			t.Errorf("told %d times, want once", n)
		}
	})
}

func TestAConnectionThatIsBeingDisconnectedIsNotHandedOutForAnUnsafeResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c, s, dead := copied(t)
		other := w.manager()
		c.say(func(save int) error {
			if save != 2 {
				return nil
			}
			go func() {
				if err := w.org.Inject(orgtest.Fault{Path: revokeEndpoint, Status: 503}); err != nil {
					t.Error(err)
				}
				_ = other.Disconnect(t.Context(), mainKey)
			}()
			return errTooFew
		})
		if _, err := s.Replace(t.Context(), dead); err == nil {
			t.Error("a token of a connection that is being disconnected was handed out")
		}
	})
}

func TestALoginRevokesTheFormerTokenOnlyOnceItsOwnIsSafe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c := copying(t)
		m := w.manager()
		w.connect(m, mainKey)
		former := w.backup().restored(t)
		back := w.begin(m, mainKey)
		c.say(always(errTooFew))
		if _, err := m.Complete(t.Context(), back); err == nil {
			t.Error("Complete says that the connection is stored")
		}
		time.Sleep(time.Minute)
		c.say(nil)
		c.failOver(former)
		if err := w.manager().Renew(t.Context(), mainKey); err != nil {
			t.Errorf("the connection that was there before: %v", err)
		}
	})
}

func TestADisconnectionWhoseTombstoneIsUnsafeIsToldAndGivesItsAdoptedTokenFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, c := copying(t)
		e := newEventLog()
		m := w.manager(e.observe)
		if _, err := m.Adopt(t.Context(), mainKey, w.client(), w.inherited()); err != nil {
			t.Fatal(err)
		}
		c.say(second(errTooFew))
		if err := m.Disconnect(t.Context(), mainKey); kindOf(err) != oauthflow.KindStore {
			t.Errorf("Disconnect: %v, want an error of the store", err)
		}
		if err := m.Disconnect(t.Context(), mainKey); err != nil {
			t.Errorf("again: %v", err)
		}
		synctest.Wait()
		if n := e.count(oauthflow.EventRevoked); n != 1 {
			t.Errorf("told %d times, want once", n)
		}
		if left := w.records("adopted/"); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
	})
}
