package oauthflow_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// suspendedFor is a connection whose fresh JWTs have been refused until it was suspended.
func (w *world) suspendedFor(f *far, e *eventLog) (*oauthflow.Source, *http.Client) {
	w.t.Helper()
	f.say(refuseJWTs)
	w.issued("JWT", f)
	s := w.manager(e.observe).Source(mainKey)
	client := &http.Client{Transport: s.Transport(f)}
	for began := time.Now(); ; time.Sleep(time.Minute) {
		if _, err := client.Get(w.org.InstanceURL() + apiPath); err != nil {
			wantKind(w.t, err, oauthflow.KindFreshRefused)
		}
		if synctest.Wait(); e.count(oauthflow.EventSuspended) > 0 {
			return s, client
		}
		if time.Since(began) > time.Hour {
			w.t.Fatal("it was not suspended within an hour")
		}
	}
}

func (w *world) status() oauthflow.Status {
	w.t.Helper()
	now, err := w.manager().Load(w.t.Context(), mainKey)
	if err != nil {
		w.t.Fatal(err)
	}
	if fault := now.Fault; (fault != nil) != (now.Status != oauthflow.StatusActive) ||
		fault != nil && !strings.Contains(fault.Sentence(), "JWT") {
		w.t.Errorf("it is %s, and its fault %v", now.Status, fault)
	}
	return now.Status
}

func TestAConnectionWhoseFreshJWTsAreRefusedStaysSuspendedUntilOneIsAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, e := &far{}, newEventLog()
		w := newWorld(t, orgtest.Config{RotateRefreshTokens: true})
		_, client := w.suspendedFor(f, e)
		sent := w.wire.refreshes()
		for minute := range 120 {
			if is := w.status(); is != oauthflow.StatusSuspended {
				t.Fatalf("after %d minutes and %d refreshes it is %s", minute, w.wire.refreshes()-sent, is)
			}
			_, err := client.Get(w.org.InstanceURL() + apiPath)
			wantKind(t, err, oauthflow.KindFreshRefused)
			time.Sleep(time.Minute)
		}
		if n := w.wire.refreshes() - sent; n < 3 || n > 10 {
			t.Errorf("%d refreshes within two hours, want some and few", n)
		}
		f.say(nil)
		time.Sleep(time.Hour)
		resp, err := client.Get(w.org.InstanceURL() + apiPath)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		synctest.Wait()
		if is := w.status(); is != oauthflow.StatusActive {
			t.Errorf("afterwards it is %s", is)
		}
		if s, r := e.count(oauthflow.EventSuspended), e.count(oauthflow.EventRepaired); s != 1 || r != 1 {
			t.Errorf("told %d times of the suspension and %d times of its end, want once each", s, r)
		}
	})
}

func TestATokenThatAnotherProcessSeesAcceptedEndsTheSuspensionAndItsPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{}
		w := newWorld(t, orgtest.Config{RotateRefreshTokens: true})
		s, _ := w.suspendedFor(f, newEventLog())
		f.say(nil)
		resp, err := (&http.Client{Transport: w.manager().Source(mainKey).Transport(f)}).Get(w.org.InstanceURL() + apiPath)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		synctest.Wait()
		if is := w.status(); is != oauthflow.StatusActive {
			t.Errorf("it is %s", is)
		}
		if _, err := s.TokenContext(t.Context()); err != nil {
			t.Errorf("the first process still waits: %v", err)
		}
	})
}

// A caller with a transport of its own tells of no token that is accepted.
func TestASuspensionEndsWithARefreshOfATokenThatWasGoodForSomething(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{}
		w := newWorld(t, orgtest.Config{RotateRefreshTokens: true})
		s, client := w.suspendedFor(f, newEventLog())
		var fresh *oauthflow.Error
		for {
			_, err := client.Get(w.org.InstanceURL() + apiPath)
			if sent := w.wire.refreshes(); errors.As(err, &fresh) && fresh.Op == "request" && sent > 0 {
				break // it has a new one
			}
			time.Sleep(time.Minute)
		}
		if is := w.status(); is != oauthflow.StatusSuspended {
			t.Errorf("with a new token it is %s", is)
		}
		time.Sleep(time.Hour) // its pause is over
		if _, err := s.Replace(t.Context(), w.token(s)); err != nil {
			t.Fatal(err)
		}
		if is := w.status(); is != oauthflow.StatusActive {
			t.Errorf("afterwards it is %s", is)
		}
	})
}

// An earlier version left the fault where a token was accepted in its pause.
func TestARefreshEndsASuspensionThatAnAcceptedTokenHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &far{}
		w := newWorld(t, orgtest.Config{RotateRefreshTokens: true})
		v := w.unlocked()
		_, client := w.suspendedFor(f, newEventLog())
		v.change(w.store, mainRecord, func(fields map[string]any) { fields["Refusing"] = false })
		f.say(nil)
		time.Sleep(time.Hour)
		resp, err := client.Get(w.org.InstanceURL() + apiPath)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		synctest.Wait()
		if is := w.status(); is != oauthflow.StatusActive {
			t.Errorf("it is %s", is)
		}
	})
}
