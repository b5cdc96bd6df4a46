package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/fullcast/sfauth/metadata"
)

// element is one that a file may leave out, with a value that is no default of Salesforce's.
type element struct {
	name string
	set  func(*metadata.App)
	read func(metadata.App) string
}

func checkbox(name string, at func(metadata.App) **bool) element {
	return element{name,
		func(a *metadata.App) { on := true; *at(*a) = &on },
		func(a metadata.App) string {
			if v := *at(a); v != nil {
				return strconv.FormatBool(*v)
			}
			return ""
		}}
}

func text(name, value string, at func(metadata.App) *string) element {
	return element{name, func(a *metadata.App) { *at(*a) = value }, func(a metadata.App) string { return *at(a) }}
}

// elements are those of the app's components that the instructions do not list, an app may have without anything else in
// the org, and whose default is no or nothing.
var elements = []element{
	text("eca.description", "a probe", func(a metadata.App) *string { return &a.External.Description }),
	text("eca.infoUrl", "https://fullcast.example", func(a metadata.App) *string { return &a.External.InfoURL }),
	checkbox("eca.isProtected", func(a metadata.App) **bool { return &a.External.IsProtected }),
	text("ecaOauth.singleLogoutUrl", "https://fullcast.example/out", func(a metadata.App) *string { return &a.OAuthSettings.SingleLogoutURL }),
	checkbox("ecaOauth.isFirstPartyAppEnabled", func(a metadata.App) **bool { return &a.OAuthSettings.IsFirstPartyAppEnabled }),
	checkbox("ecaGlblOauth.isCodeCredPostOnly", func(a metadata.App) **bool { return &a.GlobalOAuthSettings.IsCodeCredPostOnly }),
	checkbox("ecaGlblOauth.isDeviceFlowEnabled", func(a metadata.App) **bool { return &a.GlobalOAuthSettings.IsDeviceFlowEnabled }),
	checkbox("ecaGlblOauth.isIntrospectAllTokens", func(a metadata.App) **bool { return &a.GlobalOAuthSettings.IsIntrospectAllTokens }),
	checkbox("ecaGlblOauth.isNamedUserJwtEnabled", func(a metadata.App) **bool { return &a.GlobalOAuthSettings.IsNamedUserJWTEnabled }),
	checkbox("ecaGlblOauth.isRefreshTokenRotationEnabled", func(a metadata.App) **bool { return &a.GlobalOAuthSettings.IsRefreshTokenRotationEnabled }),
	checkbox("ecaGlblOauth.isTokenExchangeEnabled", func(a metadata.App) **bool { return &a.GlobalOAuthSettings.IsTokenExchangeEnabled }),
	checkbox("ecaOauthPlcy.isGuestCodeCredFlowEnabled", func(a metadata.App) **bool { return &a.OAuthPolicies.IsGuestCodeCredFlowEnabled }),
	checkbox("ecaOauthPlcy.isTokenExchangeFlowEnabled", func(a metadata.App) **bool { return &a.OAuthPolicies.IsTokenExchangeFlowEnabled }),
	text("ecaOauthPlcy.requiredSessionLevel", "HIGH_ASSURANCE", func(a metadata.App) *string { return &a.OAuthPolicies.RequiredSessionLevel }),
	text("ecaOauthPlcy.startUrl", "https://fullcast.example/start", func(a metadata.App) *string { return &a.OAuthPolicies.StartURL }),
	text("ecaPlcy.startUrl", "https://fullcast.example/start", func(a metadata.App) *string { return &a.Policies.StartURL }),
}

// omission deploys all elements that the org takes one by one, then the same files without them.
func omission(ctx context.Context, o *org) (answer, error) {
	a := answer{Did: "had each element checked, deployed those that are taken, then the files without them; read the app, deleted it"}
	with := throwAway(o.site)
	var taken []element
	became := map[string][]string{}
	for _, e := range elements {
		alone := throwAway(o.site)
		e.set(&alone)
		checked, err := o.check(ctx, alone, "", "")
		if err != nil {
			return a, err
		}
		if checked.Found == "refused" {
			became["not taken"] = append(became["not taken"], e.name)
			continue
		}
		e.set(&with)
		taken = append(taken, e)
	}
	live, err := o.deployed(ctx, with, throwAway(o.site))
	if err != nil {
		return a, err
	}
	if live.External == nil || live.OAuthSettings == nil || live.GlobalOAuthSettings == nil || live.OAuthPolicies == nil || live.Policies == nil {
		return a, fmt.Errorf("of the components only these can be read: %s", strings.Join(components(live), ", "))
	}
	for _, e := range taken {
		what := "reset"
		switch e.read(live) {
		case "":
			what = "absent"
		case e.read(with):
			what = "kept"
		}
		became[what] = append(became[what], e.name)
	}
	var found []string
	for _, what := range []string{"kept", "reset", "absent", "not taken"} {
		if names := became[what]; len(names) > 0 {
			found = append(found, what+": "+strings.Join(names, ", "))
		}
	}
	a.Found = strings.Join(found, "; ")
	return a, nil
}
