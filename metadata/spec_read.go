package metadata

import (
	"github.com/fullcast/sfauth/internal/salesforce"
)

// Spec returns the settings of the app in Setup's words. A value stays zero if it was not read: its component is absent, or its
// element is absent and has no documented default. Spec normalises spellings: outer white space, scope aliases, upper and lower
// case of the IP relaxation, and line ends between callback URLs. It returns a value that this package does not know as it is in
// the metadata.
//
// If one of these elements is absent, Spec uses its documented default. In an external client app: PKCE required, both secrets
// required, and the OAuth plugin on. In a connected app: PKCE not required, and the secret required for the refresh token flow.
// If the policies of an external client app disable the app or its OAuth plugin, EnableOAuth is Cleared.
func (a App) Spec() AppSpec {
	s := AppSpec{Kind: a.Kind, APIName: a.Name}
	if a.Kind == KindConnectedApp {
		s.readConnected(a.Connected)
	} else {
		s.readExternal(a)
	}
	return s
}

func (s *AppSpec) readExternal(a App) {
	if h := a.External; h != nil {
		s.Name = salesforce.Trim(h.Label)
		s.ContactEmail = salesforce.Trim(h.ContactEmail)
		s.Distribution = Distribution(spelled("ExtlClntAppDistState", salesforce.Trim(h.DistributionState)))
	}
	if o := a.OAuthSettings; o != nil {
		s.Scopes = families(splitScopes(o.CommaSeparatedOAuthScopes))
	}
	if g := a.GlobalOAuthSettings; g != nil {
		s.CallbackURLs = splitURLs(g.CallbackURL)
		s.EnableCodeAndCredentialsFlow = box(g.IsCodeCredFlowEnabled)
		s.RequirePKCE = boxOr(g.IsPKCERequired, Selected)
		s.RequireSecretForWebServerFlow = inverted(boxOr(g.IsConsumerSecretOptional, Cleared))
		s.RequireSecretForRefreshTokenFlow = boxOr(g.IsSecretRequiredForRefreshToken, Selected)
	}
	if p := a.OAuthPolicies; p != nil {
		s.PermittedUsers = read(permittedUsers, p.PermittedUsersPolicyType)
		s.IPRelaxation = read(ipRelaxations, p.IPRelaxationPolicyType)
		s.RefreshTokenPolicy.Rule = read(refreshRules, p.RefreshTokenPolicyType)
		if s.RefreshTokenPolicy.Rule.expires() {
			if p.RefreshTokenValidityPeriod != nil {
				s.RefreshTokenPolicy.Period = *p.RefreshTokenValidityPeriod
			}
			s.RefreshTokenPolicy.Unit = readUnit(p.RefreshTokenValidityUnit)
		}
	}
	if p := a.Policies; p != nil {
		s.StartPage = StartPage(spelled("ExtlClntAppStartPage", salesforce.Trim(p.StartPage)))
	}
	s.EnableOAuth = a.oauthEnabled()
}

// oauthEnabled tells whether Enable OAuth is on: both settings components are there and no policy turns it off.
func (a App) oauthEnabled() Checkbox {
	p := a.Policies
	switch {
	case p != nil && (box(p.IsOAuthPluginEnabled) == Cleared || box(p.IsEnabled) == Cleared):
		return Cleared
	case a.OAuthSettings != nil && a.GlobalOAuthSettings != nil:
		return Selected
	}
	return Untouched
}

func (s *AppSpec) readConnected(c *ConnectedApp) {
	if c == nil {
		return
	}
	s.Name = salesforce.Trim(c.Label)
	s.ContactEmail = salesforce.Trim(c.ContactEmail)
	s.EnableOAuth = Cleared
	if o := c.OAuthConfig; o != nil {
		s.EnableOAuth = Selected
		s.Scopes = families(o.Scopes)
		s.CallbackURLs = splitURLs(o.CallbackURL)
		s.EnableCodeAndCredentialsFlow = box(o.IsCodeCredentialEnabled)
		s.RequirePKCE = boxOr(o.IsPKCERequired, Cleared)
		s.RequireSecretForWebServerFlow = inverted(box(o.IsConsumerSecretOptional))
		s.RequireSecretForRefreshTokenFlow = boxOr(o.IsSecretRequiredForRefreshToken, Selected)
		switch box(o.IsAdminApproved) {
		case Selected:
			s.PermittedUsers = AdminApprovedUsersOnly
		case Cleared:
			s.PermittedUsers = AllUsersMaySelfAuthorize
		}
	}
	if p := c.OAuthPolicy; p != nil {
		s.IPRelaxation = read(ipRelaxations, p.IPRelaxation)
		s.RefreshTokenPolicy = readConnectedRefresh(p.RefreshTokenPolicy)
	}
}

func box(b *bool) Checkbox {
	switch {
	case b == nil:
		return Untouched
	case *b:
		return Selected
	}
	return Cleared
}

// boxOr reads an element that has a documented default.
func boxOr(b *bool, absent Checkbox) Checkbox {
	if b == nil {
		return absent
	}
	return box(b)
}

func inverted(c Checkbox) Checkbox {
	switch c {
	case Selected:
		return Cleared
	case Cleared:
		return Selected
	}
	return Untouched
}
