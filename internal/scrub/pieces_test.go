package scrub_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/scrub"
	"github.com/fullcast/sfauth/internal/secret"
)

// An org may make its access token of one part, a thousand times, and answer in texts of the same part, each too short to count.
func TestATextMadeOfPartsOfASecretCostsLittleWork(t *testing.T) {
	const part = "a1a1a1a1a1a1a1a" // less than what betrays a secret
	took := func(token string) time.Duration {
		said := scrub.New(secret.New(token))
		text := strings.Repeat(part+"z ", 238) + "%252525252525"
		began := time.Now()
		for range 100 {
			said.Line(text, 300)
			said.Mentions(text)
		}
		return time.Since(began)
	}
	usual := took(strings.Repeat("b2B3c4C5d6D7e8E9f", 940))
	if worst := took(strings.Repeat(part+"Q", 1000)); worst > 10*usual+100*time.Millisecond {
		t.Errorf("100 texts take %v, and %v where the token has nothing of them", worst, usual)
	}
}

// A request that a service passes on may have as many cookies as its sender likes, each of which counts as a secret.
func TestARequestOfManyCookiesCostsLittleWork(t *testing.T) {
	var cookies strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&cookies, "a=value%07d;", i)
	}
	began := time.Now()
	said := scrub.New(scrub.SentWith(&http.Request{Header: http.Header{"Cookie": {cookies.String()}}})...)
	for _, text := range []string{"no such field " + strings.Repeat("& %2541", 500), "got value0000007"} {
		if got := said.Line(text, 300); got != scrub.Redacted {
			t.Errorf("shows %q", got)
		}
		if !said.Repeats([]byte(text)) || said.Value(text) != scrub.Redacted {
			t.Errorf("%.30q counts as one that mentions nothing", text)
		}
	}
	if took := time.Since(began); took > 500*time.Millisecond { // some hundredths of a second; to look for all takes seconds
		t.Errorf("it takes %v", took)
	}
}
