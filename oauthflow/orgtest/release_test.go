package orgtest_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

const day = 24 * time.Hour

// made is an org in which the demo app was deployed, with what a file says replaced.
func made(t *testing.T, cfg orgtest.Config, replace ...string) *wire {
	t.Helper()
	cfg.Existing = map[string]string{}
	w := withDemo(t, cfg)
	files := demoApp()
	for name, text := range files {
		files[name] = strings.NewReplacer(replace...).Replace(text)
	}
	w.deployed(files)
	return w
}

// element reads an element of a component over SOAP, with an API version.
func (w *wire) element(version int, typ, fullName, name string) string {
	w.t.Helper()
	body := w.soap(strconv.Itoa(version)+".0", "<readMetadata><type>"+typ+"</type><fullNames>"+fullName+"</fullNames></readMetadata>").body
	_, rest, _ := strings.Cut(body, "<"+name+">")
	value, _, found := strings.Cut(rest, "</"+name+">")
	if !found {
		return ""
	}
	return value
}

// deployed deploys files, which has to succeed.
func (w *wire) deployed(files map[string]string) {
	w.t.Helper()
	if out := w.deploy(archive(w.t, "66.0", files), ""); out.Status != "Succeeded" {
		w.t.Fatalf("%+v", out)
	}
}

func TestANewAppIsMadeAsItsReleaseMakesOneAndTheBoxesOfWinter27CannotBeCleared(t *testing.T) {
	const global = "ExtlClntAppGlobalOauthSettings"
	boxes := []string{"isPkceRequired", "isRefreshTokenRotationEnabled", "isEnforceRefreshTokenTTL"}
	for _, c := range []struct {
		name    string
		release orgtest.Release
		old     bool // the app was there before the release
		want    []string
		fixed   []bool
	}{
		{"a new app", 0, false, []string{"true", "true", "true"}, []bool{true, true, true}},
		{"a new app of Winter '27", orgtest.Winter27, false, []string{"true", "true", "true"}, []bool{true, true, true}},
		{"an app from before", orgtest.Winter27, true, []string{"true", "false", "true"}, []bool{false, false, true}},
		{"a new app of Summer '26", orgtest.Summer26, false, []string{"true", "false", "false"}, []bool{false, false, false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := withDemo(t, orgtest.Config{Release: c.release})
			if !c.old {
				w = made(t, orgtest.Config{Release: c.release})
			}
			newest := 68
			if c.release != 0 {
				newest = int(c.release)
			}
			for i, box := range boxes {
				if got := w.element(newest, global, "Demo_glbloauth", box); got != c.want[i] {
					t.Errorf("%s is %q, want %q", box, got, c.want[i])
				}
				if c.want[i] != "true" {
					continue
				}
				if err := w.org.SetAppField(global, "Demo_glbloauth", box, "false"); (err != nil) != c.fixed[i] || err != nil && !strings.Contains(err.Error(), "greyed out") {
					t.Errorf("clearing %s: %v", box, err)
				}
				if err := w.org.SetAppField(global, "Demo_glbloauth", box, "true"); err != nil {
					t.Errorf("selecting %s: %v", box, err)
				}
			}
			if !c.old && c.fixed[0] { // a deployment that clears them succeeds, and does not
				files := demoApp()
				for name, text := range files {
					files[name] = strings.Replace(text, "<isPkceRequired>true</isPkceRequired>", "<isPkceRequired>false</isPkceRequired><isRefreshTokenRotationEnabled>false</isRefreshTokenRotationEnabled>", 1)
				}
				w.deployed(files)
				for i, box := range boxes {
					if got := w.element(newest, global, "Demo_glbloauth", box); got != c.want[i] {
						t.Errorf("after a deployment %s is %q", box, got)
					}
				}
			}
		})
	}
}

func TestAnOrgServesTheAPIVersionsOfItsRelease(t *testing.T) {
	for release, newest := range map[orgtest.Release]int{0: 68, orgtest.Winter27: 68, orgtest.Summer26: 67, orgtest.Spring26: 66, orgtest.Winter26: 65} {
		w := withDemo(t, orgtest.Config{Release: release})
		for v := newest - 1; v <= newest+1; v++ {
			served := v <= newest
			if listed := strings.Contains(w.get(w.org.InstanceURL()+"/services/data/", "").body, `"`+strconv.Itoa(v)+`.0"`); listed != served {
				t.Errorf("release %d lists version %d: %t", release, v, listed)
			}
			if answered := !strings.Contains(w.soap(strconv.Itoa(v)+".0", "<describeMetadata><asOfVersion>60.0</asOfVersion></describeMetadata>").body, "UNSUPPORTED_API_VERSION"); answered != served {
				t.Errorf("release %d serves version %d by SOAP: %t", release, v, answered)
			}
		}
	}
	for _, release := range []orgtest.Release{64, 69, -1} {
		if _, err := orgtest.New(orgtest.Config{Release: release}); err == nil || !strings.Contains(err.Error(), "Release") {
			t.Errorf("release %d: %v", release, err)
		}
	}
	if _, err := orgtest.New(orgtest.Config{ValidUntilRevoked: 3}); err == nil || !strings.Contains(err.Error(), "ValidUntilRevoked") {
		t.Error("an unknown ValidUntilRevoked is taken")
	}
}

