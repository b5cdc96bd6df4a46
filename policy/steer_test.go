package policy_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/policy"
)

// steering are values that an app may hold to steer who reads a report of it.
var steering = map[string]string{
	"a colour of C1":         "Full\u009b31mcast",
	"text that turns round":  "Full\u202etsac",
	"isolates":               "\u2066Full\u2069cast",
	"a marker of direction":  "Full\u200ecast\u200f\u061c",
	"no width":               "Full\u200bcast\ufeff\u00ad",
	"tags":                   "Full\U000e0041cast",
	"a private character":    "Full\ue000cast",
	"an invisible letter":    "Full\u3164cast\uffa0",
	"a selector":             "Full\ufe0fcast",
	"DEL":                    "Full\u007fcast",
	"a separator of lines":   "Full\u2028cast",
	"a link":                 "[Fullcast](https://evil.example)",
	"an escaped link":        `\[Fullcast\](https://evil.example)`,
	"a link in a link":       "[[Full]cast](javascript:alert(1))",
	"an image":               "![x](https://evil.example/x.png)",
	"a table, code and HTML": "a|b `c` <img src=x onerror=alert(1)> <https://evil.example>",
}

// bracket is one that a viewer of SARIF would read as the beginning or end of a link.
var bracket = regexp.MustCompile(`(?:^|[^\\])(?:\\\\)*[\[\]]`)

func TestNoValueOfAnAppSteersWhoReadsAReport(t *testing.T) {
	eca := fullcast.ExternalClientApp(fullcast.Production, "admin@example.com")
	for name, value := range steering {
		app := eca.New()
		app.External.Label, app.External.Description, app.External.ContactEmail = value, value, value
		app.GlobalOAuthSettings.CallbackURL = "https://app.fullcast.io/" + value
		report := policy.Check(policy.Subject{App: app}, policy.Baseline(eca)...)
		if len(report.Findings) < 2 {
			t.Fatalf("%s: only %d findings", name, len(report.Findings))
		}
		for _, form := range forms {
			text := write(t, form, report)
			if at := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && steers(r) }); at >= 0 {
				t.Errorf("%s: %s holds %q", name, form, text[at:min(at+20, len(text))])
			}
			switch form {
			case policy.Markdown:
				if strings.Contains(text, "](") || regexp.MustCompile("[^\\\\](<img|`c`)").MatchString(text) {
					t.Errorf("%s: Markdown is steered:\n%s", name, text)
				}
			case policy.HTML:
				if strings.Contains(text, "<img") || strings.Contains(text, "<a ") {
					t.Errorf("%s: HTML is steered:\n%s", name, text)
				}
			case policy.SARIF:
				for _, message := range messages(t, text) {
					if found := bracket.FindString(message); found != "" {
						t.Errorf("%s: a viewer may read a link in %q", name, message)
					}
				}
			case policy.JSON:
				var back struct{ Reports []policy.Report }
				if err := json.Unmarshal([]byte(text), &back); err != nil || back.Reports[0].Findings[0].Got != report.Findings[0].Got {
					t.Errorf("%s: the values do not come back: %v", name, err)
				}
			}
		}
	}
}

// messages are the messages of the results of SARIF.
func messages(t *testing.T, text string) (all []string) {
	t.Helper()
	var log struct {
		Runs []struct {
			Results []struct{ Message struct{ Text string } }
		}
	}
	if err := json.Unmarshal([]byte(text), &log); err != nil {
		t.Fatal(err)
	}
	for _, run := range log.Runs {
		for _, result := range run.Results {
			all = append(all, result.Message.Text)
		}
	}
	return all
}

// steers reports whether a character could steer a terminal, begin a line, turn text around or hide in it.
func steers(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xad || r == 0x61c || r >= 0x200b && r <= 0x200f || r >= 0x2028 && r <= 0x202e ||
		r >= 0x2060 && r <= 0x206f || r == 0xfeff || r >= 0xe000 && r <= 0xf8ff || r >= 0xfe00 && r <= 0xfe0f || r == 0x3164 || r == 0xffa0 ||
		r >= 0xe0000 && r <= 0xe0fff
}
