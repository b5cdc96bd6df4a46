package metadata_test

import (
	"strings"
	"testing"

	"github.com/fullcast/sfauth/metadata"
)

// TestEverySpellingOfAChoiceIsReadAndTheServersIsWritten covers each choice of Setup that the two kinds of app spell in
// metadata in their own ways.
//
// Source: Metadata API, ExtlClntAppOauthConfigurablePolicies and ConnectedApp; for Enforce_relaxrefresh what a live org
// writes, where the document has Enforce_RelaxRefresh.
func TestEverySpellingOfAChoiceIsReadAndTheServersIsWritten(t *testing.T) {
	ip := func(c metadata.IPRelaxation) metadata.AppSpec { return metadata.AppSpec{IPRelaxation: c} }
	users := func(c metadata.PermittedUsers) metadata.AppSpec { return metadata.AppSpec{PermittedUsers: c} }
	refresh := func(rule metadata.RefreshTokenRule) metadata.AppSpec {
		return metadata.AppSpec{RefreshTokenPolicy: metadata.RefreshTokenPolicy{Rule: rule}}
	}
	specific := func(rule metadata.RefreshTokenRule, unit metadata.RefreshUnit) metadata.AppSpec {
		return metadata.AppSpec{RefreshTokenPolicy: metadata.RefreshTokenPolicy{Rule: rule, Period: 7, Unit: unit}}
	}
	for _, test := range []struct {
		choice              metadata.AppSpec
		external, connected string // as written: element, "=", value
		also                string // other values of the external client app's element that mean the same
	}{
		{ip(metadata.EnforceIPRestrictions), "ipRelaxationPolicyType=Enforce", "ipRelaxation=ENFORCE", "enforce"},
		{ip(metadata.EnforceIPRelaxForRefreshTokens), "ipRelaxationPolicyType=Enforce_relaxrefresh", "ipRelaxation=ENFORCE_RELAXREFRESH", "Enforce_RelaxRefresh"},
		{ip(metadata.RelaxIPForActivatedDevices), "ipRelaxationPolicyType=Bypass_2factor", "ipRelaxation=BYPASS_2FACTOR", "Bypass_2Factor"},
		{ip(metadata.RelaxIPRestrictions), "ipRelaxationPolicyType=Bypass", "ipRelaxation=BYPASS", "bypass"},
		{users(metadata.AllUsersMaySelfAuthorize), "permittedUsersPolicyType=AllSelfAuthorized", "isAdminApproved=false", "ALLSELFAUTHORIZED"},
		{users(metadata.AdminApprovedUsersOnly), "permittedUsersPolicyType=AdminApprovedPreAuthorized", "isAdminApproved=true", "adminapprovedpreauthorized"},
		{refresh(metadata.ValidUntilRevoked), "refreshTokenPolicyType=Infinite", "refreshTokenPolicy=infinite", "INFINITE"},
		{refresh(metadata.ExpireImmediately), "refreshTokenPolicyType=Zero", "refreshTokenPolicy=zero", "zero"},
		{specific(metadata.ExpireAfter, metadata.Hours), "refreshTokenPolicyType=SpecificLifetime", "refreshTokenPolicy=specific_lifetime:7:HOURS", "specific_lifetime"},
		{specific(metadata.ExpireAfter, metadata.Days), "refreshTokenValidityUnit=Days", "refreshTokenPolicy=specific_lifetime:7:DAYS", "DAYS day"},
		{specific(metadata.ExpireIfUnused, metadata.Months), "refreshTokenPolicyType=SpecificInactivity", "refreshTokenPolicy=specific_inactivity:7:MONTHS", "SPECIFICINACTIVITY"},
		{specific(metadata.ExpireIfUnused, metadata.Days), "refreshTokenValidityPeriod=7", "refreshTokenPolicy=specific_inactivity:7:DAYS", ""},
	} {
		for kind, written := range map[metadata.Kind]string{metadata.KindExternalClientApp: test.external, metadata.KindConnectedApp: test.connected} {
			t.Run(string(kind)+" "+written, func(t *testing.T) {
				spec := externalSpec()
				if kind == metadata.KindConnectedApp {
					spec = connectedSpec()
				}
				spec.IPRelaxation, spec.PermittedUsers, spec.RefreshTokenPolicy = test.choice.IPRelaxation, test.choice.PermittedUsers, test.choice.RefreshTokenPolicy
				element, value, _ := strings.Cut(written, "=")
				name, text := holding(t, spec.New(), "<"+element+">"+value+"</"+element+">")
				spellings := strings.Fields(test.also)
				if kind == metadata.KindConnectedApp {
					spellings = nil
				}
				spellings = append(spellings, value, " "+value+"\n", strings.ToLower(value))
				if element != "isAdminApproved" { // a boolean
					spellings = append(spellings, strings.ToUpper(value))
				}
				for _, s := range spellings {
					got := parseText(t, name, strings.Replace(text, ">"+value+"<", ">"+s+"<", 1)).Spec()
					if test.choice.IPRelaxation != "" && got.IPRelaxation != test.choice.IPRelaxation ||
						test.choice.PermittedUsers != "" && got.PermittedUsers != test.choice.PermittedUsers ||
						test.choice.RefreshTokenPolicy.Rule != "" && got.RefreshTokenPolicy != test.choice.RefreshTokenPolicy {
						t.Errorf("%q reads as %+v", s, got)
					}
				}
			})
		}
	}
}

// holding returns the one file of an app's package that holds a text.
func holding(t *testing.T, app metadata.App, text string) (name, data string) {
	t.Helper()
	for n, d := range files(t, app) {
		if strings.Contains(d, text) {
			return n, d
		}
	}
	t.Fatalf("no file holds %s:\n%v", text, files(t, app))
	return "", ""
}
