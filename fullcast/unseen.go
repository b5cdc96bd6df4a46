package fullcast

import (
	"errors"
	"fmt"

	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

// unseen is the report on an app that the org did not show: of every rule it says why, and none has passed.
func (c *Connection) unseen(kind metadata.Kind, why error) policy.Report {
	want := ConnectedApp(c.connector.site, "")
	if kind == metadata.KindExternalClientApp {
		want = ExternalClientApp(c.connector.site, "")
	}
	if errors.Is(why, metadata.ErrJWTSession) {
		why = fmt.Errorf("%w. %s Where the session has ended, connect the org again", metadata.ErrJWTSession, AdminClearsJWT) // without the operation, which says nothing to an admin
	}
	rules := policy.Baseline(want)
	for i := range rules {
		rules[i].Needs = nil
		rules[i].Check = func(p *policy.Pass) { p.NotVisible(why.Error()) }
	}
	return policy.Check(policy.Subject{App: metadata.App{Kind: kind, Name: want.APIName}}, rules...)
}
