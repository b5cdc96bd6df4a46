package orgtest

import (
	"fmt"
	"slices"
	"time"
)

// stagedLife is how long staged credentials wait and how long the previous ones stay valid after a rotation.
// Source: help, stage OAuth credentials of an external client app (30 days).
const stagedLife = 30 * 24 * time.Hour

// rotate replaces the key or the secret of an app at once, as the shouldRotate flags of a deploy do. Nothing is left of the
// old one, and tokens got with an old key are of no use to a client with the new one (assumed; docs call it a replacement).
func (o *Org) rotate(global *node) {
	a := o.apps[global.value("externalClientApplication")]
	if global == nil || a == nil {
		return
	}
	next := *a.current()
	if global.is("shouldRotateConsumerKey") {
		next.key = newKey()
	}
	if global.is("shouldRotateConsumerSecret") {
		next.secret = newSecret()
	}
	a.sets[0] = &next
}

// StageCredentials makes a second consumer key and secret for an external client app, as Setup does under "Stage Consumer
// Details". They do not work before [Org.RotateCredentials].
func (o *Org) StageCredentials(apiName string) (consumerKey, consumerSecret string, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	a := o.apps[apiName]
	if a == nil || !a.external {
		return "", "", fmt.Errorf("orgtest: no external client app with OAuth is named %q", apiName)
	}
	set, err := o.stage(a)
	if err != nil {
		return "", "", err
	}
	return set.key, set.secret, nil
}

// stage allows one staged set at a time (docs, chatterapi staged credentials).
func (o *Org) stage(a *app) (*credentials, error) {
	if slices.ContainsFunc(a.sets, func(c *credentials) bool { return c.staged }) {
		return nil, fmt.Errorf("orgtest: %s has staged credentials already", a.name)
	}
	set := &credentials{id: o.newID("888"), key: newKey(), secret: newSecret(), staged: true, until: o.now().Add(stagedLife)}
	a.sets = append(a.sets, set)
	o.record(Entry{Event: "credentials staged", App: a.name})
	return set, nil
}

// RotateCredentials makes the staged credentials of an external client app the current ones. The previous key and secret
// work for 30 more days, and so do the tokens they brought (assumed).
func (o *Org) RotateCredentials(apiName string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	a := o.apps[apiName]
	if a == nil {
		return fmt.Errorf("orgtest: no app with OAuth is named %q", apiName)
	}
	return o.promote(a)
}

func (o *Org) promote(a *app) error {
	i := slices.IndexFunc(a.sets, func(c *credentials) bool { return c.staged && o.now().Before(c.until) })
	if i < 0 {
		return fmt.Errorf("orgtest: %s has no staged credentials", a.name)
	}
	previous := a.sets[0]
	previous.until = o.now().Add(stagedLife)
	staged := a.sets[i]
	staged.staged, staged.until = false, time.Time{}
	a.sets = []*credentials{staged, previous}
	o.record(Entry{Event: "credentials rotated", App: a.name})
	return nil
}
