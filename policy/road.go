package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/metadata"
)

// Who does a step.
const (
	whoAdmin      = "Salesforce admin"
	whoFullcast   = "Fullcast"
	whoSalesforce = "Salesforce"
)

// newAppRoad is Fullcast's own: a second app beside the old one, so that nothing breaks meanwhile.
func newAppRoad(from, to metadata.AppSpec) Road {
	old := nameInSetup(from)
	return Road{
		Title: "Road 1, recommended: a new app by Fullcast's instructions",
		Steps: []Step{
			{whoAdmin, fmt.Sprintf("%s: click New External Client App and follow Fullcast's instructions, or deploy this plan's package", externalManager)},
			{whoSalesforce, "takes up to 30 minutes until the new app works everywhere"},
			{whoAdmin, fmt.Sprintf("%s > %s > Settings tab > OAuth Settings > Consumer Key and Secret: copy both and give them to Fullcast, with the org's login host", externalManager, to.Name)},
			{whoFullcast, "checks the new app against the instructions"},
			{whoAdmin, "authorizes the new app in Fullcast; the old connection goes on until the new one has worked"},
			{whoFullcast, "uses the new connection from then on and revokes the old one's token"},
			{whoAdmin, fmt.Sprintf("Setup > Connected Apps OAuth Usage: see that nobody else uses %s, then block it; delete it when nothing misses it", old)},
		},
		Assumed: []string{"how long a new app takes to work: 2 to 10 minutes are usual, up to 30 are reported"},
		OldApp:  "it works unchanged until the admin blocks or deletes it. Once deleted it cannot be made again while the org does not allow the creation of connected apps.",
	}
}

// buttonRoad is Setup's own migration, with what it leaves to do.
func buttonRoad(app metadata.ConnectedApp, from metadata.AppSpec, changes, names []Step) Road {
	old := nameInSetup(from)
	steps := []Step{
		{whoAdmin, fmt.Sprintf("%s > %s: click Migrate to External Client App, confirm that the app is local and does not use the username-password flow, then Migrate", connectedManager, old)},
		{whoSalesforce, "makes an external client app with the old name and settings; it offers no button for an app it cannot migrate, as one with push settings that are not valid"},
		{whoFullcast, "checks that the connection still works; where it does not, the admin gives the new consumer key and secret and authorizes again"},
	}
	allowList := strings.ReplaceAll(externalOAuth.clicks("where the connected app had a Refresh Token IP Allowlist, enter its ranges again and change the description or an address of one of them, since they take effect with such a change"), "{app}", old)
	return Road{
		Title:    "Road 2: Setup's Migrate to External Client App",
		Blockers: blockersOf(app, old),
		Steps: slices.Concat(steps, changes, []Step{{whoAdmin, allowList}}, names, []Step{
			{whoFullcast, "checks the app against the instructions; an API name that Setup keeps is the one finding that may be left"},
		}),
		Assumed: []string{
			"consumer key, consumer secret and tokens stay, so that the connection needs no new authorization",
			"user provisioning, an Apex handler, canvas, dynamic client registration and Triple DES keep Setup from migrating an app",
			"Fullcast's older integration breaks as soon as PKCE is required: ask Fullcast before selecting it",
		},
		OldApp: "it stays as a read-only version. Deleting the external client app makes it active again, with the settings it had at the migration.",
	}
}