func TestARetiredAPIVersionIsGoneAndTheListOfVersionsIsJSON(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	access, _ := w.connect()
	for version, want := range map[string]int{"7.0": 410, "20.0": 410, "30.0": 410, "31.0": 200, "66.0": 200, "69.0": 404} {
		if a := w.get(w.org.InstanceURL()+"/services/data/v"+version+"/limits", access); a.status != want {
			t.Errorf("version %s: %d %s, want %d", version, a.status, a.body, want)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.org.InstanceURL()+"/services/data/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/xml")
	if code, _ := refused(t, w.send(r)); code != "NOT_SIMULATED" {
		t.Errorf("the list of versions as XML: %s", code)
	}
}

func TestARefreshTokenEndsAfter30DaysWithoutUseWhereTheIdleLimitIsOnAndEachUseBeginsThemAgain(t *testing.T) {
	type policy struct{ kind, number, unit string }
	for _, c := range []struct {
		name    string
		release orgtest.Release
		policy  policy
		pauses  []time.Duration // between refreshes
		last    bool            // the last of which works
	}{
		{"used once in 29 days", 0, policy{kind: "Infinite"}, []time.Duration{29 * day, 29 * day, 29 * day}, true},
		{"not used for 30 days", 0, policy{kind: "Infinite"}, []time.Duration{29 * day, 30 * day}, false},
		{"a lifetime, used", 0, policy{"SpecificLifetime", "365", "Days"}, []time.Duration{29 * day, 29 * day}, true},
		{"a lifetime, not used", 0, policy{"SpecificLifetime", "365", "Days"}, []time.Duration{30 * day}, false},
		{"a lifetime that is over", 0, policy{"SpecificLifetime", "40", "Days"}, []time.Duration{29 * day, 29 * day}, false},
		{"a longer idle period", 0, policy{"SpecificInactivity", "90", "Days"}, []time.Duration{30 * day}, false},
		{"a shorter idle period", 0, policy{"SpecificInactivity", "7", "Days"}, []time.Duration{6 * day, 7 * day}, false},
		{"an older org", orgtest.Summer26, policy{kind: "Infinite"}, []time.Duration{400 * day}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				text := "<refreshTokenPolicyType>" + c.policy.kind + "</refreshTokenPolicyType>"
				if c.policy.number != "" {
					text += "<refreshTokenValidityPeriod>" + c.policy.number + "</refreshTokenValidityPeriod><refreshTokenValidityUnit>" + c.policy.unit + "</refreshTokenValidityUnit>"
				}
				w := made(t, orgtest.Config{Release: c.release}, "<refreshTokenPolicyType>Infinite</refreshTokenPolicyType>", text)
				token, err := w.org.UserApproved("Demo", "admin@acme.example")
				if err != nil {
					t.Fatal(err)
				}
				for i, pause := range c.pauses {
					time.Sleep(pause)
					r := w.refresh(token)
					if works := i < len(c.pauses)-1 || c.last; (r.status == 200) != works {
						t.Fatalf("refresh %d: %d %s", i+1, r.status, r.body)
					}
					if next := r.field("refresh_token"); next != "" {
						token = next
					}
				}
			})
		})
	}
}

func TestValidUntilRevokedIsKeptRewrittenOrRefusedAsTheOrgIsSetUp(t *testing.T) {
	const policies = "ExtlClntAppOauthConfigurablePolicies"
	for name, c := range map[string]struct {
		cfg  orgtest.Config
		want string // of refreshTokenPolicyType after a deployment; empty: refused
	}{
		"kept":                     {orgtest.Config{}, "Infinite"},
		"rewritten":                {orgtest.Config{ValidUntilRevoked: orgtest.InfiniteRewritten}, "SpecificInactivity"},
		"refused":                  {orgtest.Config{ValidUntilRevoked: orgtest.InfiniteRefused}, ""},
		"an older org rewrites it": {orgtest.Config{Release: orgtest.Summer26, ValidUntilRevoked: orgtest.InfiniteRewritten}, "Infinite"},
		"an older org refuses it":  {orgtest.Config{Release: orgtest.Summer26, ValidUntilRevoked: orgtest.InfiniteRefused}, "Infinite"},
	} {
		t.Run(name, func(t *testing.T) {
			c.cfg.Existing = map[string]string{}
			w := withDemo(t, c.cfg)
			problems := ""
			for _, f := range w.deploy(archive(t, "66.0", demoApp()), "").Details.ComponentFailures {
				problems += f.Problem
			}
			if (c.want == "") != strings.Contains(problems, "refresh token policy Infinite isn't supported") {
				t.Fatalf("problems %q", problems)
			}
			if got := w.element(66, policies, "Demo_oauthPlcy", "refreshTokenPolicyType"); got != c.want {
				t.Errorf("it is %q, want %q", got, c.want)
			}
			if name == "rewritten" && w.element(66, policies, "Demo_oauthPlcy", "refreshTokenValidityPeriod") != "30" {
				t.Error("not to 30")
			}
		})
	}
	t.Run("metadata from before is left as it is, and Setup does not list it", func(t *testing.T) {
		w := withDemo(t, orgtest.Config{ValidUntilRevoked: orgtest.InfiniteRewritten})
		if got := w.element(66, policies, "Demo_oauthPlcy", "refreshTokenPolicyType"); got != "Infinite" {
			t.Errorf("it is %q", got)
		}
		if err := w.org.SetAppField(policies, "Demo_oauthPlcy", "ipRelaxationPolicyType", "Enforce"); err != nil {
			t.Fatal(err)
		}
		if got := w.element(66, policies, "Demo_oauthPlcy", "refreshTokenPolicyType"); got != "SpecificInactivity" {
			t.Errorf("saved in Setup it is %q", got)
		}
		if err := w.org.SetAppField(policies, "Demo_oauthPlcy", "refreshTokenPolicyType", "Infinite"); err == nil || !strings.Contains(err.Error(), "does not list") {
			t.Errorf("choosing it: %v", err)
		}
	})
}

