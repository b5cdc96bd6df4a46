// Package policytest tests rules of package policy by example. An example is an app as metadata files. Comments in the files say
// which findings are expected.
//
//	<isDeviceFlowEnabled>true</isDeviceFlowEnabled> <!-- want hardening-device-flow "is selected" -->
//
// Put a comment "want ID" on the line that a finding of that rule names. A Go regular expression may follow; the message of the
// finding must match it. Every finding needs its comment, and every comment needs its finding; otherwise the test fails. A
// comment "pass ID" or "unseen ID", on any line of any file, says that the rule found no problem, or could not see what it needs.
// Without such a comment, Run does not check that.
//
// Each folder with files is one app. A package.xml in the folder gives the API version. Without it the version is unknown. Files
// with the suffix .settings are the settings of the org.
//
// # Errors
//
// Run returns no error. It reports each error to T.Errorf, with file and line if there is one:
//
//	error                             when                                          what to do
//	found, but no comment expects it  the rules find more than the comments expect  correct the rule, or add the comment
//	not found                         the rules find less than the comments expect  the same
//	the set has no such rule          a comment names another rule                  correct its ID, or pass the rule to Run
//	any other                         the tree cannot be read, or holds no app      correct the file that the text names
//
// # Programs
//
// The package does not import testing. So a program may use it to check rules that are made at run time.
package policytest

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/policy"
)

// T has the methods of *testing.T that this package needs.
type T interface {
	Helper()
	Errorf(format string, args ...any)
}

// Run checks every app in fsys by the rules, as one set. It reports each finding without a comment and each comment without a
// finding. It also reports a set that policy.Validate refuses, a file that cannot be read, a comment that cannot be understood, a
// comment that names no rule of the set, and a tree without any app.
func Run(t T, fsys fs.FS, rules ...policy.Rule) {
	t.Helper()
	if err := policy.Validate(rules...); err != nil {
		t.Errorf("%v", err)
		return
	}
	apps := 0
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		c, err := readCase(fsys, name)
		if err != nil {
			apps++
			t.Errorf("%s: %v", name, err)
		} else if c != nil {
			apps++
			c.check(t, rules)
		}
		return nil
	})
	if err != nil {
		t.Errorf("%v", err)
	}
	if apps == 0 {
		t.Errorf("there is no app in the tree")
	}
}

// example is one folder: an app and what its comments expect.
type example struct {
	dir     string
	subject policy.Subject
	wants   []*want
	silent  map[string]string // by rule without finding: "pass" or "unseen"
}

type want struct {
	file, rule string
	line       int
	message    *regexp.Regexp
	met        bool
}

var comment = regexp.MustCompile(`<!--\s*(want|pass|unseen)\b(.*?)-->`)

// readCase returns nil for a folder of folders.
func readCase(fsys fs.FS, dir string) (*example, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return nil, err
	}
	folders := 0
	c := &example{dir: dir, silent: map[string]string{}}
	for _, e := range entries {
		if e.IsDir() {
			folders++
			continue
		}
		data, err := fs.ReadFile(fsys, path.Join(dir, e.Name()))
		if err == nil {
			err = c.readFile(e.Name(), data)
		}
		if err != nil {
			return nil, err
		}
	}
	switch {
	case folders == len(entries):
		return nil, nil
	case folders > 0:
		return nil, errors.New("holds both files and folders; an app has a folder of its own")
	}
	sub, err := fs.Sub(fsys, dir)
	if err != nil {
		return nil, err
	}
	apps, err := metadata.Parse(sub)
	if err != nil {
		return nil, err
	}
	if len(apps) != 1 {
		return nil, fmt.Errorf("holds %d apps, want 1", len(apps))
	}
	c.subject.App = apps[0]
	return c, nil
}

// readFile reads what of a file is not the app's: comments, version, settings.
func (c *example) readFile(name string, data []byte) (err error) {
	switch {
	case name == "package.xml":
		c.subject.Version, err = version(data)
	case strings.HasSuffix(name, ".settings"):
		if c.subject.Settings == nil {
			c.subject.Settings = &metadata.OrgSettings{}
		}
		err = c.subject.Settings.ParseFile(name, data)
	}
	return errors.Join(err, c.readComments(name, string(data)))
}

func version(manifest []byte) (metadata.APIVersion, error) {
	var p struct {
		Version string `xml:"version"`
	}
	if err := xml.Unmarshal(manifest, &p); err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(p.Version, ".0"))
	if err != nil {
		return 0, errors.New("package.xml: no version such as 66.0")
	}
	return metadata.APIVersion(n), nil
}

func (c *example) readComments(file, text string) error {
	for i, line := range strings.Split(text, "\n") {
		for _, m := range comment.FindAllStringSubmatch(line, -1) {
			rule, rest, _ := strings.Cut(strings.TrimSpace(m[2]), " ")
			rest = strings.TrimSpace(rest)
			if m[1] != "want" {
				c.silent[rule] = m[1]
				continue
			}
			w := &want{file: file, line: i + 1, rule: rule, message: regexp.MustCompile("")}
			if rest != "" {
				pattern, err := strconv.Unquote(rest)
				if err == nil {
					w.message, err = regexp.Compile(pattern)
				}
				if err != nil {
					return fmt.Errorf("%s:%d: want %s: not a quoted regular expression: %w", file, w.line, rule, err)
				}
			}
			c.wants = append(c.wants, w)
		}
	}
	return nil
}

// check compares what the rules find with what the comments expect.
func (c *example) check(t T, rules []policy.Rule) {
	t.Helper()
	known := map[string]bool{}
	for _, r := range rules {
		known[r.ID] = true
	}
	report := policy.Check(c.subject, rules...)
	for _, f := range report.Findings {
		if !c.meet(f) {
			t.Errorf("%s/%s:%d: found, but no comment wants it: %s", c.dir, f.File, f.Line, f)
		}
	}
	for _, w := range c.wants {
		switch {
		case !known[w.rule]:
			t.Errorf("%s/%s:%d: want %s: the set has no such rule", c.dir, w.file, w.line, w.rule)
		case !w.met:
			t.Errorf("%s/%s:%d: want %s %q: not found", c.dir, w.file, w.line, w.rule, w.message)
		}
	}
	outcome := map[string]string{}
	for _, f := range report.Findings {
		outcome[f.Rule] = "found something"
	}
	for _, f := range report.NotVisible {
		outcome[f.Rule] = "unseen"
	}
	for _, rule := range report.Passed {
		outcome[rule] = "pass"
	}
	for _, rule := range slices.Sorted(maps.Keys(c.silent)) {
		switch {
		case !known[rule]:
			t.Errorf("%s: %s %s: the set has no such rule", c.dir, c.silent[rule], rule)
		case outcome[rule] != c.silent[rule]:
			t.Errorf("%s: %s %s: it is %s", c.dir, c.silent[rule], rule, outcome[rule])
		}
	}
}

// meet finds the comment for a finding, one comment for each.
func (c *example) meet(f policy.Finding) bool {
	for _, w := range c.wants {
		if !w.met && w.rule == f.Rule && w.file == f.File && w.line == f.Line && w.message.MatchString(f.Message) {
			w.met = true
			return true
		}
	}
	return false
}
