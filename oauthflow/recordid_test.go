package oauthflow_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// otherCase returns an id with the case of its letters exchanged.
func otherCase(id string) string {
	return strings.Map(func(r rune) rune {
		if strings.ToUpper(string(r)) == string(r) {
			return []rune(strings.ToLower(string(r)))[0]
		}
		return []rune(strings.ToUpper(string(r)))[0]
	}, id)
}

func TestAnExpectedOrgIsComparedAsSalesforceComparesIds(t *testing.T) {
	for _, row := range []struct {
		name   string
		of     func(id string) string // of the org's id, which has 18 characters
		kind   oauthflow.ErrorKind    // empty: the org's own
		begins bool                   // a login, which is refused at its end
	}{
		{name: "18 characters", of: func(id string) string { return id }},
		{name: "15 characters", of: func(id string) string { return id[:15] }},
		{name: "18 in upper case", of: strings.ToUpper},
		{name: "18 in lower case", of: strings.ToLower},
		{name: "18 in the other case", of: otherCase},
		{name: "18 whose suffix is in lower case", of: func(id string) string { return id[:15] + strings.ToLower(id[15:]) }},
		{name: "15 in another case are another org", of: func(id string) string { return "00D" + otherCase(id[3:15]) }, kind: oauthflow.KindOrgChanged, begins: true},
		{name: "another org", of: func(string) string { return "00D000000000001EAA" }, kind: oauthflow.KindOrgChanged, begins: true},
		{name: "a suffix of another id", of: func(id string) string { return id[:15] + "AAA" }, kind: oauthflow.KindInvalid},
		{name: "a suffix that says that a digit is in upper case", of: func(string) string { return "00D000000000001555" }, kind: oauthflow.KindInvalid},
		{name: "a suffix with a character that none has", of: func(id string) string { return id[:17] + "9" }, kind: oauthflow.KindInvalid},
		{name: "16 characters", of: func(id string) string { return id[:16] }, kind: oauthflow.KindInvalid},
		{name: "a user's id", of: func(string) string { return "005000000000001" }, kind: oauthflow.KindInvalid},
		{name: "a sign that no id has", of: func(id string) string { return id[:14] + "-" }, kind: oauthflow.KindInvalid},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t, orgtest.Config{})
			m := w.manager()
			was := w.connect(m, mainKey)
			given := row.of(was.OrgID)
			redirect, err := m.Begin(t.Context(), mainKey, w.client(), browser, oauthflow.AuthorizeOptions{LoginHint: w.user, ExpectOrg: given})
			if row.kind == oauthflow.KindInvalid {
				if e := wantKind(t, err, row.kind); !strings.Contains(e.Error(), "AuthorizeOptions.ExpectOrg") {
					t.Errorf("%v does not name the field", e)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			c, err := m.Complete(t.Context(), w.approve(mainKey, redirect))
			if row.kind != "" {
				var who *oauthflow.StrangerError
				if wantKind(t, err, row.kind); !errors.As(err, &who) || who.OrgID != was.OrgID {
					t.Errorf("%v does not name the org that has answered", err)
				}
				return
			}
			if err != nil || c.OrgID != was.OrgID {
				t.Errorf("the own org as %s: %s, %v", given, c.OrgID, err)
			}
		})
	}
}

// A login that named its org in upper case may put it in another's place: both comparisons are the same.
func TestALoginThatNamesItsOrgInAnyCaseTakesTheConnectionsPlace(t *testing.T) {
	for name, of := range map[string]func(string) string{"upper case": strings.ToUpper, "lower case": strings.ToLower} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, orgtest.Config{})
			v := w.unlocked()
			m := w.manager()
			was := w.connect(m, mainKey)
			v.change(w.store, mainRecord, func(fields map[string]any) { fields["OrgID"] = "00D000000000001EAA" })
			redirect, err := m.Begin(t.Context(), mainKey, w.client(), browser, oauthflow.AuthorizeOptions{LoginHint: w.user, ExpectOrg: of(was.OrgID)})
			if err != nil {
				t.Fatal(err)
			}
			if c, err := m.Complete(t.Context(), w.approve(mainKey, redirect)); err != nil || c.OrgID != was.OrgID {
				t.Errorf("got %s, %v", c.OrgID, err)
			}
		})
	}
}

// Salesforce may send an id of 18 characters in any case: the same org and user are no other.
func TestAnAnswerWithIdsInAnotherCaseIsOfTheSameOrgAndUser(t *testing.T) {
	for name, of := range map[string]func(string) string{
		"upper case": strings.ToUpper, "lower case": strings.ToLower, "15 characters": func(id string) string { return id[:15] },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, orgtest.Config{})
			v := w.unlocked()
			m := w.manager()
			was := w.connect(m, mainKey)
			v.change(w.store, mainRecord, func(fields map[string]any) {
				fields["OrgID"], fields["UserID"] = of(was.OrgID), of(was.UserID)
			})
			m = w.manager()
			if err := m.Renew(t.Context(), mainKey); err != nil {
				t.Fatal(err)
			}
			if c, err := m.Load(t.Context(), mainKey); err != nil || c.OrgID != was.OrgID || c.UserID != was.UserID || c.Status != oauthflow.StatusActive {
				t.Errorf("got %s, %s, %q, %v", c.OrgID, c.UserID, c.Status, err)
			}
		})
	}
}
