package fullcast

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/fullcast/sfauth/fullcast/internal/adminhttp"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

// adminConnection is a connection as the API shows it, from the store alone.
type adminConnection struct {
	Name        string             `json:"name"`
	Status      string             `json:"status"`
	Kind        metadata.Kind      `json:"kind"`
	Usable      bool               `json:"usable"`
	NeedsAdmin  bool               `json:"needsAdmin"`
	LoginHost   string             `json:"loginHost"`
	ConsumerKey string             `json:"consumerKey"`
	Org         adminOrg           `json:"org"`
	Scopes      []string           `json:"scopes"`
	ConnectedAt string             `json:"connectedAt"`
	RefreshedAt string             `json:"refreshedAt,omitempty"`
	IdlePeriod  int                `json:"idlePeriod,omitempty"` // seconds
	Problem     *adminhttp.Problem `json:"problem,omitempty"`
	Notices     []adminNotice      `json:"notices"`
}

type adminOrg struct {
	ID     string  `json:"id,omitempty"`
	UserID string  `json:"userId,omitempty"`
	URL    string  `json:"url,omitempty"`
	Type   orgType `json:"type"`
}

// adminNotice is what should be known of a connection that works.
type adminNotice struct {
	Code    string            `json:"code"`
	Message string            `json:"message"`
	Remedy  *adminhttp.Remedy `json:"remedy,omitempty"`
}

// shown is a connection in the API's form. A staged migration is nil where there is none.
func (a *adminAPI) shown(now oauthflow.Connection, staged *oauthflow.Connection) adminConnection {
	out := adminConnection{
		Name: now.Key.Name, Status: word(string(now.Status)), Kind: now.Kind,
		Usable: Usable.holds(now), NeedsAdmin: NeedsAdmin.holds(now),
		LoginHost: now.Host.String(), ConsumerKey: now.ConsumerKey,
		Org:    adminOrg{now.OrgID, now.UserID, now.InstanceURL, typeOf(now.Host)},
		Scopes: append([]string{}, now.Scopes...), ConnectedAt: stamp(now.ConnectedAt), RefreshedAt: stamp(now.RefreshedAt),
		IdlePeriod: int(now.IdlePeriod / time.Second), Notices: a.notices(now, staged),
	}
	if out.Org.Type == orgUnknown {
		if h, err := oauthflow.ParseHost(now.InstanceURL, a.regions...); err == nil {
			out.Org.Type = typeOf(h)
		}
	}
	if now.Fault != nil {
		out.Problem = a.problem(wrap("status", now.Key, now.Kind, now.Fault))
	}
	return out
}

// stamp is a time in UTC; the page shows it in the reader's own zone.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// notices tell what an active connection does not say of itself.
func (a *adminAPI) notices(now oauthflow.Connection, staged *oauthflow.Connection) []adminNotice {
	all := []adminNotice{}
	if now.Kind == metadata.KindConnectedApp {
		all = append(all, adminNotice{"connected-app", "This connection uses a connected app. It goes on working, and should be migrated to an external client app.", a.remedy(Migrate, "")})
	}
	if staged != nil {
		all = append(all, adminNotice{"migration-unfinished", "A migration of this connection was interrupted after its login; it can be finished without another login.", nil})
	}
	if now.NextKey != "" {
		all = append(all, adminNotice{"credentials-unproved", "The new credentials have not worked yet; the connection goes on with the old ones.", nil})
	}
	if now.IdlePeriod > 0 {
		all = append(all, adminNotice{"idle-period", "The app's Refresh Token Policy ends a refresh token after " + inWords(now.IdlePeriod) +
			" without use. Fullcast refreshes in time, unless it cannot reach Salesforce for that long.", a.remedy(AdminFixesApp, "")})
	}
	if text := now.Host.Advisory(); text != "" {
		all = append(all, adminNotice{"generic-login-host", asSentence(text), nil})
	}
	return all
}

// maxListed bounds an answer: a tenant has a few connections.
const maxListed = 500

type adminList struct {
	Connections []adminConnection `json:"connections"`
	Unreadable  []adminUnreadable `json:"unreadable"`
	More        bool              `json:"more"`
}

// adminUnreadable is a record that cannot be opened.
type adminUnreadable struct {
	Name    string             `json:"name,omitempty"`
	Problem *adminhttp.Problem `json:"problem"`
}

func (a *adminAPI) list(r adminhttp.Request) adminhttp.Answer { return a.listed(r, maxListed) }

// listed reads the tenant's records once; the migrations among them belong to the connections beside them.
func (a *adminAPI) listed(r adminhttp.Request, most int) adminhttp.Answer {
	var found []oauthflow.Connection
	staged := map[oauthflow.Key]*oauthflow.Connection{}
	out := adminList{Connections: []adminConnection{}, Unreadable: []adminUnreadable{}}
	for conn, err := range a.c.manager.List(r.Context(), r.User.Tenant) {
		var cause *oauthflow.Error
		switch {
		case errors.As(err, &cause) && cause.Kind == oauthflow.KindForeign:
			err = wrap("list", conn.Key, "", err)
			a.tell(r, err)
			if len(out.Unreadable) < most {
				out.Unreadable = append(out.Unreadable, adminUnreadable{migrated(conn.Key).Name, a.problem(err)})
			}
		case err != nil:
			return a.refuse(r, wrap("list", conn.Key, "", err))
		case isMigration(conn.Key):
			staged[migrated(conn.Key)] = &conn
		default:
			found = append(found, conn)
		}
		if out.More = len(found) > most; out.More {
			found = found[:most]
			break
		}
	}
	for _, conn := range found {
		out.Connections = append(out.Connections, a.shown(conn, staged[conn.Key]))
	}
	return adminhttp.OK(out)
}

func (a *adminAPI) show(r adminhttp.Request, now oauthflow.Connection) adminhttp.Answer {
	staged, err := a.staged(r.Context(), now.Key)
	if err != nil {
		return a.refuse(r, err)
	}
	return adminhttp.OK(a.shown(now, staged))
}

// staged is nil where no migration waits for its end.
func (a *adminAPI) staged(ctx context.Context, k oauthflow.Key) (*oauthflow.Connection, error) {
	staged, err := a.c.StagedMigration(ctx, k)
	switch {
	case missing(err), unusable(err):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &staged, nil
}

// disconnect is told as done only when Salesforce has confirmed it, or nothing is left to revoke.
func (a *adminAPI) disconnect(r adminhttp.Request, now oauthflow.Connection) adminhttp.Answer {
	if err := a.c.Disconnect(r.Context(), now.Key); err != nil {
		return a.refuse(r, err)
	}
	return adminhttp.Answer{Status: http.StatusNoContent}
}
