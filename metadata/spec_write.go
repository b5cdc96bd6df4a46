package metadata

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// New returns a new app with the listed fields and the elements that the schema requires. Components are named as Setup names
// them. New returns no error. But [App.Package] refuses the app if [AppSpec.Validate] refuses the spec, or if the spec lacks a
// value that a new app needs: name, contact email, and callback URLs if OAuth is enabled.
func (s AppSpec) New() App {
	a := App{Kind: s.Kind, Name: s.APIName}
	a.fault = errors.Join(s.Validate(), s.validNew())
	s.write(&a, AppSpec{})
	return a
}

// Merge returns a copy of a live app in which the listed fields are changed. If a field already means the listed value, its bytes
// stay. All fields that are not listed stay, too. Components keep their names. If a listed field needs a component that the live
// app lacks, Merge adds it. Merge never replaces ExpireIfUnused with 30 days or more by ValidUntilRevoked: Salesforce changes the
// second into the first if the idle limit is on.
func (s AppSpec) Merge(live App) App {
	a := live.Clone()
	errs := []error{s.validate("")} // the name of an app that is there is no fault, whatever it is
	if live.Kind != s.Kind {
		errs = append(errs, specError("Kind", "is "+string(s.Kind)+", the live app's is "+string(live.Kind)))
	}
	if live.Name != s.APIName {
		errs = append(errs, specError("APIName", "is "+quoted(s.APIName)+", the live app's is "+quoted(live.Name)))
	}
	if a.fault = errors.Join(errs...); a.fault == nil {
		s.write(&a, live.Spec())
	}
	return a
}

// write sets the listed fields that differ from what the app has.
func (s AppSpec) write(a *App, has AppSpec) {
	if s.Kind == KindConnectedApp {
		s.writeConnected(a, has)
	} else {
		s.writeExternal(a, has)
	}
}

func (s AppSpec) writeExternal(a *App, has AppSpec) {
	w := externalWriter{a}
	if a.External == nil {
		a.External = &ExternalClientApplication{Component: Component{FullName: a.Name}}
	}
	if name := strings.TrimSpace(s.Name); name != "" && name != has.Name {
		a.External.Label = name
	}
	if email := strings.TrimSpace(s.ContactEmail); email != "" && email != has.ContactEmail {
		a.External.ContactEmail = email
	}
	if differs(s.Distribution, has.Distribution) {
		a.External.DistributionState = string(s.Distribution)
	}
	if differs(s.EnableOAuth, has.EnableOAuth) {
		w.policies().IsOAuthPluginEnabled = s.EnableOAuth.bool()
		if s.EnableOAuth == Selected {
			w.policies().IsEnabled = new(true)
			w.oauth()
			w.global()
		}
	}
	if len(s.Scopes) > 0 && !sameSet(families(s.Scopes), has.Scopes) {
		var words []string
		for _, scope := range inOrder(s.Scopes) {
			if scope == scopePlatform {
				scope = "SFApiPlatform"
			}
			words = append(words, string(scope))
		}
		w.oauth().CommaSeparatedOAuthScopes = strings.Join(words, ", ")
	}
	if len(s.CallbackURLs) > 0 && !sameSet(s.CallbackURLs, has.CallbackURLs) {
		w.global().CallbackURL = strings.Join(s.CallbackURLs, "\n")
	}
	if differs(s.EnableCodeAndCredentialsFlow, has.EnableCodeAndCredentialsFlow) {
		w.global().IsCodeCredFlowEnabled = s.EnableCodeAndCredentialsFlow.bool()
	}
	if differs(s.RequirePKCE, has.RequirePKCE) {
		w.global().IsPKCERequired = s.RequirePKCE.bool()
	}
	if differs(s.RequireSecretForWebServerFlow, has.RequireSecretForWebServerFlow) {
		w.global().IsConsumerSecretOptional = inverted(s.RequireSecretForWebServerFlow).bool()
	}
	if differs(s.RequireSecretForRefreshTokenFlow, has.RequireSecretForRefreshTokenFlow) {
		w.global().IsSecretRequiredForRefreshToken = s.RequireSecretForRefreshTokenFlow.bool()
	}
	if differs(s.StartPage, has.StartPage) {
		w.policies().StartPage = string(s.StartPage)
	}
	if differs(s.PermittedUsers, has.PermittedUsers) {
		w.oauthPolicies().PermittedUsersPolicyType = spell(permittedUsers, s.Kind, s.PermittedUsers)
	}
	if differs(s.IPRelaxation, has.IPRelaxation) {
		w.oauthPolicies().IPRelaxationPolicyType = spell(ipRelaxations, s.Kind, s.IPRelaxation)
	}
	if differs(s.RefreshTokenPolicy, has.RefreshTokenPolicy) && !s.RefreshTokenPolicy.keeps(has.RefreshTokenPolicy) {
		p := w.oauthPolicies()
		p.RefreshTokenPolicyType = spell(refreshRules, s.Kind, s.RefreshTokenPolicy.Rule)
		p.RefreshTokenValidityPeriod, p.RefreshTokenValidityUnit = nil, ""
		if s.RefreshTokenPolicy.Rule.expires() {
			p.RefreshTokenValidityPeriod = new(s.RefreshTokenPolicy.Period)
			p.RefreshTokenValidityUnit = string(s.RefreshTokenPolicy.Unit)
		}
	}
}

