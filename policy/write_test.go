package policy_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

var update = flag.Bool("update", false, "write the golden reports again")

// reports are one report of each kind of app, with every outcome and some hostile text in it.
func reports(t *testing.T) []policy.Report {
	t.Helper()
	eca := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	files := newTree(t, eca).
		with(t, "ecaGlblOauth", "isPkceRequired", "false").
		with(t, "ecaGlblOauth", "callbackUrl", "https://app.fullcast.io/app/motion/segments\nhttps://sandbox.fullcast.io/app/admin/motion").
		with(t, "eca", "label", "&lt;b>Full|cast&lt;/b> `x` &amp; [a](b)").
		without("ecaOauthPlcy", "refreshTokenPolicyType")
	delete(files, "ecaPlcy")
	old := fullcast.ConnectedApp(fullcast.Production, "admin@example.com")
	return []policy.Report{
		policy.Check(files.subject(t, "Fullcast"), slices.Concat(policy.Baseline(eca), policy.PartnerRequirements2026())...),
		policy.Check(newTree(t, old).subject(t, old.APIName), policy.Baseline(old)...),
	}
}

var forms = []policy.Format{policy.Text, policy.Markdown, policy.HTML, policy.JSON, policy.SARIF}

func write(t *testing.T, form policy.Format, reports ...policy.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := policy.Write(&b, form, reports...); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestReportsLookAsTheyDid(t *testing.T) {
	for _, form := range forms {
		t.Run(string(form), func(t *testing.T) {
			got := write(t, form, reports(t)...)
			if form == policy.SARIF {
				var b bytes.Buffer
				if err := json.Indent(&b, []byte(got), "", "  "); err != nil || strings.Count(got, "\n") != 1 {
					t.Errorf("not JSON in one line: %v", err)
				}
				got = b.String()
			}
			golden := filepath.Join("testdata", "reports", string(form)+".golden")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("differs from %s; look at it, and run with -update if it is right:\n%s", golden, got)
			}
		})
	}
}

