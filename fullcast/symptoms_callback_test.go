package fullcast_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
)

// callbacks are the symptoms of a login's end.
var callbacks = []symptom{
	{name: "a callback that is loaded again", happens: func(*patient) {}, deed: func(p *patient) error {
		cb := p.approved(p.t, p.begin(p.t, p.client(p.t, "Fullcast")))
		_, err := p.sf.Complete(p.t.Context(), cb)
		_, again := p.sf.Complete(p.t.Context(), cb)
		return errors.Join(err, again)
	}, token: 1},
	{name: "a callback in another session", happens: func(*patient) {}, deed: func(p *patient) error {
		cb := p.approved(p.t, p.begin(p.t, p.client(p.t, "Fullcast")))
		cb.Binding = "fedcba9876543210, a cookie of another session"
		_, err := p.sf.Complete(p.t.Context(), cb)
		return err
	}, kind: oauthflow.KindState, remedy: fullcast.Reauthorize, actor: fullcast.ActorAdmin},
	{name: "a callback that is prefetched", happens: func(*patient) {}, deed: func(p *patient) error {
		u := approved(p.t, p.world)
		r := httptest.NewRequest("GET", u.String(), nil)
		r.Header.Set("Signed-In", main.Tenant)
		r.Header.Set("Sec-Purpose", "prefetch;prerender")
		rec := httptest.NewRecorder()
		callbackPages(p.t, p.world, new(error)).ServeHTTP(rec, r)
		if rec.Code != http.StatusNoContent {
			return errors.New(rec.Result().Status)
		}
		return nil
	}},
	{name: "the expected org's ID in capitals", happens: func(*patient) {}, deed: func(p *patient) error {
		now, err := p.conn.Status(p.t.Context())
		if err != nil {
			return err
		}
		_, err = p.login(p.t, p.sf, (*fullcast.Connector).Begin, fullcast.BeginOptions{Client: p.client(p.t, "Fullcast"), ExpectOrg: strings.ToUpper(now.OrgID)})
		return err
	}, token: 1},
}
