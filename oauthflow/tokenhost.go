package oauthflow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
)

// unknownDomain stands for the org's new host where nothing has named it.
const unknownDomain = "?"

//lint:ignore ST1005 My Domain is a name of Salesforce's
var errDomainGone = errors.New("My Domain changed, and the org's present host is not known")

// sentenceMoved tells where the org is now.
func sentenceMoved(to Host) string {
	if to.IsZero() {
		return "The org's My Domain changed, and its present My Domain host is not known."
	}
	return "The org's My Domain changed to " + to.name + "."
}

// loginHost returns the host that the connection's token requests go to.
func (g *grant) loginHost() string { return cmp.Or(g.TokenHost, g.Client.Host) }

// asked returns c with the host that its token requests go to. Where the connection's login host redirects them to does not
// count for new credentials that name another host.
func (g *grant) asked(c sealedClient) Client {
	out := c.client()
	if g.TokenHost != "" && c.Host == g.Client.Host {
		out.Host = Host{g.TokenHost} // it was checked when it was stored, and comes out of an authenticated seal
	}
	return out
}

// again returns c with the host at which the user is to log in again: not a My Domain that redirects. A generic host stays.
func (g *grant) again(c sealedClient) Client {
	if (Host{c.Host}).Generic() {
		return c.client()
	}
	return g.asked(c)
}

// movedTo reports whether the org's My Domain is known to have changed, and to which host. A generic login host that
// redirects to the org as it was known has told nothing new.
func (g *grant) movedTo() (to Host, known bool) {
	switch {
	case g.TokenHost != "" && (!(Host{g.Client.Host}).Generic() || g.InstanceURL != "" && !g.livesAt(g.TokenHost)):
		return Host{g.TokenHost}, true
	case g.Renamed == unknownDomain:
		return Host{}, true
	}
	return Host{g.Renamed}, g.Renamed != ""
}

// livesAt reports whether host is the org's present one.
func (g *grant) livesAt(host string) bool { return g.InstanceURL == (Host{host}).endpoint("") }

// endedByMove reports whether the move of the org, which it has not been refreshed since, explains the grant's end.
func (g *grant) endedByMove() bool {
	to, known := g.movedTo()
	return known && !g.livesAt(to.name)
}

// tellMove says in the error of a grant that is dead that the org's My Domain has changed, which ends its grants. One that was
// refreshed since has ended for another reason.
//
// Source: Salesforce Help, "Update Your Org for My Domain Changes".
func (g *grant) tellMove(e *Error) {
	if e.Kind != KindGrantDead || !g.endedByMove() {
		return
	}
	to, _ := g.movedTo()
	var text error = errDomainGone
	if e.MovedTo = to; !to.IsZero() {
		text = &movedError{to}
	}
	if e.Err != nil { // that the answer of an earlier refresh was lost
		text = fmt.Errorf("%w; %w", e.Err, text)
	}
	e.Err = text
}

// movedError says where the org is now.
type movedError struct{ to Host }

func (e *movedError) Error() string { return "My Domain changed to " + e.to.name }

// leftTokenHost reports whether the org has left the token host: the connection's own login host is asked next, which may know
// better.
func (g *grant) leftTokenHost(e *Error) bool {
	return g.TokenHost != "" && e.Host == g.TokenHost && leftBy(e)
}

// leftBy reports whether an org has left the host that has answered so, or does not answer any more: it redirects where nobody
// follows, does not exist, or serves no such address.
func leftBy(e *Error) bool {
	return e.Status/100 == 3 || errors.Is(e.Err, ErrNoSuchHost) || errors.Is(e.Err, errUnserved)
}

// target returns where a redirect sends a request on that has spent nothing; zero for every other error.
func target(err error) Host {
	var e *Error
	if errors.As(err, &e) && e.Status/100 == 3 {
		return e.MovedTo
	}
	return Host{}
}