// externalWriter makes a component when the first field needs it.
type externalWriter struct{ *App }

func (w externalWriter) named(suffix string) Component { return Component{FullName: w.Name + suffix} }

func (w externalWriter) oauth() *OAuthSettings {
	if w.OAuthSettings == nil {
		w.OAuthSettings = &OAuthSettings{Component: w.named("_oauth"), ExternalClientApplication: w.Name}
	}
	return w.OAuthSettings
}

func (w externalWriter) global() *GlobalOAuthSettings {
	if w.GlobalOAuthSettings == nil {
		w.GlobalOAuthSettings = &GlobalOAuthSettings{Component: w.named("_glbloauth"), ExternalClientApplication: w.Name}
	}
	return w.GlobalOAuthSettings
}

func (w externalWriter) oauthPolicies() *OAuthPolicies {
	if w.OAuthPolicies == nil {
		w.OAuthPolicies = &OAuthPolicies{Component: w.named("_oauthPlcy"), ExternalClientApplication: w.Name}
	}
	return w.OAuthPolicies
}

func (w externalWriter) policies() *Policies {
	if w.Policies == nil {
		w.Policies = &Policies{Component: w.named("_plcy"), ExternalClientApplication: w.Name, IsEnabled: new(true)}
	}
	return w.Policies
}

func (s AppSpec) writeConnected(a *App, has AppSpec) {
	if a.Connected == nil {
		a.Connected = &ConnectedApp{Component: Component{FullName: a.Name}}
	}
	c := a.Connected
	oauth := func() *ConnectedOAuthConfig {
		if c.OAuthConfig == nil {
			c.OAuthConfig = &ConnectedOAuthConfig{}
		}
		return c.OAuthConfig
	}
	policy := func() *ConnectedOAuthPolicy {
		if c.OAuthPolicy == nil { // the schema requires both elements: the documented defaults
			c.OAuthPolicy = &ConnectedOAuthPolicy{IPRelaxation: "ENFORCE", RefreshTokenPolicy: "infinite"}
		}
		return c.OAuthPolicy
	}
	if name := strings.TrimSpace(s.Name); name != "" && name != has.Name {
		c.Label = name
	}
	if email := strings.TrimSpace(s.ContactEmail); email != "" && email != has.ContactEmail {
		c.ContactEmail = email
	}
	switch {
	case !differs(s.EnableOAuth, has.EnableOAuth):
	case s.EnableOAuth == Selected:
		oauth()
	default:
		c.OAuthConfig = nil
	}
	if len(s.Scopes) > 0 && !sameSet(families(s.Scopes), has.Scopes) {
		oauth().Scopes = inOrder(s.Scopes)
	}
	if len(s.CallbackURLs) > 0 && !sameSet(s.CallbackURLs, has.CallbackURLs) {
		oauth().CallbackURL = strings.Join(s.CallbackURLs, "\n")
	}
	if differs(s.EnableCodeAndCredentialsFlow, has.EnableCodeAndCredentialsFlow) {
		oauth().IsCodeCredentialEnabled = s.EnableCodeAndCredentialsFlow.bool()
	}
	if differs(s.RequirePKCE, has.RequirePKCE) {
		oauth().IsPKCERequired = s.RequirePKCE.bool()
	}
	if differs(s.RequireSecretForWebServerFlow, has.RequireSecretForWebServerFlow) {
		oauth().IsConsumerSecretOptional = inverted(s.RequireSecretForWebServerFlow).bool()
	}
	if differs(s.RequireSecretForRefreshTokenFlow, has.RequireSecretForRefreshTokenFlow) {
		oauth().IsSecretRequiredForRefreshToken = s.RequireSecretForRefreshTokenFlow.bool()
	}
	if differs(s.PermittedUsers, has.PermittedUsers) {
		oauth().IsAdminApproved = new(spell(permittedUsers, s.Kind, s.PermittedUsers) == "true")
	}
	if differs(s.IPRelaxation, has.IPRelaxation) {
		policy().IPRelaxation = spell(ipRelaxations, s.Kind, s.IPRelaxation)
	}
	if differs(s.RefreshTokenPolicy, has.RefreshTokenPolicy) && !s.RefreshTokenPolicy.keeps(has.RefreshTokenPolicy) {
		policy().RefreshTokenPolicy = connectedRefresh(s.RefreshTokenPolicy)
	}
}

// differs tells whether a field is listed and not yet so.
func differs[T comparable](want, has T) bool {
	var unlisted T
	return want != unlisted && want != has
}

// sameSet compares without regard to order. An element that stands twice is not the same as once.
func sameSet[T cmp.Ordered](a, b []T) bool {
	return len(a) == len(b) && slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// inOrder returns the scopes in Salesforce's order, those it does not know last.
func inOrder(scopes []Scope) []Scope {
	out := families(scopes)
	slices.SortStableFunc(out, func(a, b Scope) int { return a.rank() - b.rank() })
	return out
}

func (s Scope) rank() int {
	if i := strings.Index(scopeOrder, " "+string(s)+" "); i >= 0 {
		return i
	}
	return len(scopeOrder)
}

func (c Checkbox) bool() *bool { return new(c == Selected) }

func specError(name, text string) error {
	return &Error{Op: "validate", Name: "AppSpec." + name, Err: fmt.Errorf("%s", text)}
}
