package oauthflow_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A MiB of % took seconds of CPU; what is read of a description is bounded before anything looks at it.
func TestALongDescriptionCostsNoTime(t *testing.T) {
	for _, unit := range []string{"%", "%25", "&#37;", `\`, "a ", "\u202e"} {
		body, _ := json.Marshal(map[string]string{"error": "invalid_grant", "error_description": strings.Repeat(unit, (1<<20-100)/len(unit)/2)})
		query := "error=invalid_request&error_description=" + url.QueryEscape(strings.Repeat(unit, 1<<16))
		for _, answer := range []string{string(body), query} {
			before := cpu(t)
			for range 10 {
				_, err := wireFlow(t, says(400, answer)).Refresh(t.Context(), wireClient(t, wireHost), wireToken())
				if err == nil {
					t.Fatal("the refresh was not refused")
				}
			}
			// To decode a MiB of JSON takes some 20 ms, under the race detector ten times that.
			if took := (cpu(t) - before) / 10; took > time.Second/2 {
				t.Errorf("%d bytes of %q cost %v", len(answer), unit, took)
			}
		}
	}
}

// cpu is the CPU time that this process has used.
func cpu(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
