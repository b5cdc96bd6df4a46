package sfauth_test

import (
	"regexp"
	"strings"
	"testing"
)

// An operator finds each event in the page about it, under the name that logs and metrics give it.
func TestThePageOnProductionNamesEveryEventAndNoOther(t *testing.T) {
	_, watch, _ := strings.Cut(read(t, "docs/production.md"), "\n## What to watch\n")
	watch, _, ok := strings.Cut(watch, "\n## ")
	if !ok {
		t.Fatal("docs/production.md no longer says what to watch")
	}
	told := map[string]bool{}
	table, healthy, _ := strings.Cut(watch, "\nHealthy ones: ")
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(table, -1) {
		told[m[1]] = true
	}
	for _, m := range codeSpan.FindAllStringSubmatch(healthy, -1) {
		told[m[1]] = true
	}
	events := regexp.MustCompile(`\tEvent\w+\s+EventType\s*= "([^"]+)"`).FindAllStringSubmatch(exported(t, "oauthflow"), -1)
	if len(events) < 15 {
		t.Fatalf("found %d events; the search for them is broken", len(events))
	}
	for _, m := range events {
		if !told[m[1]] {
			t.Errorf("the page does not name the event %q", m[1])
		}
		delete(told, m[1])
	}
	for name := range told {
		t.Errorf("the page names %q, which is no event", name)
	}
}
