package orgtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// SetAppField changes one element of a component as an administrator does by clicking in Setup. The element is a path, such
// as "ipRelaxationPolicyType" or "oauthConfig/isPkceRequired"; an empty value takes it away, so that the org's default
// comes back. Settings of the org are components too: SetAppField("OauthOidcSettings", "OauthOidc", "isPkceRequired", "true").
// An element or value that the schema does not know is an error, as is what Setup does not offer: to clear a box that is
// greyed out, or to choose "valid until revoked" while the idle limit is on. That a click writes just its own element is
// assumed.
func (o *Org) SetAppField(typ, fullName, element, value string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	k, ok := kindOf(typ)
	if !ok {
		return fmt.Errorf("orgtest: SetAppField: no metadata type %q", typ)
	}
	c := o.components.find(typ, fullName)
	if c == nil {
		return fmt.Errorf("orgtest: SetAppField: the org has no %s named %q", typ, fullName)
	}
	if on := value == "true" || value == "1"; !on && c.body.is(element) && slices.Contains(o.fixed(c, c), element) {
		return fmt.Errorf("orgtest: SetAppField: Setup shows the box of %s selected and greyed out: nobody can clear it in this release", element)
	}
	body := c.body.clone()
	if value == "" {
		body.remove(element)
	} else {
		body.set(element, value)
	}
	if infinite(typ, body) && !infinite(typ, c.body) && o.idleLimited(o.components, typ, body) {
		return errors.New("orgtest: SetAppField: Setup does not list \"valid until revoked\" while the idle limit is on; it lists \"not used for\" 30 days")
	}
	r := o.commit([]change{{kind: k, fullName: fullName, body: body}}, rules{version: anyAPI, trusted: true}, deployOptions{RollbackOnError: true})[0]
	if r.problem != nil {
		return fmt.Errorf("orgtest: SetAppField: %s", r.problem.text)
	}
	o.record(Entry{Event: "setup", Detail: typ + " " + fullName + " " + element, Outcome: "ok"})
	return nil
}

// DeleteApp deletes an app with everything that belongs to it; its tokens are dead and its key unknown to the org. Source: the
// iOS SDK's words for a deleted app's key; sfdx-hardis for what goes with it; that the tokens die at once is assumed.
func (o *Org) DeleteApp(apiName string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, typ := range []string{"ExternalClientApplication", "ConnectedApp"} {
		if o.components.find(typ, apiName) == nil {
			continue
		}
		k, _ := kindOf(typ)
		o.commit([]change{{kind: k, fullName: apiName}}, rules{version: newestAPI}, deployOptions{RollbackOnError: true})
		o.record(Entry{Event: "setup", App: apiName, Detail: "app deleted"})
		return nil
	}
	return fmt.Errorf("orgtest: DeleteApp: the org has no app named %q", apiName)
}

// Block blocks an app for everybody under "OAuth Usage": nobody can authorize it, and its tokens are dead. Source: n8n#21589 for
// the refusal; that the tokens are revoked for good is assumed.
func (o *Org) Block(apiName string) error {
	return o.withApp("Block", apiName, func(a *app) {
		a.blocked = true
		o.endAll(a)
	})
}

// Unblock ends [Org.Block]; users have to authorize the app again (assumed: see there).
func (o *Org) Unblock(apiName string) error {
	return o.withApp("Unblock", apiName, func(a *app) { a.blocked = false })
}

// RevokeAll revokes every token of an app, as "Revoke All" under "OAuth Usage" does (reported: the tokens are then expired).
func (o *Org) RevokeAll(apiName string) error {
	return o.withApp("RevokeAll", apiName, o.endAll)
}

