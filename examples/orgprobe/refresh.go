package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/oauthflow"
)

var refreshQuestions = []probe{
	{id: "R1", question: "Does a refresh return the same access token while its session lives?", why: "the same token again is no failure",
		ask: func(ctx context.Context, o *org) (answer, error) {
			before := o.token.AccessToken
			err := o.refresh(ctx, o.token)
			o.renewed = o.wire.last(http.MethodPost, tokenPath)
			return answer{Did: "refreshed once", Found: yes(before.Equal(o.token.AccessToken)), Evidence: o.renewed.shape()}, err
		}},
	{id: "R2", question: "Is the refresh token of a local app rotated without anybody asking for it?", why: "whether losing an answer loses the connection",
		ask: func(_ context.Context, o *org) (answer, error) {
			_, rotated := o.renewed.object()["refresh_token"]
			return answer{Did: "looked for refresh_token in the answer to R1", Found: yes(rotated), Evidence: o.renewed.shape()}, nil
		}},
	{id: "R3", question: "Which members of the token answer differ after a refresh?", why: "instance_url may move, scope may shrink",
		ask: func(_ context.Context, o *org) (answer, error) {
			return answer{Did: "compared the answers to the code and to R1", Found: difference(o.exchanged, o.renewed)}, nil
		}},
	{id: "R4", question: "May the app introspect its own refresh token?", why: "a lost answer can be cleared up without a replay",
		ask: func(ctx context.Context, o *org) (answer, error) {
			got, err := o.flow.Introspect(ctx, o.client, &oauthflow.Token{RefreshToken: o.token.RefreshToken})
			return answer{Did: "introspected the refresh token", Found: "active: " + yes(got.Active),
				Evidence: o.wire.last(http.MethodPost, introspectPath).shape()}, err
		}},
	{id: "R5", question: "Does introspection count as a use of the refresh token?", why: "the idle limit would be met without a refresh",
		ask: countsAsUse},
	{id: "R6", question: "Does the refresh token still work after it was introspected?", why: "asking must not spend it",
		ask: func(ctx context.Context, o *org) (answer, error) {
			if _, err := o.flow.Introspect(ctx, o.client, &oauthflow.Token{RefreshToken: o.token.RefreshToken}); err != nil {
				return answer{Did: "introspected"}, err
			}
			err := o.refresh(ctx, o.token)
			return answer{Did: "introspected, then refreshed", Found: yes(err == nil), Evidence: o.wire.last(http.MethodPost, tokenPath).shape()}, err
		}},
}

const introspectPath = "/services/oauth2/introspect"

// countsAsUse looks at the org's own count of uses. It looks twice before, since the look itself might count.
func countsAsUse(ctx context.Context, o *org) (answer, error) {
	a := answer{Did: "read UseCount and LastUsedDate of OauthToken twice, introspected, read them again"}
	look := func() (string, error) {
		var rows struct{ Records json.RawMessage }
		err := o.query(ctx, "SELECT Id, UseCount, LastUsedDate FROM OauthToken WHERE UserId = '"+o.token.UserID+"'", &rows)
		return string(rows.Records), err
	}
	var seen [3]string
	for i := range seen {
		if i == 2 {
			if _, err := o.flow.Introspect(ctx, o.client, &oauthflow.Token{RefreshToken: o.token.RefreshToken}); err != nil {
				return a, err
			}
		}
		var err error
		if seen[i], err = look(); err != nil {
			return a, err
		}
	}
	switch {
	case seen[0] != seen[1]:
		a.Found = "cannot be told: looking changes the count"
	case seen[1] != seen[2]:
		a.Found = "yes"
	default:
		a.Found = "no"
	}
	return a, nil
}

// difference names the members that came, went or changed. Tokens, signature and times change by their nature.
func difference(first, second heard) string {
	if second.status != http.StatusOK {
		return "no answer to compare"
	}
	a, b := first.object(), second.object()
	var found []string
	for _, name := range first.names() {
		if _, there := b[name]; !there {
			found = append(found, name+" is missing")
		} else if fmt.Sprint(a[name]) != fmt.Sprint(b[name]) {
			found = append(found, name+" differs")
		}
	}
	for _, name := range second.names() {
		if _, there := a[name]; !there {
			found = append(found, name+" is new")
		}
	}
	slices.Sort(found)
	if len(found) == 0 {
		return "none"
	}
	return strings.Join(found, ", ")
}
