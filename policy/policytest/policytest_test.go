package policytest_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
	"github.com/fullcast/sfauth/policy/policytest"
)

// recorder is a T that keeps what it is told.
type recorder struct{ lines []string }

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.lines = append(r.lines, fmt.Sprintf(format, args...))
}

const xmlns = `xmlns="http://soap.sforce.com/2006/04/metadata"`

// global is a file of global settings with some lines in it.
func global(lines ...string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("<ExtlClntAppGlobalOauthSettings " + xmlns + ">\n<externalClientApplication>App</externalClientApplication>\n" +
		strings.Join(lines, "\n") + "\n</ExtlClntAppGlobalOauthSettings>\n")}
}

func TestRunTellsRightExamplesFromWrong(t *testing.T) {
	const file = "a/App.ecaGlblOauth"
	on := "<isDeviceFlowEnabled>true</isDeviceFlowEnabled>"
	off := "<isDeviceFlowEnabled>false</isDeviceFlowEnabled>"
	tests := []struct {
		name string
		tree fstest.MapFS
		says []string // what each failure holds; none means none
	}{
		{"a finding on its line", fstest.MapFS{file: global(on + `<!-- want hardening-device-flow "is selected" -->`)}, nil},
		{"a finding without a word about its message", fstest.MapFS{file: global(on + `<!-- want hardening-device-flow -->`)}, nil},
		{"no finding", fstest.MapFS{file: global(off + `<!-- pass hardening-device-flow -->`)}, nil},
		{"nothing seen", fstest.MapFS{file: global(`<!-- unseen hardening-device-flow -->`)}, nil},
		{"a finding too many", fstest.MapFS{file: global(on)}, []string{"a/App.ecaGlblOauth:3: found, but no comment wants it"}},
		{"a comment too many", fstest.MapFS{file: global(off + `<!-- want hardening-device-flow -->`)}, []string{"want hardening-device-flow \"\": not found"}},
		{"a comment twice", fstest.MapFS{file: global(on + `<!-- want hardening-device-flow --><!-- want hardening-device-flow -->`)}, []string{"not found"}},
		{"a comment on another line", fstest.MapFS{file: global(`<!-- want hardening-device-flow -->`, on)}, []string{":4: found, but", ":3: want hardening-device-flow \"\": not found"}},
		{"another message", fstest.MapFS{file: global(on + `<!-- want hardening-device-flow "is cleared" -->`)}, []string{"found, but", "not found"}},
		{"another rule", fstest.MapFS{file: global(on + `<!-- want hardening-introspect-all-tokens -->`)}, []string{"found, but", "not found"}},
		{"a rule that is not in the set", fstest.MapFS{file: global(off + `<!-- want no-such-rule -->`)}, []string{"no such rule"}},
		{"unseen of a rule that is not in the set", fstest.MapFS{file: global(off + `<!-- unseen no-such-rule -->`)}, []string{"no such rule"}},
		{"unseen, but it was seen", fstest.MapFS{file: global(off + `<!-- unseen hardening-device-flow -->`)}, []string{"unseen hardening-device-flow: it is pass"}},
		{"pass, but it was not seen", fstest.MapFS{file: global(`<!-- pass hardening-device-flow -->`)}, []string{"pass hardening-device-flow: it is unseen"}},
		{"pass, but it was found", fstest.MapFS{file: global(on + `<!-- pass hardening-device-flow --><!-- want hardening-device-flow -->`)}, []string{"it is found something"}},
		{"a comment that is no regular expression", fstest.MapFS{file: global(on + `<!-- want hardening-device-flow "(" -->`)}, []string{"not a quoted regular expression"}},
		{"a comment without quotes", fstest.MapFS{file: global(on + `<!-- want hardening-device-flow is selected -->`)}, []string{"not a quoted regular expression"}},
		{"a file that is no XML", fstest.MapFS{file: {Data: []byte("<a")}}, []string{"metadata: parse"}},
		{"no app at all", fstest.MapFS{"a/README.txt": {Data: []byte("x")}}, []string{"holds 0 apps"}},
		{"an empty tree", fstest.MapFS{}, []string{"no app in the tree"}},
		{"two apps in a folder", fstest.MapFS{file: global(off), "a/Other.connectedApp": {Data: []byte("<ConnectedApp " + xmlns + "/>")}}, []string{"holds 2 apps"}},
		{"files beside folders", fstest.MapFS{"a/b/App.ecaGlblOauth": global(off), file: global(off)}, []string{"both files and folders"}},
		{"a package.xml without version", fstest.MapFS{file: global(off), "a/package.xml": {Data: []byte("<Package/>")}}, []string{"no version"}},
		{"settings that are none", fstest.MapFS{file: global(off), "a/X.settings": {Data: []byte("<a/>")}}, []string{"metadata: parse"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &recorder{}
			policytest.Run(r, tt.tree, policy.Hardening()...)
			if len(r.lines) != len(tt.says) {
				t.Fatalf("got %q, want %q", r.lines, tt.says)
			}
			for i, want := range tt.says {
				if !strings.Contains(r.lines[i], want) {
					t.Errorf("got %q, want %q", r.lines[i], want)
				}
			}
		})
	}
}

func TestRunRefusesRulesThatPolicyRefuses(t *testing.T) {
	r := &recorder{}
	policytest.Run(r, fstest.MapFS{}, policy.Rule{ID: "Own"})
	if len(r.lines) != 1 || !strings.Contains(r.lines[0], "ID must be") {
		t.Errorf("%q", r.lines)
	}
}

func TestTheVersionOfPackageXMLDecidesWhatAbsentMeans(t *testing.T) {
	spec := policy.Baseline(pkceSpec())
	for version, comment := range map[string]string{"58.0": "unseen", "66.0": "pass"} {
		r := &recorder{}
		policytest.Run(r, fstest.MapFS{
			"a/App.ecaGlblOauth": global("<!-- " + comment + " baseline-require-pkce -->"),
			"a/package.xml":      {Data: []byte("<Package " + xmlns + "><version>" + version + "</version></Package>")},
		}, spec...)
		if len(r.lines) > 0 {
			t.Errorf("%s: %q", version, r.lines)
		}
	}
}

func ExampleRun() {
	r := &recorder{} // in a test: t
	policytest.Run(r, os.DirFS("testdata"), policy.Hardening()...)
	fmt.Println(len(r.lines))
	for _, line := range r.lines {
		fmt.Println(line)
	}
	// Output:
	// 1
	// device-flow/App.ecaGlblOauth:4: found, but no comment wants it: warning: Enable Device Flow is selected, not cleared [hardening-device-flow]
}

func pkceSpec() metadata.AppSpec {
	return metadata.AppSpec{Kind: metadata.KindExternalClientApp, RequirePKCE: metadata.Selected}
}
