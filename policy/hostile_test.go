package policy_test

import (
	"encoding/json"
	"io"
	"io/fs"
	"slices"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/internal/hostile"
	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

// hostileCustomer is what a hostile tree was read as, twice, with the reports on it.
type hostileCustomer struct {
	apps, again []metadata.App
	reports     []policy.Report
}

func readHostile(t *testing.T, tree fs.FS) hostileCustomer {
	t.Helper()
	apps, err := metadata.Parse(tree)
	again, err2 := metadata.Parse(tree)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	c := hostileCustomer{apps: apps, again: again}
	c.reports = c.check()
	return c
}

// check judges every app by every rule, with the connected app of the tree as the one that the others were made from.
func (c hostileCustomer) check() []policy.Report {
	old := fullcast.ConnectedApp(fullcast.Production, "").New()
	before := &old
	if i := slices.IndexFunc(c.apps, func(a metadata.App) bool { return a.Kind == metadata.KindConnectedApp }); i >= 0 {
		before = &c.apps[i]
	}
	var reports []policy.Report
	for _, a := range c.apps {
		rules := slices.Concat(policy.Baseline(instructions(a)), policy.Hardening(), policy.PartnerRequirements2026(), policy.Prerequisites())
		reports = append(reports, policy.Check(policy.Subject{App: a, Version: 66, Before: before}, rules...))
		policy.Check(policy.Subject{App: a, Version: 66}, policy.Baseline(a.Spec())...)
	}
	return reports
}

func instructions(a metadata.App) metadata.AppSpec {
	if a.Kind == metadata.KindConnectedApp {
		return fullcast.ConnectedApp(fullcast.Production, "admin@acme.example")
	}
	return fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example")
}

func TestHostileFilesTakeTimeInProportionToTheirSize(t *testing.T) {
	needs.Patience(t)
	type task = hostile.Task[hostileCustomer]
	tasks := []task{
		{Name: "Check", Do: func(c hostileCustomer) { c.check() }},
		{Name: "Correct", Do: func(c hostileCustomer) {
			for i, r := range c.reports {
				_, _ = r.Correct(c.apps[i]).Files()
			}
		}},
		{Name: "Diff with the same", Do: func(c hostileCustomer) {
			for i, a := range c.apps {
				if d := policy.Diff(a, c.again[i]); len(d) > 0 {
					t.Errorf("the same app differs: %.300v", d)
				}
			}
		}},
		{Name: "Diff with the instructions", Do: func(c hostileCustomer) {
			for _, a := range c.apps {
				policy.Diff(a, instructions(a).New())
				policy.Diff(instructions(a).New(), a)
			}
		}},
		{Name: "Diff with the migrated", Do: func(c hostileCustomer) {
			migrated := fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example").New()
			for _, a := range c.apps {
				policy.Diff(a, migrated)
			}
		}},
		{Name: "PlanMigration", Do: func(c hostileCustomer) {
			for _, a := range c.apps {
				if plan, err := policy.PlanMigration(a, fullcast.ExternalClientApp(fullcast.Production, "")); err == nil {
					_ = plan.String()
					_, _ = json.Marshal(plan)
				}
			}
		}},
		{Name: "PlanMigration to a spec of its own lists", Do: func(c hostileCustomer) {
			for _, a := range c.apps {
				to := fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example")
				to.Scopes = a.Spec().Scopes
				_, _ = policy.PlanMigration(a, to)
			}
		}},
	}
	for _, form := range []policy.Format{policy.Text, policy.Markdown, policy.HTML, policy.JSON, policy.SARIF} {
		tasks = append(tasks, task{Name: "a report as " + string(form), Do: func(c hostileCustomer) { _ = policy.Write(io.Discard, form, c.reports...) }})
	}
	hostile.InProportion(t, func(tree fs.FS) hostileCustomer { return readHostile(t, tree) }, tasks...)
}
