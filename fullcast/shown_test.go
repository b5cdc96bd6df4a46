package fullcast_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
)

func TestAnErrorNamesItsConnectionOnOneLineThatNoOtherHas(t *testing.T) {
	seen := map[string]oauthflow.Key{}
	for _, k := range []oauthflow.Key{
		{Tenant: "acme", Name: "main"}, {Tenant: "acme/eu", Name: "main"}, {Tenant: "acme", Name: "eu/main"}, {Tenant: "аcme", Name: "main"},
		{Tenant: "acme", Name: "main: gone. Connect again"}, {Tenant: "acme", Name: "main\nfullcast: refresh acme/other"}, {Tenant: "acme\x1b[2K", Name: "main"},
	} {
		shown := (&fullcast.Error{Op: "refresh", Key: k, Remedy: fullcast.Retry, Err: errors.New("down\nERROR all is lost\u009b2K\u202e")}).Error()
		if other, twice := seen[shown]; twice {
			t.Errorf("the errors of %#v and %#v both read %s", k, other, shown)
		}
		seen[shown] = k
		if strings.ContainsFunc(shown, func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x202e || r == 'а' }) {
			t.Errorf("the error of %#v reads %q", k, shown)
		}
	}
	if got := (&fullcast.Error{Op: "refresh", Key: main, Err: errors.New("down")}).Error(); got != "fullcast: refresh acme/main: down" {
		t.Errorf("an ordinary error reads %s", got)
	}
}
