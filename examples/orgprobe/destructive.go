package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
)

var destructiveQuestions = []probe{
	{id: "D1", destructive: true, question: "Which elements does the org add to a new app, and with which values?", why: "defaults of absent elements",
		ask: defaults},
	{id: "D2", destructive: true, question: "What becomes of each element that a later deployment omits?", why: "whether a merge must write all it read",
		ask: omission},
	{id: "D3", destructive: true, question: "Is a refresh token refused as soon as it was rotated, and what ends with it?", why: "grace for a lost answer; how far a replay reaches",
		ask: replay},
	{id: "D4", destructive: true, question: "How is the second of two refreshes at the same time refused?", why: "told from a dead grant",
		ask: together},
}

// defaults deploys an app of listed fields only, and reads what the org made of it.
func defaults(ctx context.Context, o *org) (answer, error) {
	a := answer{Did: "deployed " + throwAwayApp + ", read it, deleted it"}
	app := throwAway(o.site)
	live, err := o.deployed(ctx, app)
	if err != nil {
		return a, err
	}
	a.Evidence = strings.Join(components(live), ", ")
	a.Found, err = added(app, live)
	return a, err
}

// deployed deploys the stages of the throw-away app, reads it, and deletes it.
func (o *org) deployed(ctx context.Context, stages ...metadata.App) (live metadata.App, err error) {
	if _, err := o.meta.Read(ctx, stages[0].Kind, stages[0].Name); !errors.Is(err, metadata.ErrNotFound) {
		return live, errors.Join(errors.New("the org has an app "+throwAwayApp+" already; it was left alone"), err)
	}
	defer func() {
		ctx := context.WithoutCancel(ctx)
		if _, gone := o.meta.Read(ctx, stages[0].Kind, stages[0].Name); errors.Is(gone, metadata.ErrNotFound) {
			return // the first deployment was refused
		}
		if _, failed := o.meta.Deploy(ctx, deletion(), metadata.DeployOptions{}); failed != nil {
			err = errors.Join(err, fmt.Errorf("delete %s in Setup: %w", throwAwayApp, failed))
		}
	}()
	for _, app := range stages {
		pkg, err := app.Package(apiVersion)
		if err != nil {
			return live, err
		}
		if _, err := o.meta.Deploy(ctx, pkg, metadata.DeployOptions{}); err != nil {
			return live, err
		}
	}
	return o.meta.Read(ctx, stages[0].Kind, stages[0].Name)
}

func deletion() *metadata.Package {
	const head = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<Package xmlns="http://soap.sforce.com/2006/04/metadata">`
	version := "<version>" + apiVersion.String() + "</version></Package>\n"
	return &metadata.Package{Version: apiVersion, Files: []metadata.File{
		{Name: "package.xml", Data: []byte(head + version)},
		{Name: "destructiveChanges.xml", Data: []byte(head + "<types><members>" + throwAwayApp +
			"</members><name>ExternalClientApplication</name></types>" + version)},
	}}
}

// replay makes a second grant of the same user, rotates the first, sends its old refresh token again, and sees who lives.
func replay(ctx context.Context, o *org) (answer, error) {
	a := answer{Did: "logged in again, refreshed the first grant, sent its old refresh token once more"}
	second, err := o.again(ctx)
	if err != nil {
		return a, err
	}
	old := *o.token
	if err := o.refresh(ctx, o.token); err != nil {
		return a, err
	}
	if old.RefreshToken.Equal(o.token.RefreshToken) {
		a.Found = "not asked: the app does not rotate refresh tokens"
		return a, nil
	}
	again, refusal := o.flow.Refresh(ctx, o.client, &old)
	if refusal == nil && again != nil && !again.RefreshToken.IsZero() {
		o.token.RefreshToken, o.token.AccessToken = again.RefreshToken, again.AccessToken
	}
	_, identity := o.flow.UserInfo(ctx, o.token)
	familyErr, otherErr := o.refresh(ctx, o.token), o.refresh(ctx, second)
	a.Found = fmt.Sprintf("replay accepted: %s; afterwards the access token works: %s, the new refresh token: %s, the user's other grant: %s",
		yes(refusal == nil), yes(identity == nil), yes(familyErr == nil), yes(otherErr == nil))
	var e *oauthflow.Error
	if errors.As(refusal, &e) {
		a.Evidence = fmt.Sprintf("HTTP %d %s: %s", e.Status, e.Code, e.Description)
	}
	return a, nil
}

// together makes a grant of its own and refreshes it twice at once.
func together(ctx context.Context, o *org) (answer, error) {
	a := answer{Did: "logged in again, sent two refreshes at once"}
	grant, err := o.again(ctx)
	if err != nil {
		return a, err
	}
	var said [2]string
	var next [2]*oauthflow.Token
	var both sync.WaitGroup
	for i := range said {
		both.Go(func() {
			var err error
			said[i] = "accepted"
			var e *oauthflow.Error
			if next[i], err = o.flow.Refresh(ctx, o.client, grant); errors.As(err, &e) {
				said[i] = fmt.Sprintf("HTTP %d %s: %s", e.Status, e.Code, e.Description)
			}
		})
	}
	both.Wait()
	for _, t := range next {
		if t != nil && !t.RefreshToken.IsZero() {
			grant.RefreshToken = t.RefreshToken // to be revoked at the end
		}
	}
	a.Found = said[0] + " and " + said[1]
	return a, nil
}
