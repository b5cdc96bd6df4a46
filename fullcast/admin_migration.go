package fullcast

import (
	"slices"
	"strings"

	"github.com/fullcast/sfauth/fullcast/internal/adminhttp"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/policy"
)

type adminMigration struct {
	State  string          `json:"state"`
	Kind   metadata.Kind   `json:"kind"`
	Why    string          `json:"why"`
	Before []string        `json:"before"`
	During []string        `json:"during"`
	After  []string        `json:"after"`
	Differ []adminDiffers  `json:"differences"`
	Staged *adminConnected `json:"staged,omitempty"`
}

// adminConnected is the connection of a migration whose login is complete.
type adminConnected struct {
	Status      string             `json:"status"`
	ConsumerKey string             `json:"consumerKey"`
	ConnectedAt string             `json:"connectedAt"`
	Problem     *adminhttp.Problem `json:"problem,omitempty"`
}

// adminDiffers is a setting that the two apps have in different ways.
type adminDiffers struct {
	Setting           string `json:"setting"`
	ConnectedApp      string `json:"connectedApp"`
	ExternalClientApp string `json:"externalClientApp"`
}

// States of a migration.
const (
	migrationNotNeeded  = "not-needed" // it uses an external client app
	migrationAdvised    = "advised"    // its connected app works
	migrationRequired   = "required"   // its connected app is not authorized again
	migrationUnfinished = "unfinished" // the login is complete
)

var (
	beforeMigration = []string{
		"Create the external client app in the org, as the setup guide says. The connected app stays as it is: Fullcast goes on working with it meanwhile.",
		"Wait until the new app is 30 minutes old, or expect that Salesforce does not know it everywhere before.",
		"Have at hand: the org's My Domain, the new app's consumer key and consumer secret, and a user of the same org who may use the app.",
	}
	duringMigration = []string{
		"Enter My Domain, consumer key and consumer secret of the new app, and log in to the same org.",
		"Fullcast makes a call with the new connection. Only when that works does it take the old one's place, in one step; nothing that Fullcast runs is interrupted.",
		"If the browser is closed before the login is complete, nothing has changed: begin again. If something fails after the login, finish the migration; no other login is needed.",
	}
	afterMigration = []string{
		"Check the new app, and correct what the check finds.",
		"Fullcast has revoked the old connection's tokens. In Setup > Connected Apps OAuth Usage, see whether anything else uses the connected app Fullcast Motion Package.",
		"If nothing does, block the connected app there, and delete it in App Manager after a few weeks without complaints. An app that other connections of Fullcast use has to stay until those are migrated, too.",
	}
)

// appDifferences are the settings of the instructions that differ between the two apps, of lists the members that one of them lacks.
func (c *Connector) appDifferences() []adminDiffers {
	all := []adminDiffers{{"Consumer key and secret", "the old ones", "new ones"}}
	for _, d := range policy.Diff(ConnectedApp(c.site, "").New(), ExternalClientApp(c.site, "").New())[1:] { // the first is the kind of app
		all = append(all, adminDiffers{d.Field, lacking(d.B, d.A), lacking(d.A, d.B)})
	}
	return all
}

// lacking are the members of list that other lacks; a value is a list of one.
func lacking(other, list string) string {
	others := strings.Split(other, "\n")
	only := slices.DeleteFunc(strings.Split(list, "\n"), func(m string) bool { return slices.Contains(others, m) })
	switch {
	case len(only) == 0:
		return "not selected"
	case only[0] == "(absent)": // by the instructions of that app
		return "not named"
	}
	return strings.Join(only, "\n")
}

// planMigration tells what a migration does, and how far it is. Nothing is asked of the org.
func (a *adminAPI) planMigration(r adminhttp.Request, now oauthflow.Connection) adminhttp.Answer {
	staged, err := a.staged(r.Context(), now.Key)
	if err != nil {
		return a.refuse(r, err)
	}
	out := adminMigration{
		State: migrationNotNeeded, Kind: now.Kind, Why: "This connection uses an external client app already.",
		Before: []string{}, During: []string{}, After: []string{}, Differ: []adminDiffers{},
	}
	if now.Kind == metadata.KindConnectedApp {
		out.State, out.Why = migrationAdvised, "This connection uses a connected app. It goes on working; Salesforce's support of connected apps ends with Summer '27."
		out.Before, out.During, out.After, out.Differ = beforeMigration, duringMigration, afterMigration, a.c.appDifferences()
		if NeedsAdmin.holds(now) && RemedyOf(now) == Migrate {
			out.State, out.Why = migrationRequired, "The connected app of this connection can no longer be authorized: only a migration makes the connection work again."
		}
	}
	if staged != nil {
		out.State, out.Why = migrationUnfinished, "The login of the migration is complete, and its last step is not: finish the migration."
		out.Staged = &adminConnected{Status: word(string(staged.Status)), ConsumerKey: staged.ConsumerKey, ConnectedAt: stamp(staged.ConnectedAt)}
		if staged.Fault != nil {
			out.Staged.Problem = a.problem(wrap("resume migration", now.Key, staged.Kind, staged.Fault))
		}
	}
	return adminhttp.OK(out)
}

// finishMigration does the last step of a migration whose login is complete.
func (a *adminAPI) finishMigration(r adminhttp.Request, now oauthflow.Connection) adminhttp.Answer {
	conn, err := a.c.ResumeMigration(r.Context(), now.Key)
	if missing(err) { // which is no fault
		p := a.problem(err)
		p.Code, p.Message = codeNoMigration, "No migration of this connection waits to be finished; begin it again."
		p.Remedy = a.remedy(Reauthorize, "")
		return p.Answer()
	}
	if err != nil {
		return a.refuse(r, err)
	}
	return adminhttp.OK(adminCompleted{true, true, a.shown(*conn.seen.Load(), nil), afterMigration})
}
