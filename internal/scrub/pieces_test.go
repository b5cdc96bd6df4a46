package scrub_test

import (
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
