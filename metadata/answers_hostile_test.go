package metadata_test

import (
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fullcast/sfauth/metadata"
)

// An answer of a few KiB, compressed, may hold millions of values that say nothing. What is read of them takes memory for each.
func TestHostileJSONIsRefusedInLittleMemory(t *testing.T) {
	const many = 2_000_000
	list := func(element string) string { return "[" + strings.Repeat(element+",", many) + element + "]" }
	result := func(details string) string {
		return `{"id":"0Af000000000001AAA","deployResult":{"done":true,"success":false,"details":{` + details + `}}}`
	}
	for name, body := range map[string]string{
		"empty failures":       result(`"componentFailures":` + list("{}")),
		"failures that are no": result(`"componentFailures":` + list("[]")),
		"nulls":                result(`"componentSuccesses":[` + strings.Repeat("null,", many/2) + `null]`),
		"empty tests":          result(`"runTestResult":{"failures":` + list("{}") + `}`),
		"apps":                 `{"apps":` + list("{}") + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				org := open(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) }, nil)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				var err error
				if name == "apps" {
					_, err = org.Credentials(t.Context(), "Fullcast")
				} else {
					_, err = org.Wait(t.Context(), "0Af000000000001AAA", nil)
				}
				runtime.ReadMemStats(&after)
				if !errors.Is(err, metadata.ErrTooLarge) {
					t.Errorf("the error is %.300v", err)
				}
				if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 150 { // a body of 6 MiB is read and searched in copies
					t.Errorf("%d bytes took %d MiB", len(body), mib)
				}
			})
		})
	}
}

// A log line does not grow with the number of failures that an org tells of.
func TestAnErrorOfManyFailuresTellsTheFirst(t *testing.T) {
	const failures = 3000
	body := `{"id":"0Af000000000001AAA","deployResult":{"done":true,"success":false,"details":{"componentFailures":[` +
		strings.TrimSuffix(strings.Repeat(`{"componentType":"ConnectedApp","fullName":"Old","problem":"`+strings.Repeat("no such field ", 15)+`"},`, failures), ",") + `]}}}`
	synctest.Test(t, func(t *testing.T) {
		org := open(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, body) }, nil)
		_, err := org.Wait(t.Context(), "0Af000000000001AAA", nil)
		if err == nil || !strings.Contains(err.Error(), "no such field") || !strings.Contains(err.Error(), " more") || len(err.Error()) > 20_000 {
			t.Fatalf("the error has %d bytes: %.300v", len(err.Error()), err)
		}
		if all := componentErrors(err); len(all) != failures {
			t.Errorf("%d failures can be reached, want %d", len(all), failures)
		}
	})
}

func componentErrors(err error) (all []*metadata.ComponentError) {
	switch e := err.(type) {
	case *metadata.ComponentError:
		return []*metadata.ComponentError{e}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			all = append(all, componentErrors(inner)...)
		}
	case interface{ Unwrap() error }:
		return componentErrors(e.Unwrap())
	}
	return all
}
