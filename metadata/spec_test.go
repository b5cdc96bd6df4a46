package metadata_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/metadata"
)

var callbacks = []string{"https://app.example.com/one", "https://app.example.com/two", "https://app.example.com/three"}

func externalSpec() metadata.AppSpec {
	return metadata.AppSpec{
		Kind: metadata.KindExternalClientApp, Name: "Acme", APIName: "Acme", ContactEmail: "admin@example.com",
		Distribution: metadata.DistributionLocal,
		EnableOAuth:  metadata.Selected,
		CallbackURLs: callbacks,
		Scopes: []metadata.Scope{metadata.ScopeBasic, metadata.ScopeAPI, metadata.ScopeWeb, metadata.ScopeFull,
			metadata.ScopeRefreshToken, metadata.ScopeOpenID},
		EnableCodeAndCredentialsFlow:     metadata.Selected,
		RequirePKCE:                      metadata.Selected,
		RequireSecretForWebServerFlow:    metadata.Selected,
		RequireSecretForRefreshTokenFlow: metadata.Selected,
		StartPage:                        metadata.StartPageNone,
		PermittedUsers:                   metadata.AllUsersMaySelfAuthorize,
		IPRelaxation:                     metadata.EnforceIPRelaxForRefreshTokens,
		RefreshTokenPolicy:               metadata.RefreshTokenPolicy{Rule: metadata.ValidUntilRevoked},
	}
}

func connectedSpec() metadata.AppSpec {
	s := externalSpec()
	s.Kind, s.Name, s.APIName = metadata.KindConnectedApp, "Acme Old", "Acme_Old"
	s.Distribution, s.StartPage, s.EnableCodeAndCredentialsFlow = "", "", metadata.Untouched
	s.RequirePKCE = metadata.Cleared
	s.Scopes = s.Scopes[:5]
	return s
}

func files(t *testing.T, a metadata.App) map[string]string {
	t.Helper()
	pkg, err := a.Package(66)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, f := range pkg.Files {
		out[f.Name] = string(f.Data)
	}
	return out
}

func TestANewExternalClientAppHoldsTheListedElementsAndWhatTheSchemaRequires(t *testing.T) {
	const head = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	want := map[string]string{
		"externalClientApps/Acme.eca": head + `<ExternalClientApplication xmlns="http://soap.sforce.com/2006/04/metadata">
    <contactEmail>admin@example.com</contactEmail>
    <distributionState>Local</distributionState>
    <label>Acme</label>
</ExternalClientApplication>
`,
		"extlClntAppOauthSettings/Acme_oauth.ecaOauth": head + `<ExtlClntAppOauthSettings xmlns="http://soap.sforce.com/2006/04/metadata">
    <commaSeparatedOauthScopes>Basic, Api, Web, Full, RefreshToken, OpenID</commaSeparatedOauthScopes>
    <externalClientApplication>Acme</externalClientApplication>
</ExtlClntAppOauthSettings>
`,
		"extlClntAppGlobalOauthSets/Acme_glbloauth.ecaGlblOauth": head + `<ExtlClntAppGlobalOauthSettings xmlns="http://soap.sforce.com/2006/04/metadata">
    <callbackUrl>https://app.example.com/one
https://app.example.com/two
https://app.example.com/three</callbackUrl>
    <externalClientApplication>Acme</externalClientApplication>
    <isCodeCredFlowEnabled>true</isCodeCredFlowEnabled>
    <isConsumerSecretOptional>false</isConsumerSecretOptional>
    <isPkceRequired>true</isPkceRequired>
    <isSecretRequiredForRefreshToken>true</isSecretRequiredForRefreshToken>
</ExtlClntAppGlobalOauthSettings>
`,
		"extlClntAppOauthPolicies/Acme_oauthPlcy.ecaOauthPlcy": head + `<ExtlClntAppOauthConfigurablePolicies xmlns="http://soap.sforce.com/2006/04/metadata">
    <externalClientApplication>Acme</externalClientApplication>
    <ipRelaxationPolicyType>Enforce_relaxrefresh</ipRelaxationPolicyType>
    <permittedUsersPolicyType>AllSelfAuthorized</permittedUsersPolicyType>
    <refreshTokenPolicyType>Infinite</refreshTokenPolicyType>
</ExtlClntAppOauthConfigurablePolicies>
`,
		"extlClntAppPolicies/Acme_plcy.ecaPlcy": head + `<ExtlClntAppConfigurablePolicies xmlns="http://soap.sforce.com/2006/04/metadata">
    <externalClientApplication>Acme</externalClientApplication>
    <isEnabled>true</isEnabled>
    <isOauthPluginEnabled>true</isOauthPluginEnabled>
    <startPage>None</startPage>
</ExtlClntAppConfigurablePolicies>
`,
		"package.xml": head + `<Package xmlns="http://soap.sforce.com/2006/04/metadata">
    <types>
        <members>Acme</members>
        <name>ExternalClientApplication</name>
    </types>
    <types>
        <members>Acme_plcy</members>
        <name>ExtlClntAppConfigurablePolicies</name>
    </types>
    <types>
        <members>Acme_glbloauth</members>
        <name>ExtlClntAppGlobalOauthSettings</name>
    </types>
    <types>
        <members>Acme_oauthPlcy</members>
        <name>ExtlClntAppOauthConfigurablePolicies</name>
    </types>
    <types>
        <members>Acme_oauth</members>
        <name>ExtlClntAppOauthSettings</name>
    </types>
    <version>66.0</version>
</Package>
`,
	}
	got := files(t, externalSpec().New())
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s is\n%s\nwant\n%s", name, got[name], text)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d files, want %d", len(got), len(want))
	}
}

