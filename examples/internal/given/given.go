// Package given reads what a person gives an example by flag, environment or keyboard. Its errors are bad input.
package given

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/examples/internal/console"
	"github.com/fullcast/sfauth/examples/internal/outcome"
	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
)

// Site reads what a person calls one of the two Fullcast instances; empty is production.
func Site(s string) (fullcast.Site, error) {
	switch s {
	case "", "production":
		return fullcast.Production, nil
	case "pre-production":
		return fullcast.PreProduction, nil
	}
	site, err := fullcast.SiteOf(s)
	if err != nil {
		return "", outcome.Input("-site must be production or pre-production")
	}
	return site, nil
}

// Client reads an org's app. An empty secret stays zero: it can be asked for.
func Client(host, key, secret string) (c oauthflow.Client, err error) {
	if host == "" {
		return c, outcome.Input("-login-host is missing: the org's My Domain, such as acme.my.salesforce.com")
	}
	if c.Host, err = oauthflow.ParseHost(host); err != nil {
		return c, outcome.Input("-login-host: %v", errors.Unwrap(err))
	}
	if c.ID = strings.TrimSpace(key); c.ID == "" {
		return c, outcome.Input("-consumer-key is missing: Setup shows it under the app's Settings, Consumer Key and Secret")
	}
	if strings.ContainsFunc(c.ID, func(r rune) bool { return r <= ' ' || r > '~' }) || len(c.ID) > 512 {
		return c, outcome.Input("-consumer-key must be 1 to 512 printable characters without blanks; copy it again from Setup")
	}
	if secret = strings.TrimSpace(secret); secret != "" {
		c.Secret = oauthflow.NewSecret(secret)
	}
	return c, nil
}

// Callback reads the pasted address of the page that Salesforce sent the browser to. What the query holds is for the SDK
// to judge; here it only has to be one of the app's pages, so that a slip of the mouse is told from a wrong answer. No
// error repeats the address: it holds a code.
func Callback(pasted string, site fullcast.Site) (oauthflow.Callback, error) {
	u, err := url.Parse(pasted)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return oauthflow.Callback{}, outcome.Input("what was pasted is not the address of a page; it begins with %s", site)
	}
	page := *u
	page.RawQuery, page.Fragment = "", ""
	if !slices.Contains(site.CallbackURLs(), page.String()) {
		return oauthflow.Callback{}, outcome.Input("the pasted address is of %s and not a callback page of %s; "+
			"wait until the browser has come back there", u.Hostname(), site)
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return oauthflow.Callback{}, outcome.Input("the pasted address is damaged; copy it again, all of it")
	}
	if !query.Has("code") && !query.Has("error") {
		return oauthflow.Callback{}, outcome.Input("the pasted address holds no answer of Salesforce (no code); copy all of it, with what follows the question mark")
	}
	return oauthflow.Callback{Path: u.Path, Query: query}, nil
}

// Answer turns a [console.Console]'s error into one that says what is missing.
func Answer(err error, missing string) error {
	switch {
	case errors.Is(err, console.ErrNoAnswer):
		return outcome.Input("%s", missing)
	case errors.Is(err, console.ErrTooLong):
		return outcome.Input("%v", err)
	}
	return err
}