func TestEveryFormHoldsEveryFinding(t *testing.T) {
	for _, form := range forms {
		text := write(t, form, reports(t)...)
		for _, r := range reports(t) {
			var rules []string
			for _, f := range r.Findings {
				rules = append(rules, f.Rule)
			}
			for _, u := range r.NotVisible {
				rules = append(rules, u.Rule)
			}
			for _, rule := range rules {
				if !strings.Contains(strings.ReplaceAll(text, `\`, ""), rule) {
					t.Errorf("%s: no %s", form, rule)
				}
			}
		}
	}
}

func TestNoFormShowsWhatIsSecretInAURLOfTheApp(t *testing.T) {
	const secret = "5uper5ecret"
	app := fullcast.ConnectedApp(fullcast.Production, "admin@example.com").New()
	for _, u := range []string{"https://bob:" + secret + "@app.example.com/cb", "https://" + secret + "@app.example.com/cb", "app:/cb?token=" + secret,
		"https://app.example.com/cb?a=b&token=" + secret + "#frag", "https://app.example.com/cb#access_token=" + secret} {
		app.Connected.OAuthConfig.CallbackURL += "\n" + u
	}
	app.Connected.StartURL = "/page?sid=" + secret + "&x=" + secret
	app.Connected.OAuthConfig.SingleLogoutURL = "https://bob:" + secret + "@idp.example.com/"
	app.Connected.Label = "Fullcast https://bob:" + secret + "@idp.example.com/"
	spec := fullcast.ConnectedApp(fullcast.Production, "admin@example.com")
	report := policy.Check(policy.Subject{App: app, Version: 66}, slices.Concat(policy.Baseline(spec), policy.Hardening(), policy.PartnerRequirements2026())...)
	plan, err := policy.PlanMigration(app, fullcast.ExternalClientApp(fullcast.Production, "admin@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]string{
		"a difference":     fmt.Sprintf("%+v", policy.Diff(app, spec.New())) + fmt.Sprintf("%+v", policy.Diff(spec.New(), app)),
		"a plan":           plan.String() + string(data),
		"a printed report": fmt.Sprintf("%v %+v", report, report),
	}
	for _, form := range forms {
		said[string(form)] = write(t, form, report)
	}
	for form, text := range said {
		if strings.Contains(text, secret) {
			t.Errorf("%s shows a secret:\n%s", form, text)
		}
		if plain := strings.NewReplacer(`\u0026`, "&", "&amp;", "&", `\`, "").Replace(text); !strings.Contains(plain, "app.example.com/cb?a=…&token=…#frag") {
			t.Errorf("%s does not show which URL it is:\n%s", form, text)
		}
	}
}

func TestTwoURLsThatDifferInWhatIsNotShownDiffer(t *testing.T) {
	a := fullcast.ConnectedApp(fullcast.Production, "admin@example.com").New()
	b := a.Clone()
	a.Connected.StartURL, b.Connected.StartURL = "https://x.example/?k=1", "https://x.example/?k=2"
	want := []policy.Difference{{Mark: policy.Unlisted, Component: "ConnectedApp", Field: "startUrl", A: "https://x.example/?k=…", B: "https://x.example/?k=…"}}
	if got := policy.Diff(a, b); !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestNoFormShowsWhatSalesforceKeepsForItself(t *testing.T) {
	const hidden, secretHidden = "3MVG9h1ddenKEY", "5uper5ecret" // the second is what leaf.values has
	var subjects []policy.Subject
	for _, spec := range specs() {
		subjects = append(subjects, policy.Subject{App: spec.New(), Version: 66})
	}
	for name := range sets() {
		subjects = append(subjects, badExamples(t, "testdata/"+name)...)
	}
	for _, s := range subjects {
		plain, kept := s.App, 0
		for _, l := range leaves(s.App.Kind) {
			if l.mark() != "platform" {
				continue
			}
			kept++
			value := l.values()[0]
			if l.typ.Kind() == reflect.String {
				value = reflect.ValueOf(hidden)
			}
			s.App = l.set(s.App, 0, value)
		}
		if kept < 2 {
			t.Fatalf("%d elements of %s hold a credential", kept, s.App.Kind)
		}
		want := fullcast.ExternalClientApp(fullcast.PreProduction, "somebody@example.com")
		wanted := want
		if s.App.Kind == metadata.KindConnectedApp {
			wanted = fullcast.ConnectedApp(fullcast.PreProduction, "somebody@example.com")
		}
		rules := slices.Concat(policy.Baseline(wanted), policy.Hardening(), policy.PartnerRequirements2026(), policy.Prerequisites())
		report := policy.Check(s, rules...)
		said := map[string]string{
			"a printed report": fmt.Sprintf("%v %+v %#v", report, report, report),
			"a difference":     fmt.Sprintf("%+v", policy.Diff(plain, s.App)) + fmt.Sprintf("%+v", policy.Diff(s.App, fullcast.ExternalClientApp(fullcast.Production, "").New())),
		}
		for _, form := range forms {
			said[string(form)] = write(t, form, report, report)
		}
		if s.App.Kind == metadata.KindConnectedApp {
			plan, err := policy.PlanMigration(s.App, want)
			if err != nil {
				t.Fatal(err)
			}
			data, err := json.Marshal(plan)
			if err != nil {
				t.Fatal(err)
			}
			said["a plan"] = plan.String() + string(data) + fmt.Sprintf("%+v", plan)
		}
		for form, text := range said {
			if strings.Contains(text, hidden) || strings.Contains(text, secretHidden) {
				t.Errorf("%s of %s %s shows a credential:\n%s", form, s.App.Kind, s.App.Name, text)
			}
		}
	}
}

func TestColourIsForTerminalsAlone(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	file, err := os.Create(filepath.Join(t.TempDir(), "report"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := policy.Write(file, policy.Text, reports(t)...); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte("\x1b")) || len(data) == 0 {
		t.Errorf("a file of %d bytes, in colour: %v", len(data), bytes.Contains(data, []byte("\x1b")))
	}
}

func TestHTMLIsWholeAndLoadsNothing(t *testing.T) {
	text := write(t, policy.HTML, reports(t)...)
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		e, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		if slices.Contains([]string{"script", "link", "img", "iframe", "object", "embed", "base", "form", "a", "b"}, e.Name.Local) && e.Name.Local != "b" {
			t.Errorf("<%s> has no place in it", e.Name.Local)
		}
		for _, a := range e.Attr {
			if strings.HasPrefix(a.Name.Local, "on") || slices.Contains([]string{"src", "href", "style", "action"}, a.Name.Local) {
				t.Errorf("<%s %s> has no place in it", e.Name.Local, a.Name.Local)
			}
		}
	}
	if strings.Contains(text, "<b>Full") || !strings.Contains(text, "&lt;b&gt;Full|cast&lt;/b&gt;") {
		t.Error("what an app holds is not escaped")
	}
	if regexp.MustCompile(`url\(|@import`).MatchString(text) {
		t.Error("the style loads something")
	}
}

func TestHTMLNamesWhatIsAsWantedAndRepeatsNothing(t *testing.T) {
	want := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	app := want.New()
	app.GlobalOAuthSettings.IsPKCERequired = new(false)
	app.GlobalOAuthSettings.CallbackURL = "https://app.fullcast.io/app/motion/segments"
	report := policy.Check(policy.Subject{App: app}, policy.Baseline(want)...)
	text := write(t, policy.HTML, report)
	if !strings.Contains(text, "<li>Start Page is as instructed</li>") || strings.Contains(text, "<li>Callback URL is as instructed</li>") {
		t.Errorf("the list of what is passed is not that of the report:\n%s", text)
	}
	if n := strings.Count(text, "https://app.fullcast.io/app/admin/motion"); n != 2 { // as missing, and in the lines to copy
		t.Errorf("a wanted URL stands there %d times", n)
	}
	if strings.Contains(text, "is cleared, not selected") {
		t.Error("a sentence repeats the values beside it")
	}
	var again policy.Report
	data, err := json.Marshal(report)
	if err == nil {
		err = json.Unmarshal(data, &again)
	}
	if text := write(t, policy.HTML, again); err != nil || !strings.Contains(text, "<li>baseline-start-page</li>") {
		t.Errorf("a report that was read has no rules, and is to name their IDs (%v):\n%s", err, text)
	}
}

func TestMarkdownEscapesWhatAnAppHolds(t *testing.T) {
	text := write(t, policy.Markdown, reports(t)...)
	if want := "\\<b\\>Full\\|cast\\</b\\> \\`x\\` \\& \\[a\\]\\(b\\)"; !strings.Contains(text, want) {
		t.Errorf("no %s in\n%s", want, text)
	}
}

// documentedFinding and documentedReport are the JSON report as the documentation of [policy.Write], [policy.Report] and
// [policy.Finding] has it. A pointer is what may be left out.
type documentedFinding struct {
	Rule, Severity, Field, Got, Want, Message, Why, Fix string

	NoCorrection, File *string
	Line               *int
}

type documentedReport struct {
	Kind, App  string
	Note       *string
	Findings   []documentedFinding
	NotVisible []struct{ Rule, Field, Want, Message, Screen string }
	Passed     []string
}

func TestJSONIsWhatItsDocumentationSaysAndNothingElse(t *testing.T) {
	eca := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	old := fullcast.ConnectedApp(fullcast.Production, "admin@example.com").New()
	migrated := eca
	migrated.APIName, migrated.Name, migrated.Scopes = old.Name, "Fullcast Motion Package", eca.Scopes[:5]
	every := append(reports(t), policy.Check(policy.Subject{App: migrated.New(), Before: &old}, policy.Baseline(eca)...), policy.Check(policy.Subject{}))
	text := write(t, policy.JSON, every...)
	if strings.Contains(text, "null") || strings.Contains(write(t, policy.JSON), "null") {
		t.Errorf("null where a list belongs:\n%s", text)
	}
	var got struct {
		Version int
		Reports []documentedReport
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.Version != 1 || len(got.Reports) != len(every) {
		t.Fatalf("version %d, %d reports", got.Version, len(got.Reports))
	}
	seen := map[string]bool{}
	for i, r := range got.Reports {
		is := every[i]
		if r.Kind != string(is.Kind) || r.App != is.App || !slices.Equal(r.Passed, is.Passed) || (r.Note != nil) != (is.Note != "") {
			t.Errorf("%+v, want %+v", r, is)
		}
		seen["note"] = seen["note"] || r.Note != nil
		if len(r.Findings) != len(is.Findings) || len(r.NotVisible) != len(is.NotVisible) {
			t.Fatalf("%d and %d findings, want %d and %d", len(r.Findings), len(r.NotVisible), len(is.Findings), len(is.NotVisible))
		}
		for k, u := range r.NotVisible {
			if policy.Unseen(u) != is.NotVisible[k] {
				t.Errorf("%+v, want %+v", u, is.NotVisible[k])
			}
		}
		for k, f := range r.Findings {
			want := is.Findings[k]
			if f.Rule != want.Rule || f.Severity != string(want.Severity) || f.Field != want.Field || f.Got != want.Got || f.Want != want.Want ||
				f.Message != want.Message || f.Why != want.Why || f.Fix != want.Fix {
				t.Errorf("%+v, want %+v", f, want)
			}
			if (f.NoCorrection == nil) != (want.NoCorrection == "") || (f.File == nil) != (want.File == "") || (f.Line == nil) != (want.Line == 0) {
				t.Errorf("%+v, want %+v", f, want)
			}
			seen["noCorrection"], seen["file"] = seen["noCorrection"] || f.NoCorrection != nil, seen["file"] || f.File != nil && f.Line != nil
		}
	}
	if len(seen) != 3 || !seen["note"] || !seen["noCorrection"] || !seen["file"] {
		t.Errorf("not all that may be left out was there once: %v", seen)
	}
	var raw struct{ Reports []map[string]any }
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		t.Fatal(err)
	}
	for _, r := range raw.Reports {
		hasNames(t, r, "kind", "app", "findings", "notVisible", "passed")
		for _, f := range r["findings"].([]any) {
			hasNames(t, f.(map[string]any), "rule", "severity", "field", "got", "want", "message", "why", "fix")
		}
		for _, u := range r["notVisible"].([]any) {
			hasNames(t, u.(map[string]any), "rule", "field", "want", "message", "screen")
		}
	}
}

// hasNames wants names in an object, in this very spelling: Go reads others as well.
func hasNames(t *testing.T, object map[string]any, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, ok := object[name]; !ok {
			t.Errorf("no %q in %v", name, object)
		}
	}
	for name := range object {
		if !slices.Contains(append(names, "note", "noCorrection", "file", "line"), name) {
			t.Errorf("%q is documented nowhere", name)
		}
	}
}

func TestSARIFPointsAtFileAndLine(t *testing.T) {
	spec := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	text := newTree(t, spec).with(t, "ecaGlblOauth", "isPkceRequired", "false")["ecaGlblOauth"]
	line := 1 + strings.Count(strings.Split(text, "<isPkceRequired>")[0], "\n")
	app, err := metadata.ParseFile("my apps/100%:x/Fullcast_glbloauth.ecaGlblOauth", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var log struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID, Kind, Level string
				RuleIndex           int
				Locations           []struct {
					PhysicalLocation *struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(write(t, policy.SARIF, policy.Check(policy.Subject{App: app}, policy.Baseline(spec)...))), &log); err != nil {
		t.Fatal(err)
	}
	run := log.Runs[0]
	failed := 0
	for _, r := range run.Results {
		if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID {
			t.Errorf("%s has the index of %s", r.RuleID, run.Tool.Driver.Rules[r.RuleIndex].ID)
		}
		if (r.Kind == "fail") == (r.Level == "none") {
			t.Errorf("%s: kind %s, level %s", r.RuleID, r.Kind, r.Level)
		}
		if r.Kind != "fail" {
			continue
		}
		failed++
		at := r.Locations[0].PhysicalLocation
		if at == nil || at.ArtifactLocation.URI != "my%20apps/100%25:x/Fullcast_glbloauth.ecaGlblOauth" || at.Region.StartLine != line {
			t.Errorf("%+v", at)
		}
	}
	if failed != 1 || log.Version != "2.1.0" {
		t.Errorf("%d failed, version %s", failed, log.Version)
	}
}

func TestWriteTellsOfWhatGoesWrong(t *testing.T) {
	if err := policy.Write(io.Discard, "pdf"); err == nil || !strings.Contains(err.Error(), "text, markdown, html, json, sarif") {
		t.Errorf("an unknown form: %v", err)
	}
	full := errors.New("disk full")
	for _, form := range forms {
		if err := policy.Write(failing{full}, form, reports(t)...); !errors.Is(err, full) {
			t.Errorf("%s: %v", form, err)
		}
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestWorstIsTheWorst(t *testing.T) {
	finding := func(s policy.Severity) policy.Finding { return policy.Finding{Severity: s} }
	tests := []struct {
		findings []policy.Finding
		want     policy.Severity
	}{
		{nil, ""},
		{[]policy.Finding{finding("note")}, "note"},
		{[]policy.Finding{finding("note"), finding("warning"), finding("note")}, "warning"},
		{[]policy.Finding{finding("warning"), finding("error"), finding("warning")}, "error"},
	}
	for _, tt := range tests {
		if got := (policy.Report{Findings: tt.findings}).Worst(); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.findings, got, tt.want)
		}
	}
}

func ExampleWrite() {
	want := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	app := want.New()
	app.Policies.StartPage = "OAuth"

	report := policy.Check(policy.Subject{App: app}, policy.Baseline(want)...)
	if err := policy.Write(os.Stdout, policy.Text, report); err != nil {
		panic(err)
	}
	// Output:
	// note: Refresh Token Policy is "Refresh token is valid until revoked", and the app's idle limit (isEnforceRefreshTokenTTL) is not visible: where it is on, a refresh token ends when it is not used for 30 days.
	//
	// error: Start Page [baseline-start-page]
	//   what  Start Page is "OAuth", not "None"
	//   why   A start page would put the app on users' App Launcher, where it leads nowhere.
	//   fix   Setup > Apps > External Client Apps > External Client App Manager > Fullcast > Policies tab > Edit: set Start Page to "None", then Save
	//
	// Fullcast (external client app): 1 finding, 15 passed, 0 not visible
}
