package policy_test

import (
	"strings"
	"testing"

	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

// wellMade is a rule that Validate takes.
func wellMade() policy.Rule {
	return policy.Rule{
		ID: "own-rule", Title: "Title", Why: "Why.", Source: "A document", Severity: policy.SeverityNote,
		Field: "Label", Fix: "Setup > Somewhere", Needs: []policy.Part{policy.PartApp}, Check: func(*policy.Pass) {},
		NoCorrection: "it is an example",
	}
}

func TestValidateRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*policy.Rule)
		says   string
	}{
		{"a rule without ID", func(r *policy.Rule) { r.ID = "" }, "ID must be"},
		{"an ID in capitals", func(r *policy.Rule) { r.ID = "Own-Rule" }, "ID must be"},
		{"an ID with a blank", func(r *policy.Rule) { r.ID = "own rule" }, "ID must be"},
		{"an ID with an underscore", func(r *policy.Rule) { r.ID = "own_rule" }, "ID must be"},
		{"an ID that ends in a hyphen", func(r *policy.Rule) { r.ID = "own-" }, "ID must be"},
		{"an ID that begins with a digit", func(r *policy.Rule) { r.ID = "1-own" }, "ID must be"},
		{"an ID of two lines", func(r *policy.Rule) { r.ID = "own-rule\n" }, "ID must be"},
		{"an ID longer than 60 bytes", func(r *policy.Rule) { r.ID = strings.Repeat("a", 61) }, "ID must be"},
		{"a rule without title", func(r *policy.Rule) { r.Title = "" }, "Title is empty"},
		{"a rule without reason", func(r *policy.Rule) { r.Why = "" }, "Why is empty"},
		{"a rule without source", func(r *policy.Rule) { r.Source = "" }, "Source is empty"},
		{"a rule without label", func(r *policy.Rule) { r.Field = "" }, "Field is empty"},
		{"a rule without fix", func(r *policy.Rule) { r.Fix = "" }, "Fix is empty"},
		{"a rule without severity", func(r *policy.Rule) { r.Severity = "" }, "Severity"},
		{"an unknown severity", func(r *policy.Rule) { r.Severity = "fatal" }, "Severity"},
		{"an unknown part", func(r *policy.Rule) { r.Needs = []policy.Part{"Moon"} }, "unknown part"},
		{"neither a Correct nor why there is none", func(r *policy.Rule) { r.NoCorrection = "" }, "Correct and NoCorrection"},
		{"a Correct and why there is none", func(r *policy.Rule) { r.Correct = metadata.App.Clone }, "Correct and NoCorrection"},
		{"a rule that checks nothing", func(r *policy.Rule) { r.Check = nil }, "Check is nil"},
	}
	if err := policy.Validate(wellMade()); err != nil {
		t.Fatalf("a well-made rule is refused: %v", err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := wellMade()
			tt.change(&r)
			err := policy.Validate(r)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Validate = %v, want %q", err, tt.says)
			}
		})
	}
	t.Run("a rule that is in the set twice", func(t *testing.T) {
		err := policy.Validate(wellMade(), wellMade())
		if err == nil || !strings.Contains(err.Error(), "already") {
			t.Errorf("Validate = %v", err)
		}
	})
	t.Run("all that is wrong at once", func(t *testing.T) {
		err := policy.Validate(policy.Rule{}, policy.Rule{ID: "x"})
		if n := strings.Count(err.Error(), "\n") + 1; n < 10 {
			t.Errorf("%d lines:\n%v", n, err)
		}
	})
}

func TestCheckPanicsOverRulesThatAreRefused(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Check took a rule without a title, and would have called the app right")
		}
	}()
	r := wellMade()
	r.Title = ""
	policy.Check(policy.Subject{}, r)
}
