package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
)

// Deployments here are checks: the org validates and changes nothing.
var appQuestions = []probe{
	{id: "A1", question: "Does the org list every component of the app?", why: "finding components by listing them",
		ask: func(ctx context.Context, o *org) (answer, error) {
			app, err := o.readApp(ctx)
			if err != nil {
				return answer{Did: "listed and read the app"}, err
			}
			there := components(app)
			return answer{Did: "listed and read the app", Found: fmt.Sprintf("%d of 5 in API %s", len(there), apiVersion), Evidence: strings.Join(there, ", ")}, nil
		}},
	{id: "A2", question: "How does the org spell \"Enforce IP restrictions, but relax for refresh tokens\"?", why: "comparing without regard to case",
		ask: func(ctx context.Context, o *org) (answer, error) {
			app, err := o.readApp(ctx)
			if err == nil && app.OAuthPolicies == nil {
				err = errors.New("the app has no OAuth policies that can be seen")
			}
			if err != nil {
				return answer{Did: "read the OAuth policies"}, err
			}
			return answer{Did: "read the OAuth policies", Found: app.OAuthPolicies.IPRelaxationPolicyType}, nil
		}},
	{id: "A3", question: "Which values do elements have that the instructions do not list, or list otherwise?", why: "what an absent element means",
		ask: func(ctx context.Context, o *org) (answer, error) {
			app, err := o.readApp(ctx)
			if err != nil {
				return answer{Did: "read the app"}, err
			}
			found, err := added(fullcast.ExternalClientApp(o.site, "probe@fullcast.example").New(), app)
			return answer{Did: "read the app", Found: found}, err
		}},
	{id: "A4", question: "What does the answer to a deployment request hold?", why: "a strict reader of the 201",
		ask: func(ctx context.Context, o *org) (answer, error) {
			app, err := o.readApp(ctx)
			if err != nil {
				return answer{Did: "read the app"}, err
			}
			a, err := o.check(ctx, app, "", "")
			h := o.wire.last(http.MethodPost, deployPath())
			a.Found = fmt.Sprintf("HTTP %d", h.status)
			result, _ := json.Marshal(h.object()["deployResult"])
			a.Evidence = h.shape() + "; deployResult: " + strings.Join(heard{body: result}.names(), ", ")
			return a, err
		}},
	{id: "A5", question: "Does the org take Enforce_RelaxRefresh in another case?", why: "writing one spelling is enough",
		ask: func(ctx context.Context, o *org) (answer, error) {
			app := throwAway(o.site)
			app.OAuthPolicies.IPRelaxationPolicyType = swapCase(app.OAuthPolicies.IPRelaxationPolicyType)
			return o.check(ctx, app, "", "")
		}},
	{id: "A6", question: "Does the org take code-and-credentials flow enabled while its own switch is off?", why: "a setting that the instructions demand",
		ask: func(ctx context.Context, o *org) (answer, error) {
			switches, err := o.meta.Settings(ctx)
			if err != nil {
				return answer{Did: "read the org's settings"}, err
			}
			if s := switches.OAuthOIDC; s == nil || s.OAuthCdCrdtFlowEnable == nil || *s.OAuthCdCrdtFlowEnable {
				return answer{Did: "read the org's settings", Found: "not asked: the switch is on, or cannot be seen"}, nil
			}
			return o.check(ctx, throwAway(o.site), "", "")
		}},
	{id: "A7", question: "May a new app bring its consumer key along?", why: "one key for an app that is created again",
		ask: func(ctx context.Context, o *org) (answer, error) {
			return o.check(ctx, throwAway(o.site), "<externalClientApplication>",
				"<consumerKey>3MVG9"+strings.Repeat("Probe", 16)+"</consumerKey>\n    <externalClientApplication>")
		}},
	{id: "A8", question: "Can key and secret be read over REST?", why: "setting a connection up without Setup",
		ask: func(ctx context.Context, o *org) (answer, error) {
			a := answer{Did: "read the credentials, and dropped them", Found: "yes"}
			_, err := o.meta.Credentials(ctx, o.app)
			var refusal *metadata.Error
			if errors.As(err, &refusal) && refusal.Code != "" {
				a.Found, a.Evidence, err = "no", refusal.Error(), nil
			}
			return a, err
		}},
	{id: "A9", question: "What is the newest API version of the org?", why: "fields that are too new for a package",
		ask: func(ctx context.Context, o *org) (answer, error) {
			newest, err := o.newest(ctx)
			return answer{Did: "listed the versions", Found: newest.String()}, err
		}},
	{id: "A10", question: "Does the idle limit for refresh tokens hold for a local app (isEnforceRefreshTokenTTL)?", why: "whether the limit can be seen; connections are kept alive in any case",
		ask: idleLimit},
	{id: "A11", question: "What is isCodeCredPostOnly where the code-and-credentials flow was selected in Setup?", why: "an element that the instructions do not name",
		ask: func(ctx context.Context, o *org) (answer, error) {
			a := answer{Did: "read the app", Found: "the element is absent"}
			app, err := o.readApp(ctx)
			if g := app.GlobalOAuthSettings; g != nil {
				if g.IsCodeCredPostOnly != nil {
					a.Found = yes(*g.IsCodeCredPostOnly)
				}
				a.Evidence = "isCodeCredFlowEnabled: " + yes(g.IsCodeCredFlowEnabled != nil && *g.IsCodeCredFlowEnabled)
			}
			return a, err
		}},
	{id: "A12", question: "Does the org take the Refresh Token Policy \"valid until revoked\" in a deployment?", why: "a new app is written so; refused, the deployment is repeated with 30 days without use",
		ask: func(ctx context.Context, o *org) (answer, error) { return o.check(ctx, throwAway(o.site), "", "") }},
}

