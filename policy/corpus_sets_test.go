package policy_test

import (
	"reflect"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

// reversed returns a copy of an app with the members of every list in the opposite order, and how many lists have several.
func reversed(app metadata.App) (metadata.App, int) {
	app = app.Clone()
	lists := 0
	var turn func(v reflect.Value)
	turn = func(v reflect.Value) {
		switch {
		case v.Kind() == reflect.Pointer && !v.IsNil():
			turn(v.Elem())
		case v.Kind() == reflect.Slice && v.Len() > 1:
			lists++
			swap := reflect.Swapper(v.Interface())
			for i, j := 0, v.Len()-1; i < j; i, j = i+1, j-1 {
				swap(i, j)
			}
		case v.Kind() == reflect.Struct:
			for i := range v.NumField() {
				if v.Type().Field(i).Tag.Get("xml") != "" || v.Type().Field(i).Tag.Get("type") != "" {
					turn(v.Field(i))
				}
			}
		}
	}
	turn(reflect.ValueOf(&app).Elem())
	return app, lists
}

func TestTheOrderOfListsInRealAppsIsNoDifferenceAndNoFinding(t *testing.T) {
	lists := 0
	for _, app := range corpus(t) {
		other, n := reversed(app)
		lists += n
		if d := policy.Diff(app, other); len(d) > 0 {
			t.Errorf("%s %s: %+v", app.Kind, app.Name, d)
		}
		if report := policy.Check(policy.Subject{App: other}, policy.Baseline(app.Spec())...); len(report.Findings) > 0 {
			t.Errorf("%s %s: %s", app.Kind, app.Name, report)
		}
	}
	if lists < 20 {
		t.Errorf("only %d lists", lists)
	}
}

func TestAComparisonOfRealAppsIsTheSameFromBothSides(t *testing.T) {
	apps := corpus(t)
	compared := 0
	for i, a := range apps {
		for _, b := range apps[i+1:] {
			if a.Kind != b.Kind {
				continue
			}
			compared++
			mirrored := map[policy.Difference]bool{}
			there, back := policy.Diff(a, b), policy.Diff(b, a)
			for _, d := range back {
				d.A, d.B = d.B, d.A
				mirrored[d] = true
			}
			for _, d := range there {
				if d.Mark != policy.Unknown && !mirrored[d] {
					t.Errorf("%s and %s: %+v is no difference the other way", a.Name, b.Name, d)
				}
				if d.A == d.B {
					t.Errorf("%s and %s: %+v", a.Name, b.Name, d)
				}
			}
			if len(there) != len(back) {
				t.Errorf("%s and %s: %d and %d differences", a.Name, b.Name, len(there), len(back))
			}
		}
	}
	if compared < 100 {
		t.Errorf("only %d pairs", compared)
	}
}

// What a check finds, a comparison with the instructed app shows, and what it shows, a check has found or not seen.
func TestChecksAndComparisonsOfRealAppsAgree(t *testing.T) {
	for _, app := range corpus(t) {
		spec := fullcast.ExternalClientApp(fullcast.Production, "")
		if app.Kind == metadata.KindConnectedApp {
			spec = fullcast.ConnectedApp(fullcast.Production, "")
		}
		only := spec
		only.APIName = app.Name
		report := policy.Check(policy.Subject{App: app, Version: 68}, policy.Baseline(spec)...)
		found, unseen := map[string]bool{}, map[string]bool{}
		for _, f := range report.Findings {
			found[f.Field] = found[f.Field] || f.Severity == policy.SeverityError && f.Rule != "baseline-api-name"
		}
		for _, f := range report.NotVisible {
			unseen[f.Field] = true
		}
		for _, d := range policy.Diff(app, only.Merge(app)) {
			if d.Mark != policy.Listed {
				continue
			}
			if _, judged := found[d.Field]; !judged && !unseen[d.Field] {
				t.Errorf("%s %s: %+v passed the check:\n%s", app.Kind, app.Name, d, report)
			}
			delete(found, d.Field)
		}
		for field, wrong := range found {
			if wrong {
				t.Errorf("%s %s: %s was found, and the instructed app has the same", app.Kind, app.Name, field)
			}
		}
	}
}