// noFurther makes of a second redirect one that nobody follows.
func noFurther(err error) error {
	var e *Error
	if target(err).IsZero() || !errors.As(err, &e) {
		return err
	}
	last := *e
	last.MovedTo, last.Err = Host{}, errSecondRedirect
	return &last
}

// hop asks c's host, and once more the one that it redirects to.
func hop(c Client, ask func(Client) error) error {
	err := ask(c)
	to := target(err)
	if to.IsZero() {
		return err
	}
	c.Host = to
	return noFurther(ask(c))
}

// askEither asks with the credentials c, at the connection's token host where they are of its login host, and follows one
// redirect. Where that is not enough, or the host is gone, it does the same at their own login host. Asking twice does no harm to
// what it is used for.
func (g *grant) askEither(c sealedClient, ask func(Client) error) error {
	at := g.asked(c)
	err := hop(at, ask)
	var e *Error
	if at.Host.name != c.Host && errors.As(err, &e) && leftBy(e) {
		return hop(c.client(), ask)
	}
	return err
}

// revoke revokes the tokens of g, in turn with the other requests to the host, unless that is known to ask to be left alone.
func (m *Manager) revoke(ctx context.Context, g *grant) error {
	return g.askEither(g.Client, func(c Client) error {
		if err := m.pausesRevocation(c.Host.name, g.Key.Tenant); err != nil {
			return err // rather than wait to be told so
		}
		return m.atHost(ctx, opRevoke, c.Host.name, g.Key.Tenant, func() error {
			if err := m.pausesRevocation(c.Host.name, g.Key.Tenant); err != nil {
				return err
			}
			err := m.flow.Revoke(ctx, c, g.token())
			var e *Error
			if errors.As(err, &e) && putsOff(e) && e.RetryAfter > 0 {
				m.holdOff(e.Host, g.Key.Tenant, m.flow.now().Add(e.RetryAfter))
			}
			return err
		})
	})
}

// pausesRevocation is the error of a revocation that is not sent since the host has asked to be left alone; nil without one.
func (m *Manager) pausesRevocation(host, tenant string) error {
	wait := m.gate(host).asked(pausing(host, tenant)).Sub(m.flow.now())
	if wait > 0 && wait <= longestWait {
		return &Error{Op: opRevoke, Host: host, Kind: KindBusy, RetryAfter: wait, Err: errHostPauses}
	}
	return nil
}

var errHostPauses = errors.New("the login host has asked to be left alone; nothing was sent")

// exchange spends a code, at the host that the login host redirects to if it does: a code that was redirected is not
// spent. P then says where its token requests go.
func (m *Manager) exchange(ctx context.Context, p *Pending, callback url.Values) (*Token, error) {
	t, err := m.flow.Exchange(ctx, *p, callback)
	to := target(err)
	if to.IsZero() {
		return t, err
	}
	p.tokenHost = to
	t, err = m.flow.Exchange(ctx, *p, callback)
	return t, noFurther(err)
}

// follow has the record say where its token requests go from now on, after attempt was redirected there; the zero Host is the
// login host, after the token host was left. The attempt has spent nothing, and its intent is settled. A doubt about an
// earlier request stays one.
func (m *Manager) follow(ctx context.Context, g *grant, attempt string, to Host, doubted bool) error {
	applied, err := m.update(ctx, g, attempt, func(now *grant) {
		if now.TokenHost = to.name; now.TokenHost == now.Client.Host {
			now.TokenHost = ""
		}
		if !doubted {
			now.Intent, now.SentWith = nil, nil
		}
	})
	if err != nil {
		return err
	}
	if applied {
		m.logf(slog.LevelInfo, "token requests are redirected and go to another host from now on", "connection", g.Key,
			"host", cmp.Or(to.name, g.Client.Host))
	}
	return errAgain
}

// redirectedOn reports whether a host that the connection's token requests go to redirects a refresh to one where it may be
// sent again. The redirect of another host that new credentials name is not followed.
func (g *grant) redirectedOn(e *Error) bool {
	return (e.Host == g.Client.Host || e.Host == g.TokenHost) && !target(e).IsZero()
}
