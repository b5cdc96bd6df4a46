package policy

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/fullcast/sfauth/metadata"
)

// The parts of SARIF 2.1.0 that a report needs.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver struct {
				Name           string      `json:"name"`
				InformationURI string      `json:"informationUri"`
				Rules          []sarifRule `json:"rules"`
			} `json:"driver"`
		} `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifRule struct {
		ID            string       `json:"id"`
		Short         sarifText    `json:"shortDescription"`
		Full          sarifText    `json:"fullDescription"`
		Help          sarifText    `json:"help"`
		Configuration sarifDefault `json:"defaultConfiguration"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifDefault struct {
		Level Severity `json:"level"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Kind      string          `json:"kind"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifLocation struct {
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations"`
	}
	sarifPhysical struct {
		Artifact struct {
			URI string `json:"uri"`
		} `json:"artifactLocation"`
		Region struct {
			StartLine int `json:"startLine"`
		} `json:"region"`
	}
	sarifLogical struct {
		Name          string `json:"name"`
		QualifiedName string `json:"fullyQualifiedName"`
		Kind          string `json:"kind"`
	}
)

// ruleOf is a rule for apps of one kind.
type ruleOf struct {
	id   string
	kind metadata.Kind
}

func sarif(reports []Report) sarifLog {
	run := sarifRun{ColumnKind: "unicodeCodePoints", Results: []sarifResult{}}
	run.Tool.Driver.Name = "sfauth"
	run.Tool.Driver.InformationURI = "https://github.com/fullcast/sfauth"
	run.Tool.Driver.Rules = []sarifRule{}
	index := map[string]int{}
	last := map[ruleOf]Rule{}
	for _, r := range reports {
		for _, rule := range r.rules {
			of := ruleOf{rule.ID, r.Kind}
			if l, known := last[of]; known && rule.fix(r.Kind) == l.fix(r.Kind) && rule.Why == l.Why && rule.Source == l.Source {
				continue // as of another app, which most are
			}
			last[of] = rule
			help := fmt.Sprintf("%s: %s\n\nSource: %s", kindInWords(r.Kind), strings.ReplaceAll(rule.fix(r.Kind), "{app}", "the app"), rule.Source)
			if i, known := index[rule.ID]; known { // of another app, which may be of the other kind
				for text, more := range map[*sarifText]string{&run.Tool.Driver.Rules[i].Full: rule.Why, &run.Tool.Driver.Rules[i].Help: help} {
					if !strings.Contains(text.Text, more) {
						text.Text += "\n\n" + more
					}
				}
				continue
			}
			index[rule.ID] = len(run.Tool.Driver.Rules)
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{
				ID: rule.ID, Short: sarifText{rule.Title}, Full: sarifText{rule.Why}, Help: sarifText{help},
				Configuration: sarifDefault{rule.Severity},
			})
		}
		for _, f := range r.Findings {
			run.Results = append(run.Results, f.sarif(r, index))
		}
		for _, u := range r.NotVisible {
			run.Results = append(run.Results, u.sarif(r, index))
		}
	}
	return sarifLog{"https://json.schemastore.org/sarif-2.1.0.json", "2.1.0", []sarifRun{run}}
}

// unlinked escapes what would make a link of values that an app holds: viewers read [text](target) in a message as one.
//
// Source: SARIF 2.1.0 §3.11.6, "Messages with embedded links".
func unlinked(s string) string { return unlinking.Replace(s) }

var unlinking = strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`)

// fileURI is the reference that a path is: a relative one is below the tree that was read, an absolute one is the file's own.
//
// Source: SARIF 2.1.0 §3.4.3; RFC 3986 §4.2, by which a first segment with a colon begins with "./", and RFC 8089.
func fileURI(path string) string {
	if strings.HasPrefix(path, "/") {
		return "file://" + (&url.URL{Path: path}).EscapedPath()
	}
	uri := strings.TrimPrefix((&url.URL{Path: "/" + path}).EscapedPath(), "/")
	if first, _, _ := strings.Cut(uri, "/"); strings.Contains(first, ":") {
		return "./" + uri
	}
	return uri
}

func (f Finding) sarif(r Report, index map[string]int) sarifResult {
	at := sarifLocation{Logical: sarifField(r, f.Field)}
	if f.File != "" {
		at.Physical = &sarifPhysical{}
		at.Physical.Artifact.URI = fileURI(f.File)
		at.Physical.Region.StartLine = max(f.Line, 1)
	}
	return sarifResult{
		RuleID: f.Rule, RuleIndex: index[f.Rule], Kind: "fail", Level: string(f.Severity),
		Message:   sarifText{unlinked(f.Message + ". " + f.Why + " Fix: " + f.Fix)},
		Locations: []sarifLocation{at},
	}
}

func (u Unseen) sarif(r Report, index map[string]int) sarifResult {
	message := u.Message + ". Look: " + u.Screen + "."
	if u.Want != "" {
		message += " It should be " + oneLine(u.Want) + "."
	}
	return sarifResult{
		RuleID: u.Rule, RuleIndex: index[u.Rule], Kind: "review", Level: "none",
		Message:   sarifText{unlinked(message)},
		Locations: []sarifLocation{{Logical: sarifField(r, u.Field)}},
	}
}

func sarifField(r Report, field string) []sarifLogical {
	return []sarifLogical{{field, cutName(r.App) + "/" + field, "member"}}
}