func TestANewConnectedAppHoldsTheListedElementsAndWhatTheSchemaRequires(t *testing.T) {
	const want = `<?xml version="1.0" encoding="UTF-8"?>
<ConnectedApp xmlns="http://soap.sforce.com/2006/04/metadata">
    <contactEmail>admin@example.com</contactEmail>
    <label>Acme Old</label>
    <oauthConfig>
        <callbackUrl>https://app.example.com/one
https://app.example.com/two
https://app.example.com/three</callbackUrl>
        <isAdminApproved>false</isAdminApproved>
        <isConsumerSecretOptional>false</isConsumerSecretOptional>
        <isPkceRequired>false</isPkceRequired>
        <isSecretRequiredForRefreshToken>true</isSecretRequiredForRefreshToken>
        <scopes>Basic</scopes>
        <scopes>Api</scopes>
        <scopes>Web</scopes>
        <scopes>Full</scopes>
        <scopes>RefreshToken</scopes>
    </oauthConfig>
    <oauthPolicy>
        <ipRelaxation>ENFORCE_RELAXREFRESH</ipRelaxation>
        <refreshTokenPolicy>infinite</refreshTokenPolicy>
    </oauthPolicy>
</ConnectedApp>
`
	if got := files(t, connectedSpec().New())["connectedApps/Acme_Old.connectedApp"]; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSpecReadsBackWhatNewWrote(t *testing.T) {
	minimal := func(k metadata.Kind) metadata.AppSpec {
		return metadata.AppSpec{Kind: k, Name: "A", APIName: "A", ContactEmail: "a@example.com"}
	}
	relaxed, strict := externalSpec(), connectedSpec()
	relaxed.IPRelaxation, relaxed.PermittedUsers = metadata.RelaxIPForActivatedDevices, metadata.AdminApprovedUsersOnly
	relaxed.RefreshTokenPolicy = metadata.RefreshTokenPolicy{Rule: metadata.ExpireIfUnused, Period: 90, Unit: metadata.Days}
	relaxed.RequirePKCE, relaxed.RequireSecretForWebServerFlow = metadata.Cleared, metadata.Cleared
	relaxed.Scopes = append(relaxed.Scopes, "SFAP", "MCP")
	strict.IPRelaxation, strict.PermittedUsers = metadata.RelaxIPRestrictions, metadata.AdminApprovedUsersOnly
	strict.RefreshTokenPolicy = metadata.RefreshTokenPolicy{Rule: metadata.ExpireAfter, Period: 60, Unit: metadata.Months}
	strict.EnableCodeAndCredentialsFlow, strict.RequireSecretForRefreshTokenFlow = metadata.Selected, metadata.Cleared
	strict.Scopes = append(strict.Scopes, "SFAP")

	connected := minimal(metadata.KindConnectedApp)
	connected.EnableOAuth = metadata.Cleared // no oauthConfig says just that
	for _, test := range []struct {
		name string
		spec metadata.AppSpec
	}{
		{"an external client app with everything listed", externalSpec()},
		{"an external client app with the other choices", relaxed},
		{"an external client app without OAuth", minimal(metadata.KindExternalClientApp)},
		{"a connected app with everything listed", connectedSpec()},
		{"a connected app with the other choices", strict},
		{"a connected app without OAuth", connected},
	} {
		t.Run(test.name, func(t *testing.T) {
			app := test.spec.New()
			if err := app.Validate(); err != nil {
				t.Fatal(err)
			}
			if got := app.Spec(); !reflect.DeepEqual(got, test.spec) {
				t.Errorf("in memory: got %+v, want %+v", got, test.spec)
			}
			if got := reread(t, app).Spec(); !reflect.DeepEqual(got, test.spec) {
				t.Errorf("from the zip: got %+v, want %+v", got, test.spec)
			}
		})
	}
}

// reread sends an app through its package.
func reread(t *testing.T, a metadata.App) metadata.App {
	t.Helper()
	pkg, err := a.Package(66)
	if err != nil {
		t.Fatal(err)
	}
	data, err := pkg.Zip()
	if err != nil {
		t.Fatal(err)
	}
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	apps, err := metadata.Parse(r)
	if err != nil || len(apps) != 1 {
		t.Fatalf("%d apps, error %v", len(apps), err)
	}
	return apps[0]
}

func TestSpecNormalisesWhatMeansTheSame(t *testing.T) {
	const ns = ` xmlns="http://soap.sforce.com/2006/04/metadata"`
	parse := func(name, data string) metadata.AppSpec {
		app, err := metadata.ParseFile(name, []byte(data))
		if err != nil {
			t.Fatal(err)
		}
		return app.Spec()
	}
	old := func(inner string) metadata.AppSpec {
		return parse("A.connectedApp", "<ConnectedApp"+ns+">"+inner+"</ConnectedApp>")
	}
	plcy := func(inner string) metadata.AppSpec {
		return parse("A.ecaOauthPlcy", "<ExtlClntAppOauthConfigurablePolicies"+ns+">"+inner+"</ExtlClntAppOauthConfigurablePolicies>")
	}
	for _, test := range []struct {
		name      string
		got, want any
	}{
		{"outer white space of a label", old("<label> A B </label>").Name, "A B"},
		{"CR LF between callback URLs", old("<oauthConfig><callbackUrl>https://a/x\r\n https://a/y&#xD;https://a/z</callbackUrl></oauthConfig>").CallbackURLs,
			[]string{"https://a/x", "https://a/y", "https://a/z"}},
		{"scope aliases", old("<oauthConfig><scopes>Profile</scopes><scopes>Phone</scopes><scopes>OfflineAccess</scopes></oauthConfig>").Scopes,
			[]metadata.Scope{metadata.ScopeBasic, metadata.ScopeRefreshToken}},
		{"the documents' spelling of the IP relaxation", plcy("<ipRelaxationPolicyType>Enforce_RelaxRefresh</ipRelaxationPolicyType>").IPRelaxation,
			metadata.EnforceIPRelaxForRefreshTokens},
		{"a period that Infinite does not use", plcy("<refreshTokenPolicyType>Infinite</refreshTokenPolicyType><refreshTokenValidityPeriod>30</refreshTokenValidityPeriod>").RefreshTokenPolicy,
			metadata.RefreshTokenPolicy{Rule: metadata.ValidUntilRevoked}},
		{"a value nobody knows stays visible", plcy("<permittedUsersPolicyType>AdminApprovedUsers</permittedUsersPolicyType>").PermittedUsers,
			metadata.PermittedUsers("AdminApprovedUsers")},
		{"absent, with a documented default", old("<oauthConfig/>").RequireSecretForRefreshTokenFlow, metadata.Selected},
		{"absent, with no documented default", old("<oauthConfig/>").RequireSecretForWebServerFlow, metadata.Untouched},
	} {
		if !reflect.DeepEqual(test.got, test.want) {
			t.Errorf("%s: got %#v, want %#v", test.name, test.got, test.want)
		}
	}
}

func TestValidateNamesEveryBadField(t *testing.T) {
	s := externalSpec()
	s.APIName, s.ContactEmail, s.IPRelaxation = "Acme App", "nobody", "Enforce"
	s.CallbackURLs = []string{"https://a.example/x y", "/relative", "https://a.example/", "https://a.example/"}
	s.Scopes = []metadata.Scope{"api", "SFAP"}
	s.RefreshTokenPolicy = metadata.RefreshTokenPolicy{Rule: metadata.ExpireAfter, Unit: "Weeks"}
	err := s.Validate()
	for _, want := range []string{"APIName", "ContactEmail", "IPRelaxation", "CallbackURLs[0]", "CallbackURLs[1]", "CallbackURLs[3]",
		"Scopes[0]: is spelled Api", "RefreshTokenPolicy.Period", "RefreshTokenPolicy.Unit"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error does not name %s: %v", want, err)
		}
	}
	var e *metadata.Error
	if _, err := s.New().Package(66); !errors.As(err, &e) || e.Op != "validate" {
		t.Errorf("Package of an app from it: %v", err)
	}
	if _, err := (metadata.AppSpec{Kind: metadata.KindConnectedApp, APIName: "A"}).New().Package(66); err == nil {
		t.Error("a new app without name and contact email was packaged")
	}
}

