package fullcast_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// actors are all remedies but those of the org's admin.
var actors = map[fullcast.Remedy]fullcast.Actor{
	fullcast.Retry: fullcast.ActorNobody, fullcast.FixCode: fullcast.ActorProgrammer, fullcast.FixService: fullcast.ActorOperator,
}

func remedies() (all []fullcast.Remedy) {
	for r := fullcast.Retry; r.String() != ""; r++ {
		all = append(all, r)
	}
	return all
}

func TestEveryRemedyHasACodeOfItsOwnAnActorAndTheirWords(t *testing.T) {
	code, seen := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`), map[string]fullcast.Remedy{}
	program := regexp.MustCompile(`[A-Za-z]\.[A-Z]`)
	for _, r := range remedies() {
		for what, text := range map[string]string{"the code": r.ID(), "the sentence": r.String(), "the text for the admin": r.ForAdmin(egress)} {
			if was, twice := seen[text]; twice {
				t.Errorf("%s of %s is that of %s, too: %s", what, r.ID(), was.ID(), text)
			}
			seen[text] = r
		}
		if text := r.ForAdmin(nil); strings.Contains(text, "External Client App Manager") != strings.Contains(text, "(of a connected app: ") {
			t.Errorf("%s has the clicks of one kind of app alone: %s", r.ID(), text)
		}
		if r.Actor() == fullcast.ActorAdmin && program.MatchString(r.String()+" "+r.ForAdmin(nil)) { // a page shows both to the customer
			t.Errorf("%s names what is in a program: %s %s", r.ID(), r, r.ForAdmin(nil))
		}
		if !code.MatchString(r.ID()) {
			t.Errorf("the code %q", r.ID())
		}
		want, other := actors[r]
		if !other {
			want = fullcast.ActorAdmin
		}
		if r.Actor() != want {
			t.Errorf("%s is for %q, want %q", r.ID(), r.Actor(), want)
		}
		if text := r.ForAdmin(nil); other != strings.HasPrefix(text, "Nothing needs to be done in Salesforce") {
			t.Errorf("%s, which is for %q, has the text %q", r.ID(), r.Actor(), text)
		}
	}
	if len(seen) < 3*20 {
		t.Errorf("only %d texts", len(seen))
	}
	if none := fullcast.Remedy(0); none.Actor() != "" || none.ID() != "" || none.ForAdmin(egress) != "" {
		t.Error("the zero Remedy says something")
	}
	if none := fullcast.Remedy(255); none.Actor() != "" || none.String() != "" {
		t.Error("a Remedy that there is not says something")
	}
}

func TestAnErrorOfTheServiceIsNeverTheCustomers(t *testing.T) {
	w := newWorld(t, config{})
	for name, c := range map[string]struct {
		err  error
		want fullcast.Actor
	}{
		"a record sealed with another key": {&oauthflow.Error{Op: "open", Kind: oauthflow.KindForeign}, fullcast.ActorOperator},
		"a store that fails":               {&oauthflow.Error{Op: "load", Kind: oauthflow.KindStore, Err: errors.New("connection refused")}, fullcast.ActorOperator},
		"a call that is given up":          {&oauthflow.Error{Op: "load", Kind: oauthflow.KindStore, Err: context.Canceled}, fullcast.ActorNobody},
		"a store that was copied":          {&oauthflow.Error{Kind: oauthflow.KindStore, Err: oauthflow.ErrRelocated}, fullcast.ActorOperator},
		"a body that was read":             {&oauthflow.Error{Op: "request", Kind: oauthflow.KindInvalid, Err: oauthflow.ErrBodyRead}, fullcast.ActorProgrammer},
		"a closed manager":                 {&oauthflow.Error{Op: "manager", Kind: oauthflow.KindInvalid, Err: oauthflow.ErrClosed}, fullcast.ActorProgrammer},
		"a transport of its own":           {&oauthflow.Error{Op: "refresh", Kind: oauthflow.KindInDoubt, Err: oauthflow.ErrTransport}, fullcast.ActorOperator},
		"a malformed query":                {oauthflow.Refusal(400, "MALFORMED_QUERY", "unexpected token: FORM"), fullcast.ActorProgrammer},
		"a version that is not served":     {oauthflow.Refusal(404, "UNSUPPORTED_API_VERSION", "v12"), fullcast.ActorProgrammer},
		"a request that somebody refuses":  {&oauthflow.Error{Op: "request", Status: 400, Kind: oauthflow.KindUnknownAnswer}, fullcast.ActorProgrammer},
		"a row that another request holds": {oauthflow.Refusal(400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access"), fullcast.ActorNobody},
	} {
		e := &fullcast.Error{Op: "request", Key: main, Remedy: fullcast.RemedyFor(c.err, metadata.KindExternalClientApp), Err: c.err}
		if e.Actor() != c.want {
			t.Errorf("%s: %q is to act, want %q", name, e.Actor(), c.want)
		}
		if text := w.sf.ForAdmin(e); !strings.Contains(text, "Nothing needs to be done in Salesforce") {
			t.Errorf("%s: the customer is told %q", name, text)
		}
	}
}

// What the service passes in is its own to correct, not that of the person in front of the page.
func TestWhatTheServiceIsConfiguredOrCalledWithIsNeverTheCustomers(t *testing.T) {
	w := newWorld(t, config{})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	begin := func(b string) error {
		_, err := w.sf.Begin(t.Context(), main, fullcast.BeginOptions{Client: w.client(t, "Fullcast"), Binding: b})
		return err
	}
	_, noSite := fullcast.NewConnector(fullcast.Config{})
	for name, c := range map[string]struct {
		err  error
		want fullcast.Actor
	}{
		"an empty Site":   {noSite, fullcast.ActorOperator},
		"a short Binding": {begin("short"), fullcast.ActorProgrammer},
		"no Binding":      {begin(""), fullcast.ActorProgrammer},
	} {
		var e *fullcast.Error
		if !errors.As(c.err, &e) || e.Actor() != c.want {
			t.Errorf("%s: %v", name, c.err)
			continue
		}
		if text := w.sf.ForAdmin(c.err); !strings.Contains(text, "Nothing needs to be done in Salesforce") {
			t.Errorf("%s: the customer is told %q", name, text)
		}
	}
}