// UserApproved records that a user allowed an app at some time before, for all the scopes the app has, and returns the
// refresh token the app got: what a connection made by older software has. That it is like any other approval is assumed.
func (o *Org) UserApproved(apiName, username string) (refreshToken string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	a, user := o.apps[apiName], o.userNamed(username)
	if a == nil {
		return "", fmt.Errorf("orgtest: UserApproved: no app with OAuth is named %q", apiName)
	}
	if user == nil {
		return "", fmt.Errorf("orgtest: UserApproved: the org has no user %q", username)
	}
	list, _ := granted(o.settingsOf(a).scopes, "")
	if !has(list, "refresh_token") {
		return "", fmt.Errorf("orgtest: UserApproved: %s has no refresh_token scope", apiName)
	}
	ap := o.approve(client{app: a, key: a.current().key}, user, list, "https://"+o.LoginHost())
	o.record(Entry{Event: "setup", App: apiName, User: user.Username, Approval: ap.number, Detail: "user approved"})
	return o.issueRefreshToken(ap), nil
}

func (o *Org) withApp(op, apiName string, do func(*app)) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	a := o.apps[apiName]
	if a == nil {
		return fmt.Errorf("orgtest: %s: no app with OAuth is named %q", op, apiName)
	}
	do(a)
	o.record(Entry{Event: "setup", App: apiName, Detail: strings.ToLower(op)})
	return nil
}

// endAll ends every approval of an app.
func (o *Org) endAll(a *app) {
	for _, ap := range o.approvals {
		if ap.app == a {
			o.end(ap)
		}
	}
}

// SetUser changes the user of that user name, or adds one: deactivate, freeze, assign a permission set, move to another
// profile, restrict to addresses. A deactivated or frozen user's sessions are dead, and live again should it be undone in
// time (assumed).
func (o *Org) SetUser(u User) error {
	u, err := u.complete()
	if err != nil {
		return fmt.Errorf("orgtest: SetUser: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if p := o.userNamed(u.Username); p != nil {
		p.User = u
	} else {
		o.users = append(o.users, &person{User: u, id: o.newID("005"), created: o.now()})
	}
	o.record(Entry{Event: "setup", User: u.Username, Detail: "user changed"})
	return nil
}

// RefreshSandbox copies production over the sandbox: another org id, other user ids under the same user names, every local
// app and every token gone. It is an error on a production org. Source: issues forcedotcom/cli#3482 and
// IlluminatedCloud#2842; that connected apps are gone as well, not copied, is assumed.
func (o *Org) RefreshSandbox() error {
	if !o.cfg.Sandbox {
		return fmt.Errorf("orgtest: RefreshSandbox: this is not a sandbox")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	before := o.components
	o.components = components{}
	for k, c := range before {
		if c.settingsMember() != "" {
			o.components[k] = c
		}
	}
	o.settle(before)
	for _, s := range o.sessions {
		s.end(o.now())
	}
	o.codes = map[string]*code{}
	o.id = id18("00DTEST" + random(base62, 8))
	for i, p := range o.users {
		o.users[i] = &person{User: p.User, id: o.newID("005"), created: o.now()}
	}
	o.record(Entry{Event: "setup", Detail: "sandbox refreshed"})
	return nil
}

// MigrateConnectedApp does what Setup's "Migrate to External Client App" does: an external client app of the same API name
// takes over settings, key, secret and tokens, and the connected app is gone from view. That key and tokens survive is
// assumed, no document says so; that PKCE and scopes stay as they were, and the names of the new components, were seen in a
// public repository. Source: help, migrate a connected app to an external client app.
func (o *Org) MigrateConnectedApp(apiName string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	old := o.components.find("ConnectedApp", apiName)
	a := o.apps[apiName]
	if old == nil || a == nil {
		return fmt.Errorf("orgtest: MigrateConnectedApp: the org has no connected app with OAuth named %q", apiName)
	}
	draft := o.components.clone()
	delete(draft, componentKey{"ConnectedApp", apiName})
	for _, c := range migrated(apiName, old.body) {
		if r := o.apply(draft, c, rules{version: anyAPI, trusted: true}); r.problem != nil {
			return fmt.Errorf("orgtest: MigrateConnectedApp: %s: %s", c.typ, r.problem.text)
		}
	}
	o.components = draft
	a.external = true
	a.id = draft.find("ExternalClientApplication", apiName).id
	o.record(Entry{Event: "setup", App: apiName, Detail: "connected app migrated", Outcome: "ok"})
	return nil
}
