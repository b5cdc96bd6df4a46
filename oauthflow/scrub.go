package oauthflow

import scrubber "github.com/fullcast/sfauth/internal/scrub"

const (
	maxDescription = 200
	redacted       = scrubber.Redacted
)

// scrub makes somebody else's words fit to be shown: one printable line, bounded, without queries and without anything
// that looks like a token. Text that mentions something we sent is withheld as a whole.
func scrub(text string, sent ...Secret) string {
	return scrubber.New(sent...).Sentence(text, maxDescription)
}
