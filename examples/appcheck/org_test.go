package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/fullcast/sfauth/examples/internal/stored"
	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/fullcast/fullcasttest"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

// newOrg is an org with the two apps of the instructions, and what the environment says of an admin's session in it.
func newOrg(t *testing.T) (*fullcasttest.Org, map[string]string) {
	t.Helper()
	org := fullcasttest.NewOrg(t, fullcast.Production, fullcasttest.ConnectedApp())
	instance, token := org.AdminSession()
	return org, map[string]string{"SF_INSTANCE_URL": instance, "SF_ACCESS_TOKEN": token}
}

func TestAnOrgsAppsAreReadAndJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		org, env := newOrg(t)
		got := checkWith(t, env, org.RoundTripper(), "")
		got.want(t, 0, "Fullcast (external client app): 0 findings", "")
		got.want(t, 0, "Fullcast_Motion_Package (connected app): 0 findings", "")
		if err := org.SetAppField("ExtlClntAppOauthConfigurablePolicies", "Fullcast_oauthPlcy", "refreshTokenPolicyType", "Zero"); err != nil {
			t.Fatal(err)
		}
		checkWith(t, env, org.RoundTripper(), "").want(t, 1, "error: Refresh Token Policy", "")
		checkWith(t, env, org.RoundTripper(), "", "-app", "Fullcast_Motion_Package").want(t, 0, "0 findings", "")
		checkWith(t, env, org.RoundTripper(), "", "-app", "Nobody").want(t, 2, "", `has no app "Nobody", only "Fullcast", "Fullcast_Motion_Package"`)
		checkWith(t, env, org.RoundTripper(), "", "-migrate").want(t, 0, "Migration to Fullcast", "")
	})
}

// seen notes the API version of each request for metadata.
type seen struct {
	http.RoundTripper
	mu       sync.Mutex
	versions map[string]bool
	refused  string // a version that the org lists and does not know
}

func (s *seen) RoundTrip(r *http.Request) (*http.Response, error) {
	if v, ok := strings.CutPrefix(r.URL.Path, "/services/Soap/m/"); ok {
		s.mu.Lock()
		s.versions[v] = true
		s.mu.Unlock()
		if v == s.refused {
			w := httptest.NewRecorder()
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprint(w, `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault><faultcode>sf:UNSUPPORTED_API_VERSION</faultcode><faultstring>UNSUPPORTED_API_VERSION: no</faultstring></e:Fault></e:Body></e:Envelope>`)
			return w.Result(), nil
		}
	}
	return s.RoundTripper.RoundTrip(r)
}

func TestAnOrgIsReadWithTheNewestAPIVersionThatItServes(t *testing.T) {
	for _, c := range []struct{ list, refused, want string }{
		{`[{"version":"66.0"},{"version":"67.0"}]`, "", "67.0"},
		{`[{"version":"66.0"},{"version":"68.0"},{"version":"67.0"},{"version":"69.0"}]`, "", "68.0"},
		{`[{"version":"68.0"}]`, "68.0", "66.0 68.0"},
		{`[{"version":"66.0"},{"version":"67.0"},{"version":"68.0"}]`, "68.0", "67.0 68.0"},
		{`[{"version":"66.0"}]`, "", "66.0"},
		{`<html>no list</html>`, "", "66.0"},
	} {
		synctest.Test(t, func(t *testing.T) {
			org, env := newOrg(t)
			s := &seen{RoundTripper: listing{org.RoundTripper(), c.list}, versions: map[string]bool{}, refused: c.refused}
			checkWith(t, env, s, "").want(t, 0, "Fullcast (external client app): 0 findings", "")
			if got := strings.Join(slices.Sorted(maps.Keys(s.versions)), " "); got != c.want {
				t.Errorf("%s: read with %s, want %s", c.list, got, c.want)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		org, env := newOrg(t)
		checkWith(t, env, listing{org.RoundTripper(), `[{"version":"65.0"}]`}, "").want(t, 1, "", "serves API versions up to 65")
	})
}

// listing is an org that serves the API versions of a list.
type listing struct {
	http.RoundTripper
	list string
}

func (l listing) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path != "/services/data/" {
		return l.RoundTripper.RoundTrip(r)
	}
	w := httptest.NewRecorder()
	fmt.Fprint(w, l.list)
	return w.Result(), nil
}

func TestTheOrgsSwitchesAreJudgedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		org, env := newOrg(t)
		if err := org.SetAppField("OauthOidcSettings", "OauthOidc", "oAuthCdCrdtFlowEnable", "false"); err != nil {
			t.Fatal(err)
		}
		checkWith(t, env, org.RoundTripper(), "", "-rules", "prerequisites").want(t, 0, "note: ", "")
	})
}

