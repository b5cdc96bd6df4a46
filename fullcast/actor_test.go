package fullcast_test

import (
	"errors"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
)

func TestEveryRemedyHasOneWhoActs(t *testing.T) {
	want := map[fullcast.Remedy]fullcast.Actor{
		fullcast.Retry: fullcast.ActorNobody, fullcast.Reauthorize: fullcast.ActorAdmin, fullcast.AdminFixesApp: fullcast.ActorAdmin,
		fullcast.AdminFixesPolicy: fullcast.ActorAdmin, fullcast.FixConfiguration: fullcast.ActorAdmin, fullcast.RecreateApp: fullcast.ActorAdmin,
		fullcast.Migrate: fullcast.ActorAdmin, fullcast.ContactCSM: fullcast.ActorAdmin, fullcast.FixCode: fullcast.ActorProgrammer,
		fullcast.FixService: fullcast.ActorOperator,
	}
	all := 0
	for r := fullcast.Retry; r.String() != ""; r++ {
		all++
		if r.Actor() == "" || r.Actor() != want[r] {
			t.Errorf("%q is for %q, want %q", r, r.Actor(), want[r])
		}
	}
	if all != len(want) {
		t.Errorf("there are %d remedies, want %d", all, len(want))
	}
	if a := fullcast.Remedy(0).Actor(); a != "" {
		t.Errorf("nobody knows what to do, and %q does it", a)
	}
}

func TestAnErrorSaysWhoActs(t *testing.T) {
	foreign := &oauthflow.Error{Op: "open", Kind: oauthflow.KindForeign}
	for _, c := range []struct {
		err  *fullcast.Error
		want fullcast.Actor
	}{
		{&fullcast.Error{Op: "open", Remedy: fullcast.FixService, Err: foreign}, fullcast.ActorOperator},
		{&fullcast.Error{Op: "open", Remedy: fullcast.Retry, Err: &oauthflow.Error{Kind: oauthflow.KindStore, Err: oauthflow.ErrRelocated}}, fullcast.ActorOperator},
		{&fullcast.Error{Op: "request", Remedy: fullcast.FixCode, Err: oauthflow.ErrBodyRead}, fullcast.ActorProgrammer},
		{&fullcast.Error{Op: "request", Remedy: fullcast.Retry, Err: errors.New("down")}, fullcast.ActorNobody},
		{&fullcast.Error{Op: "count", Err: errors.New("unknown")}, ""},
	} {
		if got := c.err.Actor(); got != c.want {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}
