package fullcast_test

import (
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestAConnectionLivesOverHTTPAlone(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if got := d.ask("GET", "/connections", nil).is(200, ""); got.text != `{"connections":[],"unreadable":[],"more":false}`+"\n" {
		t.Errorf("before: %s", got.text)
	}
	d.ask("GET", "/connections/main", nil).is(404, "not-connected")
	guide := d.ask("GET", "/guide?host="+d.org.InstanceURL(), nil).is(200, "")
	if guide.at("callbackUrls.2") != "https://app.fullcast.io/app/admin/export-import" || guide.at("title") != "Create an external client app" {
		t.Errorf("guide: %s", guide.text)
	}

	begun := d.ask("POST", "/connections/main/login", d.entries("Fullcast"))
	callback := d.approved(begun)
	if begun.at("choice") != "begin" {
		t.Errorf("begun: %s", begun.at("choice"))
	}
	done := d.ask("POST", "/complete", callback).is(200, "")
	if done.at("connected") != "true" || done.at("migrated") != "false" || done.at("connection.name") != "main" || done.at("connection.status") != "active" ||
		done.at("connection.org.id") != d.org.ID() || done.at("connection.org.type") != "production" {
		t.Errorf("done: %s", done.text)
	}
	if again := d.ask("POST", "/complete", callback).is(200, ""); again.text != done.text {
		t.Errorf("the same callback again: %s", again.text)
	}
	one := d.ask("GET", "/connections/main", nil).is(200, "")
	if list := d.ask("GET", "/connections", nil).is(200, ""); !strings.Contains(list.text, strings.TrimSpace(one.text)) {
		t.Errorf("the list %s lacks %s", list.text, one.text)
	}

	check := d.ask("POST", "/connections/main/check", nil).is(200, "")
	if check.at("org.name") != "Acme" || check.at("org.sandbox") != "false" || check.at("org.edition") != "Developer Edition" || check.at("org.username") != "admin@acme.example" {
		t.Errorf("names: %s", check.text)
	}
	if check.at("worst") != "" || check.at("toCorrect") != "0" || check.at("passed.0") == "" {
		t.Errorf("check: %s", check.text)
	}
	if err := d.org.SetAppField("ExtlClntAppOauthConfigurablePolicies", "Fullcast_oauthPlcy", "refreshTokenPolicyType", "Zero"); err != nil {
		t.Fatal(err)
	}
	check = d.ask("POST", "/connections/main/check", "{}").is(200, "")
	if check.at("worst") != "error" || check.at("toCorrect") != "1" || check.at("findings.0.rule") == "" || check.at("findings.0.fix") == "" {
		t.Errorf("check: %s", check.text)
	}
	diagnosis := d.ask("POST", "/connections/main/diagnosis", nil).is(200, "")
	if diagnosis.at("cause.code") != "app" || diagnosis.at("cause.outcome") != "problem" || diagnosis.at("cause.remedy.id") != "correct-app" ||
		!strings.Contains(diagnosis.at("cause.remedy.clicks"), "Refresh Token Policy") {
		t.Errorf("diagnosis: %s", diagnosis.text)
	}

	for _, click := range [][2]string{{"refreshTokenPolicyType", ""}, {"refreshTokenValidityPeriod", "30"}, {"refreshTokenPolicyType", "SpecificInactivity"}} {
		if err := d.org.SetAppField("ExtlClntAppOauthConfigurablePolicies", "Fullcast_oauthPlcy", click[0], click[1]); err != nil {
			t.Fatal(err)
		}
	}
	if same := d.ask("PUT", "/connections/main/credentials", form{"consumerSecret": d.entries("Fullcast")["consumerSecret"]}).is(200, ""); same.at("status") != "active" {
		t.Errorf("the same credentials: %s", same.text)
	}
	if gone := d.ask("PUT", "/connections/main/credentials", form{"consumerSecret": "x", "loginHost": "acne.my.salesforce.com"}).is(422, "fields"); gone.at("error.fields.0.field") != "loginHost" {
		t.Errorf("another host: %s", gone.text)
	}
	mistyped := d.ask("PUT", "/connections/main/credentials", form{"consumerSecret": "mistyped"}).is(409, "credentials-unproved")
	if mistyped.at("error.fields.0.field") != "consumerSecret" || mistyped.at("error.remedy.id") != "retry" {
		t.Errorf("mistyped: %s", mistyped.text)
	}
	key, secret, err := d.org.StageCredentials("Fullcast")
	if err != nil {
		t.Fatal(err)
	}
	if err := d.org.RotateCredentials("Fullcast"); err != nil {
		t.Fatal(err)
	}
	if wrong := d.ask("PUT", "/connections/main/credentials", form{"consumerSecret": " "}).is(422, "fields"); wrong.at("error.fields.0.field") != "consumerSecret" {
		t.Errorf("no secret: %s", wrong.text)
	}
	unproved := d.ask("PUT", "/connections/main/credentials", form{"consumerKey": key, "consumerSecret": secret}).is(409, "credentials-unproved")
	if unproved.at("error.remedy.id") != "connect-again" || unproved.at("error.fields.0.field") != "" {
		t.Errorf("unproved: %s", unproved.text)
	}
	if one := d.ask("GET", "/connections/main", nil).is(200, ""); one.at("notices.0.code") != "credentials-unproved" || one.at("consumerKey") == key {
		t.Errorf("unproved: %s", one.text)
	}

	again := d.ask("POST", "/connections/main/login", form{"page": "/app/motion/segments"})
	if again.at("choice") != "reconnect" {
		t.Errorf("again: %s", again.text)
	}
	if back := d.approved(again); back["path"] != "/app/motion/segments" {
		t.Errorf("back at %s", back["path"])
	} else if done := d.ask("POST", "/complete", back).is(200, ""); done.at("connection.consumerKey") != key {
		t.Errorf("connected again: %s", done.text)
	}

	if got := d.ask("DELETE", "/connections/main", nil).is(204, ""); got.text != "" {
		t.Errorf("disconnected: %q", got.text)
	}
	d.ask("DELETE", "/connections/main", nil).is(404, "not-connected")
	d.ask("GET", "/connections/main", nil).is(404, "not-connected")
}

func TestAMigrationRunsOverHTTPAlone(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.former("main")
	one := d.ask("GET", "/connections/main", nil).is(200, "")
	if one.at("kind") != "ConnectedApp" || one.at("notices.0.code") != "connected-app" || one.at("notices.0.remedy.id") != "migrate" {
		t.Errorf("before: %s", one.text)
	}
	if plan := d.ask("GET", "/connections/main/migration", nil).is(200, ""); plan.at("state") != "advised" || plan.at("after.2") == "" || plan.at("differences.0.setting") == "" {
		t.Errorf("plan: %s", plan.text)
	}
	d.ask("POST", "/connections/main/migration/finish", nil).is(404, "no-migration")
	d.ask("POST", "/connections/main/login", form{}).is(409, "migration-required")
	d.ask("PUT", "/connections/main/credentials", form{"consumerSecret": "x"}).is(409, "migration-required")
	wrong := d.ask("POST", "/connections/main/migration", form{}).is(422, "fields")
	if wrong.at("error.fields.0.field") != "loginHost" || wrong.at("error.fields.1.field") != "consumerKey" || wrong.at("error.fields.2.field") != "consumerSecret" {
		t.Errorf("nothing entered: %s", wrong.text)
	}

	// The proof fails: the connection of before goes on, and the migration is finished later.
	if err := d.org.Inject(orgtest.Fault{Path: "/services/data/v66.0/query", Status: 503, Times: 1}); err != nil {
		t.Fatal(err)
	}
	begun := d.ask("POST", "/connections/main/migration", d.entries("Fullcast"))
	if begun.at("choice") != "migration" {
		t.Errorf("begun: %s", begun.at("choice"))
	}
	if got := d.ask("POST", "/complete", d.approved(begun)); got.status == 200 {
		t.Errorf("the proof failed: %s", got.text)
	}
	if plan := d.ask("GET", "/connections/main/migration", nil).is(200, ""); plan.at("state") != "unfinished" || plan.at("staged.status") == "" {
		t.Errorf("plan: %s", plan.text)
	}
	if one := d.ask("GET", "/connections/main", nil).is(200, ""); one.at("kind") != "ConnectedApp" || one.at("notices.1.code") != "migration-unfinished" {
		t.Errorf("meanwhile: %s", one.text)
	}
	if list := d.ask("GET", "/connections", nil).is(200, ""); list.at("connections.1.name") != "" || list.at("connections.0.notices.1.code") != "migration-unfinished" {
		t.Errorf("the list: %s", list.text)
	}
	done := d.ask("POST", "/connections/main/migration/finish", nil).is(200, "")
	if done.at("migrated") != "true" || done.at("connection.kind") != "ExternalClientApp" || !strings.Contains(done.at("next.1"), "Connected Apps OAuth Usage") {
		t.Errorf("done: %s", done.text)
	}
	if plan := d.ask("GET", "/connections/main/migration", nil).is(200, ""); plan.at("state") != "not-needed" {
		t.Errorf("plan: %s", plan.text)
	}

	d.former("export") // the way in which a login chooses it
	begun = d.ask("POST", "/connections/export/login", d.entries("Fullcast"))
	if done := d.ask("POST", "/complete", d.approved(begun)).is(200, ""); begun.at("choice") != "migration" || done.at("migrated") != "true" || done.at("next.0") == "" {
		t.Errorf("%s: %s", begun.at("choice"), done.text)
	}
}

func TestARightThatIsNoneAllowsNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, right := range []fullcast.AdminRight{"", "admin", "View", "operate "} {
		d.user.Right = right
		d.ask("GET", "/connections", nil).is(403, "forbidden")
	}
}
