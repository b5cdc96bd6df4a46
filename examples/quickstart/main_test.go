package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/examples/internal/outcome"
)

func TestOneCommandConnectsAnOrgFromEndToEndAndTellsItAsAStory(t *testing.T) {
	var out bytes.Buffer
	begin := time.Now()
	if err := run(t.Context(), nil, &out); err != nil {
		t.Fatal(err)
	}
	t.Logf("it took %v", time.Since(begin))
	rest := out.String()
	for _, part := range []string{
		"external client app", // who has read nothing learns the words first
		"1. A Salesforce org",
		"2. The app", "deployed: Succeeded", "0 findings, 15 settings right",
		"3. Connect", "app.fullcast.io/app/admin/motion", "org 00DTEST", "stored encrypted",
		"4. Call", "1 user",
		"5. A session ends", "1 user", "Nobody noticed",
		"6. Somebody changes a policy", "Refresh Token Policy", "fix   Setup >", "1 finding, 14 passed", "0 findings",
		"7. Goodbye", "revoked", "There is no such connection.",
	} {
		_, after, ok := strings.Cut(rest, part)
		if !ok {
			t.Fatalf("%q is missing, or not in its place:\n%s", part, &out)
		}
		rest = after
	}
}

func TestWhatItDoesNotTakeIsOneLineAndStatusTwo(t *testing.T) {
	var out, stderr bytes.Buffer
	code := outcome.Report(&stderr, "quickstart", run(t.Context(), []string{"-site", "production"}, &out))
	if code != 2 || out.Len() > 0 || stderr.String() != "quickstart: \"-site\": it takes no flags and no arguments\n" {
		t.Errorf("got status %d, %q and %q", code, &out, &stderr)
	}
}

func TestHelpTellsNoStory(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-h"}, &out); err != nil || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("got %v and %q", err, &out)
	}
}