func TestAnUpgradeToWinter27EndsAllSessionsAndWhatWasIdleAndLeavesPoliciesAsTheyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := withDemo(t, orgtest.Config{Release: orgtest.Spring26, SessionTimeout: 1000 * day})
		idle, err := w.org.UserApproved("Demo", "admin@acme.example")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * day)
		used, err := w.org.UserApproved("Demo", "admin@acme.example")
		if err != nil {
			t.Fatal(err)
		}
		access := w.refresh(used).field("access_token")
		limits := w.org.InstanceURL() + "/services/data/v66.0/limits"
		if r := w.get(limits, access); r.status != 200 {
			t.Fatalf("before: %d", r.status)
		}
		if err := w.org.Upgrade(orgtest.Summer26); err != nil {
			t.Fatal(err)
		}
		if r := w.get(limits, access); r.status != 200 {
			t.Fatalf("Summer '26 ends sessions: %d", r.status)
		}
		if err := w.org.Upgrade(orgtest.Winter27); err != nil {
			t.Fatal(err)
		}
		if r := w.get(limits, access); r.status != 401 {
			t.Errorf("the session lives: %d", r.status)
		}
		if r := w.refresh(idle); r.status != 400 || !strings.Contains(r.body, "expired access/refresh token") {
			t.Errorf("the idle one: %d %s", r.status, r.body)
		}
		if r := w.refresh(used); r.status != 200 {
			t.Errorf("the one in use: %d %s", r.status, r.body)
		}
		if got := w.element(68, "ExtlClntAppOauthConfigurablePolicies", "Demo_oauthPlcy", "refreshTokenPolicyType"); got != "Infinite" {
			t.Errorf("the policy became %q", got)
		}
		if got := w.element(68, "ExtlClntAppGlobalOauthSettings", "Demo_glbloauth", "isEnforceRefreshTokenTTL"); got != "true" {
			t.Errorf("the limit is %q", got)
		}
		for _, to := range []orgtest.Release{orgtest.Summer26, 69} {
			if err := w.org.Upgrade(to); err == nil {
				t.Errorf("upgraded to %d", to)
			}
		}
	})
}

func TestPKCEOnAConnectedAppStaysSelectedOnceItIs(t *testing.T) {
	file := func(pkce string) map[string]string {
		return map[string]string{"connectedApps/Old.connectedApp": `<ConnectedApp ` + metadataXML + `><contactEmail>a@example.com</contactEmail><label>Old</label>` +
			`<oauthConfig><callbackUrl>` + callback + `</callbackUrl><isPkceRequired>` + pkce + `</isPkceRequired><scopes>Api</scopes></oauthConfig></ConnectedApp>`}
	}
	for _, c := range []struct {
		release orgtest.Release
		pkce    string
		fixed   bool
	}{{orgtest.Winter27, "true", true}, {orgtest.Summer26, "true", false}} {
		w := withDemo(t, orgtest.Config{Release: c.release, Existing: file(c.pkce)})
		if got := w.element(int(c.release), "ConnectedApp", "Old", "isPkceRequired"); got != c.pkce {
			t.Errorf("release %d: it is %q", c.release, got)
		}
		err := w.org.SetAppField("ConnectedApp", "Old", "oauthConfig/isPkceRequired", "false")
		if (err != nil) != c.fixed {
			t.Errorf("release %d: clearing it: %v", c.release, err)
		}
		w.deployed(file("false"))
		if got := w.element(int(c.release), "ConnectedApp", "Old", "isPkceRequired"); (got == "true") != c.fixed {
			t.Errorf("release %d: after a deployment it is %q", c.release, got)
		}
	}
}
