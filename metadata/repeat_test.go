package metadata_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/internal/canary/repeat"
	"github.com/fullcast/sfauth/internal/canary/search"
	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/metadata"
)

// formless has no form of a secret of Salesforce's: only who is told that it was sent knows it.
const formless = "QuIeT-MaPLe.SeVeN-RiVeR.AmBeR-QuILL"

const repeated = "00DREPEAT0000001!AQ7repeatCanarySession.0123456789abcdefgh_Zq3"

// bearing adds the token to what it carries, as the transport below an Org does.
type bearing struct{ next http.RoundTripper }

func (b bearing) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+formless)
	resp, err := b.next.RoundTrip(r)
	if resp != nil && resp.Request == nil {
		resp.Request = r
	}
	return resp, err
}

// everyCall calls an org that answers with an echo in every way, and returns all that is shown of what comes back.
func everyCall(t *testing.T, named string, echo repeat.Echo) map[string][]any {
	t.Helper()
	var rt http.RoundTripper = bearing{echo}
	if named == "one that does not" {
		rt = anonymous{rt}
	}
	org, err := metadata.NewOrg(metadata.OrgConfig{
		HTTPClient: &http.Client{Transport: rt}, Version: 66,
		InstanceURL: func(context.Context) (string, error) { return "https://acme.my.salesforce.com", nil },
		Session:     func(context.Context, string) (string, error) { return formless, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	said := map[string][]any{}
	show := func(call string, values ...any) { said[call] = append(said[call], values...) }
	progress := func(r metadata.DeployResult) { show("progress", r) }
	list, err := org.List(ctx)
	show("List", list, err)
	for _, kind := range []metadata.Kind{metadata.KindExternalClientApp, metadata.KindConnectedApp} {
		app, err := org.Read(ctx, kind, "Fullcast")
		show("Read", err)
		if pkg, err := app.Package(66); err == nil {
			for _, f := range pkg.Files {
				show("Read", f.Name+"\n"+string(f.Data))
			}
		}
	}
	other, err := org.ReadOther(ctx, "Fullcast")
	show("ReadOther", other, err)
	settings, err := org.Settings(ctx)
	show("Settings", fmt.Sprintf("%+v", settings), err)
	changes, err := org.Upsert(ctx, connectedSpec().New())
	show("Upsert", changes, err)
	apps, err := org.Retrieve(ctx)
	show("Retrieve", apps, err)
	for _, soap := range []bool{false, true} {
		result, err := org.Deploy(ctx, packageOf(t, connectedSpec()), metadata.DeployOptions{SOAP: soap, Progress: progress})
		show("Deploy", result, err)
	}
	result, err := org.QuickDeploy(ctx, "0Af000000000001AAA", progress)
	show("QuickDeploy", result, err)
	result, err = org.Wait(ctx, "0Af000000000001AAA", progress)
	show("Wait", result, err)
	show("Cancel", org.Cancel(ctx, "0Af000000000001AAA"))
	credentials, err := org.Credentials(ctx, "Fullcast")
	show("Credentials", credentials, err)
	return said
}

// What the test below proves of a success, it proves only where the success is read.
func TestTheResultsThatRepeatARequestAreReadWhereTheirWordsAreHarmless(t *testing.T) {
	const harmless = "Harmless_Words"
	said := map[string][]any{}
	synctest.Test(t, func(t *testing.T) { said = everyCall(t, "", repeat.Result().Saying(harmless)) })
	for _, call := range []string{"List", "Read", "Upsert", "Retrieve", "Deploy", "QuickDeploy", "Wait", "Credentials", "progress"} {
		shown := ""
		for _, v := range said[call] {
			if err, failed := v.(error); failed {
				t.Errorf("%s: %v", call, err)
			}
			if c, is := v.(*metadata.Credentials); is && c != nil {
				v = c.Key
			}
			shown += repeat.Shown(v)
		}
		if !strings.Contains(shown, harmless) && call != "Upsert" { // which tells the names that it was given
			t.Errorf("%s shows no word of the answer: %.300s", call, shown)
		}
	}
}

func TestAnOrgThatRepeatsARequestInAnyPlaceOfItsAnswerShowsNoSession(t *testing.T) {
	needs.Unraced(t)
	finder := search.New([]string{formless})
	number := 0
	var seen repeat.Seen
	for _, named := range []string{"a response that names its request", "one that does not"} {
		for echo := range repeat.All() {
			if named == "one that does not" && echo.Writing != "it is" {
				continue // how it is written is told by the first
			}
			if number++; !needs.OneIn(7, number) {
				continue
			}
			t.Run(named+"/"+echo.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					for call, values := range everyCall(t, named, echo) {
						for v, text := range seen.Fresh(values) {
							if what := finder.Find(text); what != "" {
								t.Errorf("%s shows %s: %.600v", call, what, v)
							}
							if e, is := v.(error); is && strings.ContainsFunc(e.Error(), steers) {
								t.Errorf("%s: the error is not one printable line: %q", call, e)
							}
						}
					}
				})
			})
		}
	}
	if seen.Values < needs.Size(5000, 700) {
		t.Errorf("only %d values were looked at", seen.Values)
	}
}

// quoting is a transport that quotes what it was to send.
type quoting struct{}

func (quoting) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("cannot send " + formless[6:])
}

func TestATransportThatQuotesThePartOfATokenInItsErrorShowsNoneOfIt(t *testing.T) {
	org, err := metadata.NewOrg(metadata.OrgConfig{
		HTTPClient: &http.Client{Transport: quoting{}}, Version: 66,
		InstanceURL: func(context.Context) (string, error) { return "https://acme.my.salesforce.com", nil },
		Session:     func(context.Context, string) (string, error) { return formless, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for call, err := range map[string]error{
		"Cancel":      org.Cancel(ctx, "0Af000000000001AAA"),
		"Credentials": lastOf(org.Credentials(ctx, "Fullcast")),
		"Read":        lastOf(org.Read(ctx, metadata.KindConnectedApp, "Fullcast")),
		"Deploy":      lastOf(org.Deploy(ctx, packageOf(t, connectedSpec()), metadata.DeployOptions{})),
		"Deploy SOAP": lastOf(org.Deploy(ctx, packageOf(t, connectedSpec()), metadata.DeployOptions{SOAP: true})),
	} {
		if err == nil || strings.Contains(fmt.Sprintf("%v %+v", err, err), formless[6:]) {
			t.Errorf("%s: %v", call, err)
		}
	}
}

func lastOf[T any](_ T, err error) error { return err }

// anonymous leaves out of a response which request it answers.
type anonymous struct{ next http.RoundTripper }

func (a anonymous) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := a.next.RoundTrip(r)
	if resp != nil {
		resp.Request = nil
	}
	return resp, err
}

// steers reports whether a character could steer a terminal, begin a line, turn text around or hide in it.
func steers(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xad || r == 0x61c || r >= 0x200b && r <= 0x200f || r >= 0x2028 && r <= 0x202e ||
		r >= 0x2060 && r <= 0x206f || r == 0xfeff || r >= 0xe0000 && r <= 0xe007f
}
