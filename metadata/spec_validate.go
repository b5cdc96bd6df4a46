package metadata

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"unicode"
)

// maxCallbacks is how long all callback URLs together may be, in characters.
//
// Source: Salesforce Help, Configure the External Client App OAuth Settings.
const maxCallbacks = 2000

// Validate checks the listed fields by the rules that this package knows. Kind and APIName are required. Every other field may be
// zero; [App.Package] checks what a new app needs. Validate returns nil, or an error that joins one *[Error] for each bad field.
// Salesforce may have further rules: for example, Validate accepts a callback URL with any scheme, because apps on devices have
// their own.
func (s AppSpec) Validate() error { return s.validate(apiNameFault(s.APIName)) }

// validate judges all but the API name, whose fault it is told.
func (s AppSpec) validate(nameFault string) error {
	var errs []error
	bad := func(name, text string) { errs = append(errs, specError(name, text)) }

	if s.Kind != KindExternalClientApp && s.Kind != KindConnectedApp {
		bad("Kind", "is neither KindExternalClientApp nor KindConnectedApp")
	}
	if nameFault != "" {
		bad("APIName", nameFault)
	}
	if strings.ContainsFunc(s.Name, unicode.IsControl) {
		bad("Name", "holds a control character")
	}
	if email := strings.TrimSpace(s.ContactEmail); email != "" {
		user, host, _ := strings.Cut(email, "@")
		if user == "" || !strings.Contains(strings.Trim(host, "."), ".") || strings.ContainsAny(email, " \t\r\n,;<>") || strings.Contains(host, "@") {
			bad("ContactEmail", "is not one email address")
		}
	}
	switch s.Distribution {
	case "", DistributionLocal, DistributionPackaged, "Managed", "AutoInstalled":
	default:
		bad("Distribution", "is no distribution state of Salesforce's")
	}
	switch s.StartPage {
	case "", StartPageNone, StartPageCustom, StartPageOAuth, StartPageSAML:
	default:
		bad("StartPage", "is no start page of Salesforce's")
	}
	if s.Kind == KindConnectedApp && s.Distribution != "" {
		bad("Distribution", "is listed, but connected apps have none")
	}
	if s.Kind == KindConnectedApp && s.StartPage != "" {
		bad("StartPage", "is listed, but connected apps have none")
	}
	if s.PermittedUsers != "" && !known(permittedUsers, s.PermittedUsers) {
		bad("PermittedUsers", "is no choice of Setup's")
	}
	if s.IPRelaxation != "" && !known(ipRelaxations, s.IPRelaxation) {
		bad("IPRelaxation", "is no choice of Setup's")
	}
	s.RefreshTokenPolicy.validate(bad)
	s.validateOAuth(bad)
	return errors.Join(errs...)
}

func (s AppSpec) validateOAuth(bad func(name, text string)) {
	seen := map[string]bool{}
	for i, u := range s.CallbackURLs {
		name := "CallbackURLs[" + strconv.Itoa(i) + "]"
		if text := callbackFault(u); text != "" {
			bad(name, text)
		}
		if seen[u] {
			bad(name, "stands there a second time")
		}
		seen[u] = true
	}
	if n := len(strings.Join(s.CallbackURLs, "\n")); n > maxCallbacks {
		bad("CallbackURLs", "are "+strconv.Itoa(n)+" characters long together; Salesforce takes "+strconv.Itoa(maxCallbacks))
	}
	for i, scope := range s.Scopes {
		if text := scope.fit(); text != "" {
			bad("Scopes["+strconv.Itoa(i)+"]", text)
		}
	}
	for _, c := range []struct {
		name string
		box  Checkbox
	}{
		{"EnableOAuth", s.EnableOAuth}, {"RequirePKCE", s.RequirePKCE},
		{"EnableCodeAndCredentialsFlow", s.EnableCodeAndCredentialsFlow},
		{"RequireSecretForWebServerFlow", s.RequireSecretForWebServerFlow},
		{"RequireSecretForRefreshTokenFlow", s.RequireSecretForRefreshTokenFlow},
		{"AllowCreationOfConnectedApps", s.AllowCreationOfConnectedApps},
	} {
		if c.box > Cleared {
			bad(c.name, "is neither Untouched, Selected nor Cleared")
		}
	}
	if s.EnableOAuth == Cleared && (len(s.CallbackURLs) > 0 || len(s.Scopes) > 0) {
		bad("EnableOAuth", "is Cleared, but OAuth settings are listed")
	}
}

// validNew reports what only a new app needs.
func (s AppSpec) validNew() error {
	var errs []error
	if strings.TrimSpace(s.Name) == "" {
		errs = append(errs, specError("Name", "is required for a new app"))
	}
	if strings.TrimSpace(s.ContactEmail) == "" {
		errs = append(errs, specError("ContactEmail", "is required for a new app"))
	}
	if s.EnableOAuth == Selected && len(s.CallbackURLs) == 0 {
		errs = append(errs, specError("CallbackURLs", "are required for a new app with OAuth"))
	}
	return errors.Join(errs...)
}

func (p RefreshTokenPolicy) validate(bad func(name, text string)) {
	if p == (RefreshTokenPolicy{}) {
		return
	}
	if !known(refreshRules, p.Rule) {
		bad("RefreshTokenPolicy.Rule", "is no choice of Setup's")
		return
	}
	if !p.Rule.expires() {
		if p.Period != 0 || p.Unit != "" {
			bad("RefreshTokenPolicy", "has a period or unit, which this rule has not")
		}
		return
	}
	if p.Period < 1 {
		bad("RefreshTokenPolicy.Period", "must be 1 or more with this rule")
	}
	if p.Unit != Hours && p.Unit != Days && p.Unit != Months {
		bad("RefreshTokenPolicy.Unit", "must be Hours, Days or Months")
	}
}

func apiNameFault(name string) string {
	switch {
	case name == "":
		return "is required"
	case strings.HasSuffix(name, "_"):
		return "ends in an underscore"
	case !asciiLetter(rune(name[0])):
		return "does not begin with a letter"
	case strings.ContainsFunc(name, func(r rune) bool { return !asciiLetter(r) && (r < '0' || r > '9') && r != '_' }):
		return "holds more than ASCII letters, digits and underscores"
	}
	return ""
}

func asciiLetter(r rune) bool { return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' }

// callbackFault accepts any scheme: apps on devices have their own.
func callbackFault(raw string) string {
	if strings.ContainsFunc(raw, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return "holds white space; one URL an entry"
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme == "" || u.Host == "" && u.Opaque == "" && u.Path == "" {
		return "is not an absolute URL"
	}
	return ""
}