func (o *org) newest(ctx context.Context) (metadata.APIVersion, error) {
	h, err := o.wire.get(ctx, o.token.InstanceURL, "/services/data", "")
	if err != nil {
		return 0, err
	}
	var list []struct{ Version string }
	if err := json.Unmarshal(h.body, &list); err != nil || len(list) == 0 {
		return 0, errors.Join(errors.New("no list of versions"), err)
	}
	n, err := strconv.Atoi(strings.TrimSuffix(list[len(list)-1].Version, ".0"))
	return metadata.APIVersion(n), err
}

// idleLimit reads the app with the newest version: the element is younger than the one everything else is asked with.
func idleLimit(ctx context.Context, o *org) (answer, error) {
	a := answer{Did: "read the app with the newest API version"}
	newest, err := o.newest(ctx)
	if err != nil {
		return a, err
	}
	if newest < 67 {
		a.Found = "not asked: the org has no API 67 yet"
		return a, nil
	}
	latest, err := o.metadataOrg(newest)
	if err != nil {
		return a, err
	}
	app, err := latest.Read(ctx, metadata.KindExternalClientApp, o.app)
	if err != nil {
		return a, err
	}
	a.Found = "the element is absent"
	if g := app.GlobalOAuthSettings; g != nil && g.IsEnforceRefreshTokenTTL != nil {
		a.Found = yes(*g.IsEnforceRefreshTokenTTL)
	}
	a.Evidence = "the app has ExtlClntAppOauthSecuritySettings: " + yes(app.SecuritySettings != nil)
	return a, nil
}

// deployPath returns where the REST API takes deployments.
func deployPath() string { return "/services/data/v" + apiVersion.String() + "/metadata/deployRequest" }

func (o *org) readApp(ctx context.Context) (metadata.App, error) {
	return o.meta.Read(ctx, metadata.KindExternalClientApp, o.app)
}

// throwAwayApp is the API name of the app that is checked, and by destructive questions deployed and deleted.
const throwAwayApp = "SfauthProbe"

func throwAway(site fullcast.Site) metadata.App {
	spec := fullcast.ExternalClientApp(site, "probe@fullcast.example")
	spec.Name, spec.APIName = throwAwayApp, throwAwayApp
	return spec.New()
}

// check lets the org validate an app. In the global OAuth settings the text before becomes after first.
func (o *org) check(ctx context.Context, app metadata.App, before, after string) (answer, error) {
	a := answer{Did: "had a deployment checked"}
	pkg, err := app.Package(apiVersion)
	if err != nil {
		return a, err
	}
	for i, f := range pkg.Files {
		if before != "" && strings.HasSuffix(f.Name, ".ecaGlblOauth") {
			pkg.Files[i].Data = []byte(strings.Replace(string(f.Data), before, after, 1))
		}
	}
	result, err := o.meta.Deploy(ctx, pkg, metadata.DeployOptions{CheckOnly: true})
	var refusal *metadata.ComponentError
	switch {
	case errors.As(err, &refusal):
		a.Found, a.Evidence = "refused", refusal.Problem
		return a, nil
	case err == nil && len(result.Warnings) > 0:
		a.Found, a.Evidence = "accepted with a warning", result.Warnings[0].Problem
	case err == nil:
		a.Found = "accepted"
	}
	return a, err
}
