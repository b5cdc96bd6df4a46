package metadata_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/metadata"
)

func TestMergeChangesNothingInAnAppThatIsAsListed(t *testing.T) {
	for _, spec := range []metadata.AppSpec{externalSpec(), connectedSpec()} {
		live := reread(t, spec.New())
		before := files(t, live)
		if after := files(t, spec.Merge(live)); !reflect.DeepEqual(before, after) {
			t.Errorf("%s: got %v, want %v", spec.Kind, after, before)
		}
	}
}

func TestMergeChangesTheListedFieldsAndKeepsEveryOtherByte(t *testing.T) {
	live := parseText(t, "Acme_Old.connectedApp", `<?xml version="1.0" encoding="UTF-8" ?>
<!-- ours -->
<ConnectedApp xmlns="http://soap.sforce.com/2006/04/metadata">
  <contactEmail >admin@example.com</contactEmail>
  <description>a &quot;b&quot; &#233;</description>
  <label>  Acme Old </label>
  <oauthConfig>
    <callbackUrl>https://app.example.com/three
https://app.example.com/one
https://app.example.com/two</callbackUrl>
    <isNewEachYear>true</isNewEachYear>
    <isPkceRequired>true</isPkceRequired> <!-- keep -->
    <scopes>Api</scopes>
    <scopes>Basic</scopes>
    <scopes>Chatter</scopes>
  </oauthConfig>
</ConnectedApp>`)
	const want = `<?xml version="1.0" encoding="UTF-8" ?>
<!-- ours -->
<ConnectedApp xmlns="http://soap.sforce.com/2006/04/metadata">
  <contactEmail >admin@example.com</contactEmail>
  <description>a &quot;b&quot; &#233;</description>
  <label>  Acme Old </label>
  <oauthConfig>
    <callbackUrl>https://app.example.com/three
https://app.example.com/one
https://app.example.com/two</callbackUrl>
    <isAdminApproved>false</isAdminApproved>
    <isConsumerSecretOptional>false</isConsumerSecretOptional>
    <isNewEachYear>true</isNewEachYear>
    <isPkceRequired>false</isPkceRequired> <!-- keep -->
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
</ConnectedApp>`
	if got := files(t, connectedSpec().Merge(live))["connectedApps/Acme_Old.connectedApp"]; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if live.Connected.OAuthPolicy != nil || len(live.Connected.OAuthConfig.Scopes) != 3 {
		t.Error("Merge changed the live app")
	}
}

func TestMergeRefusesAnotherAppsMetadata(t *testing.T) {
	other := externalSpec()
	other.APIName = "Other"
	if _, err := other.Merge(externalSpec().New()).Package(66); err == nil || !strings.Contains(err.Error(), "APIName") {
		t.Errorf("another name: %v", err)
	}
	if _, err := connectedSpec().Merge(externalSpec().New()).Package(66); err == nil || !strings.Contains(err.Error(), "Kind") {
		t.Errorf("another kind: %v", err)
	}
}

func TestMergeKeepsTheNamesOfTheLiveComponents(t *testing.T) {
	live := externalSpec().New()
	live.OAuthPolicies.FullName = "Acme_oauth_defaultPolicy"
	spec := externalSpec()
	spec.PermittedUsers = metadata.AdminApprovedUsersOnly
	merged := spec.Merge(live)
	if got := merged.OAuthPolicies.FullName; got != "Acme_oauth_defaultPolicy" {
		t.Errorf("full name %q", got)
	}
}

func TestMergeAddsTheComponentsThatListedFieldsNeed(t *testing.T) {
	live := parseText(t, "Acme.eca", "<ExternalClientApplication"+ns+"><label>Acme</label></ExternalClientApplication>")
	merged := externalSpec().Merge(live)
	if err := merged.Validate(); err != nil {
		t.Error(err)
	}
	if got := merged.Spec(); !reflect.DeepEqual(got, externalSpec()) {
		t.Errorf("got %+v", got)
	}
}
