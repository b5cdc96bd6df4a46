package policy_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

var update = flag.Bool("update", false, "write the golden reports anew")

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
			for _, f := range slices.Concat(r.Findings, r.NotVisible) {
				if !strings.Contains(strings.ReplaceAll(text, `\`, ""), f.Rule) {
					t.Errorf("%s: no %s", form, f.Rule)
				}
			}
		}
	}
}

func TestNoFormShowsACredential(t *testing.T) {
	spec := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	files := newTree(t, spec).with(t, "ecaGlblOauth", "isPkceRequired", "false")
	files = files.replaced("ecaGlblOauth", strings.Replace(files["ecaGlblOauth"], "</ExtlClntAppGlobalOauthSettings>", "<consumerKey>THEKEY</consumerKey><consumerSecret>THESECRET</consumerSecret></ExtlClntAppGlobalOauthSettings>", 1))
	rules := slices.Concat(policy.Baseline(spec), policy.Hardening(), policy.PartnerRequirements2026(), policy.Prerequisites())
	report := policy.Check(files.subject(t, "Fullcast"), rules...)
	for _, form := range forms {
		if text := write(t, form, report); strings.Contains(text, "THEKEY") || strings.Contains(text, "THESECRET") {
			t.Errorf("%s shows a credential", form)
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

func TestMarkdownEscapesWhatAnAppHolds(t *testing.T) {
	text := write(t, policy.Markdown, reports(t)...)
	if want := "\\<b\\>Full\\|cast\\</b\\> \\`x\\` \\& \\[a\\]\\(b\\)"; !strings.Contains(text, want) {
		t.Errorf("no %s in\n%s", want, text)
	}
}

func TestJSONIsWhatItsDocumentationSays(t *testing.T) {
	var got struct {
		Version int
		Reports []map[string]any
	}
	if err := json.Unmarshal([]byte(write(t, policy.JSON, reports(t)...)), &got); err != nil {
		t.Fatal(err)
	}
	if got.Version != 1 || len(got.Reports) != 2 {
		t.Fatalf("%+v", got)
	}
	for _, key := range []string{"kind", "app", "findings", "notVisible", "passed"} {
		if _, ok := got.Reports[0][key]; !ok {
			t.Errorf("no %q", key)
		}
	}
	if empty := write(t, policy.JSON); strings.Contains(empty, "null") || strings.Contains(write(t, policy.JSON, policy.Check(policy.Subject{})), "null") {
		t.Errorf("null where a list belongs: %s", empty)
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
	// Fullcast (external client app): 1 finding, 15 as wanted, 0 not visible
	//
	// error: Start Page [baseline-start-page]
	//   what  Start Page is "OAuth", not "None"
	//   got   OAuth
	//   want  None
	//   why   A start page would put the app on users' App Launcher, where it leads nowhere.
	//   fix   Setup > Apps > External Client Apps > External Client App Manager > Fullcast > Policies tab > Edit: set Start Page to "None", then Save
}