func TestFilesAreComparedWithAnOrg(t *testing.T) {
	project(t, external(fullcast.Production))
	synctest.Test(t, func(t *testing.T) {
		org, env := newOrg(t)
		checkWith(t, env, org.RoundTripper(), "", ".", "-diff", "org").want(t, 0, "isFirstPartyAppEnabled (unlisted)", "")
		if err := org.SetAppField("ExtlClntAppOauthConfigurablePolicies", "Fullcast_oauthPlcy", "refreshTokenPolicyType", "Zero"); err != nil {
			t.Fatal(err)
		}
		checkWith(t, env, org.RoundTripper(), "", ".", "-diff", "org").want(t, 1, "there: Immediately expire refresh token", "")
	})
}

// pushing is an org in which the app Fullcast has push settings, too.
type pushing struct{ http.RoundTripper }

func (p pushing) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		return p.RoundTripper.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if !bytes.Contains(body, []byte("<type>ExtlClntAppPushSettings</type>")) {
		return p.RoundTripper.RoundTrip(r)
	}
	answer := `<listMetadataResponse><result><fullName>P</fullName><type>ExtlClntAppPushSettings</type></result></listMetadataResponse>`
	if bytes.Contains(body, []byte("<readMetadata>")) {
		answer = `<readMetadataResponse><result><records><fullName>P</fullName><externalClientApplication>Fullcast</externalClientApplication></records></result></readMetadataResponse>`
	}
	w := httptest.NewRecorder()
	fmt.Fprintf(w, `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns="http://soap.sforce.com/2006/04/metadata"><e:Body>%s</e:Body></e:Envelope>`, answer)
	return w.Result(), nil
}

func TestAComparisonWithAnOrgSeesTheComponentsThatNoRuleLooksAt(t *testing.T) {
	project(t, external(fullcast.Production))
	synctest.Test(t, func(t *testing.T) {
		org, env := newOrg(t)
		checkWith(t, env, pushing{org.RoundTripper()}, "", ".", "-diff", "org").want(t, 0, "(whole component) (unknown)\n  here:  (absent)\n  there: present\n", "")
		checkWith(t, env, pushing{org.RoundTripper()}, "", "-app", "Fullcast", "-diff", "force-app").want(t, 0, "(whole component) (unknown)\n  here:  present\n  there: (absent)\n", "")
	})
}

func TestASessionThatHasEndedIsRefusedWithStatusOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		org, env := newOrg(t)
		org.ExpireSessions()
		checkWith(t, env, org.RoundTripper(), "").want(t, 1, "", "the session of SF_ACCESS_TOKEN has ended; get a new one")
	})
}

func TestTheConnectionOfTheOtherExampleServesToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		org, _ := newOrg(t)
		dir, sealing := filepath.Join(t.TempDir(), "connection"), tokenstore.GenerateSealingKey("x").Key.Reveal()
		connect(t, org, stored.Place{Dir: dir, SealingKey: sealing, Site: fullcast.Production, Transport: org.RoundTripper()})
		for name, env := range map[string]map[string]string{
			"by flag":        {"SFAUTH_KEY": sealing},
			"by environment": {"SFAUTH_KEY": sealing, "SFAUTH_DIR": dir},
		} {
			args := []string{"-app", "Fullcast"}
			if env["SFAUTH_DIR"] == "" {
				args = append(args, "-dir", dir)
			}
			org.ExpireSessions()
			if got := checkWith(t, env, org.RoundTripper(), "", args...); got.code != 0 || !strings.Contains(got.stdout, "0 findings") {
				t.Errorf("%s: %+v", name, got)
			}
		}
	})
}

// connect leaves a connection in the place, as examples/connect does.
func connect(t *testing.T, org *fullcasttest.Org, place stored.Place) {
	t.Helper()
	sf, err := place.Open()
	if err != nil {
		t.Fatal(err)
	}
	org.Connect(t.Context(), sf.Connector, stored.Key)
	if err := sf.Close(); err != nil {
		t.Fatal(err)
	}
}
