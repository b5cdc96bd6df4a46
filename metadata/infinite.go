package metadata

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// infiniteRefused is the warning about a deployment that was repeated; the org's words follow.
const infiniteRefused = "the org refuses the refresh token policy \"valid until revoked\"; \"not used for\" 30 days was deployed in its place"

// Deploy sends a package and waits until the org has finished the deployment. It asks for the state after half a second, and then
// at growing intervals of up to 10 seconds.
//
// If the deployment fails, the error is an [*Error] that wraps one [*ComponentError] for each failure. If ctx ends, the
// deployment continues in the org. The result then holds the ID of the deployment for [Org.Wait] and [Org.Cancel]. If a call
// fails and the result has no ID, the org may or may not have received the package. It is harmless to deploy the same package
// again.
//
// If the idle limit of the org is on, the org may refuse [ValidUntilRevoked]. Then Deploy sends the package once more, with
// [IdlePolicy] instead. The result and Progress are those of the second deployment. Warnings says so, with the org's words. That
// any org refuses it is *assumed*.
func (o *Org) Deploy(ctx context.Context, pkg *Package, opts DeployOptions) (DeployResult, error) {
	result, err := o.deploy(ctx, pkg, opts)
	refused := infiniteRefusal(err)
	if refused == nil {
		return result, err
	}
	instead, changed := pkg.withIdlePolicy()
	if !changed {
		return result, err
	}
	result, err = o.deploy(ctx, instead, opts)
	if err == nil {
		result.Warnings = append(result.Warnings, &ComponentError{
			Type: refused.Type, FullName: refused.FullName, File: refused.File, Problem: infiniteRefused + ": " + refused.Problem,
		})
	}
	return result, err
}

// infiniteRefusal finds the failure in which an org refuses the policy "valid until revoked"; nil when there is none. No
// document has the words, so that any complaint of the component that holds the policy about a refresh token is one.
func infiniteRefusal(err error) *ComponentError {
	var all failures
	if one := (*ComponentError)(nil); errors.As(err, &one) && !errors.As(err, &all) {
		all = failures{one}
	}
	for _, f := range all {
		if e := (*ComponentError)(nil); errors.As(f, &e) && e.refusesInfinite() {
			return e
		}
	}
	return nil
}

func (e *ComponentError) refusesInfinite() bool {
	t, _, _ := typeOfFile(e.File)
	text := strings.ToLower(e.Problem)
	return (holdsPolicy(e.Type) || holdsPolicy(t.name)) &&
		slices.ContainsFunc([]string{"infinite", "until revoked", "refresh token", "refreshtoken"}, func(word string) bool {
			return strings.Contains(text, word)
		})
}

// holdsPolicy tells the types that have a refresh token policy.
func holdsPolicy(typeName string) bool {
	return typeName == "ExtlClntAppOauthConfigurablePolicies" || typeName == "ConnectedApp"
}

// withIdlePolicy returns the package with "not used for" 30 days where it has "valid until revoked".
func (pkg *Package) withIdlePolicy() (*Package, bool) {
	instead := &Package{Version: pkg.Version, Files: slices.Clone(pkg.Files)}
	changed := false
	for i, f := range instead.Files {
		t, fullName, ok := typeOfFile(f.Name)
		if !ok || !holdsPolicy(t.name) {
			continue
		}
		p := newPart(t)
		p.FullName = fullName
		if _, err := p.read(slices.Clone(f.Data)); err != nil || !p.setIdlePolicy() {
			continue
		}
		if data, err := p.bytes(asTheServer); err == nil {
			instead.Files[i].Data, changed = data, true
		}
	}
	return instead, changed
}

// setIdlePolicy puts "not used for" 30 days in the place of "valid until revoked", and reports whether that was there.
func (p part) setIdlePolicy() bool {
	idle := IdlePolicy()
	switch c := p.v.Addr().Interface().(type) {
	case *OAuthPolicies:
		if read(refreshRules, c.RefreshTokenPolicyType) != ValidUntilRevoked {
			return false
		}
		c.RefreshTokenPolicyType = spell(refreshRules, KindExternalClientApp, idle.Rule)
		c.RefreshTokenValidityPeriod, c.RefreshTokenValidityUnit = new(idle.Period), string(idle.Unit)
		return true
	case *ConnectedApp:
		if c.OAuthPolicy == nil || readConnectedRefresh(c.OAuthPolicy.RefreshTokenPolicy).Rule != ValidUntilRevoked {
			return false
		}
		c.OAuthPolicy.RefreshTokenPolicy = connectedRefresh(idle)
		return true
	}
	return false
}