// parseText parses one file.
func parseText(t *testing.T, name, text string) metadata.App {
	t.Helper()
	app, err := metadata.ParseFile(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return app
}

func TestNewAppsAreValidBySalesforcesSchema(t *testing.T) {
	schema := needs.Folder(t, "SFAUTH_SCHEMA")
	lint := needs.Program(t, "xmllint")
	for _, spec := range []metadata.AppSpec{externalSpec(), connectedSpec()} {
		dir := t.TempDir()
		args := []string{"--noout", "--schema", filepath.Join(schema, "salesforce-metadata-66.0.xsd")}
		for name, text := range files(t, spec.New()) {
			path := filepath.Join(dir, filepath.Base(name))
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			args = append(args, path)
		}
		if out, err := exec.Command(lint, args...).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

func TestAZipHasTheSameBytesEveryTime(t *testing.T) {
	zipOf := func() []byte {
		pkg, err := externalSpec().New().Package(66)
		if err != nil {
			t.Fatal(err)
		}
		data, err := pkg.Zip()
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	first := zipOf()
	if !bytes.Equal(first, zipOf()) {
		t.Error("two zips of one app differ")
	}
	r, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`^package\.xml$|^[a-zA-Z]+/Acme[a-zA-Z_]*\.eca[a-zA-Z]*$`)
	for i, f := range r.File {
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if data, err := io.ReadAll(rc); err != nil || len(data) == 0 {
			t.Errorf("%s: %d bytes, %v", f.Name, len(data), err)
		}
		if !name.MatchString(f.Name) || (i == 0) != (f.Name == "package.xml") {
			t.Errorf("entry %d is named %q", i, f.Name)
		}
		if f.Flags&0x8 != 0 {
			t.Errorf("%s has its size behind the data, which Java cannot read", f.Name)
		}
	}
}

func TestAPINamesAndSpellingsThatSalesforceRefuses(t *testing.T) {
	for name, ok := range map[string]bool{"Acme": true, "acme_2": true, "ns__Acme": true, "": false, "2Acme": false, "_Acme": false, "Acme_": false, "Ac me": false, "Äcme": false} {
		s := externalSpec()
		s.APIName = name
		if err := s.Validate(); (err == nil) != ok {
			t.Errorf("API name %q: %v", name, err)
		}
	}
	for scope, ok := range map[metadata.Scope]bool{"Api": true, "OfflineAccess": true, "Profile": true, "BrandNew2": true,
		"api": false, "refresh_token": false, "API": false, "openid": false, "": false, "Chatter Api": false} {
		s := externalSpec()
		s.Scopes = []metadata.Scope{scope}
		if err := s.Validate(); (err == nil) != ok {
			t.Errorf("scope %q: %v", scope, err)
		}
	}
}

func TestScopesHaveSetupsLabelAndTheWireWord(t *testing.T) {
	for scope, want := range map[metadata.Scope][2]string{
		metadata.ScopeAPI: {"Manage user data via APIs (api)", "api"},
		"OfflineAccess":   {"Perform requests at any time (refresh_token, offline_access)", "refresh_token"},
		"Wave":            {"Wave", ""},
	} {
		if got := [2]string{scope.Label(), scope.Wire()}; got != want {
			t.Errorf("%s: %q, want %q", scope, got, want)
		}
	}
}
