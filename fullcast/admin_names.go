package fullcast

import (
	"context"
	"net/url"

	"github.com/fullcast/sfauth/internal/scrub"
)

// adminNames are the org and the connection's user by their names.
type adminNames struct {
	Name     string `json:"name"`
	Edition  string `json:"edition"`
	Sandbox  bool   `json:"sandbox"`
	User     string `json:"user,omitempty"`
	Username string `json:"username,omitempty"`
}

// names reads what the ids of a connection stand for; nil where its user may not read that, which is no fault of a check.
//
// Source: Object Reference, Organization; OpenID Connect user info of Salesforce.
func (c *Connection) names(ctx context.Context) *adminNames {
	x := &examination{c: c, ctx: ctx}
	var org struct {
		Records []struct {
			Name             string
			OrganizationType string
			IsSandbox        bool
		}
	}
	query := url.Values{"q": {"SELECT Name, OrganizationType, IsSandbox FROM Organization"}}
	if err := x.get(dataPath("query")+"?"+query.Encode(), &org); err != nil || len(org.Records) != 1 {
		return nil
	}
	var user struct {
		Name     string `json:"name"`
		Username string `json:"preferred_username"`
	}
	_ = x.get("/services/oauth2/userinfo", &user) // the org's name is worth showing alone
	found := org.Records[0]
	return &adminNames{
		scrub.Printable(found.Name), scrub.Printable(found.OrganizationType), found.IsSandbox,
		scrub.Printable(user.Name), scrub.Printable(user.Username),
	}
}
