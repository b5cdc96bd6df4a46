package metadata

import (
	"context"
	"errors"
	"strings"

	"github.com/go-resty/resty/v2"

	"github.com/fullcast/sfauth/internal/scrub"
	"github.com/fullcast/sfauth/internal/secret"
)

// maxText bounds what is shown of one text of an org's or a file's, in bytes.
const maxText = 300

// errRepeats is the error about a success that holds the session.
var errRepeats = errors.New("the org's answer repeats the session that was sent with the request, so nothing of it is used")

// oneLine bounds text that a file gave: one line, nothing that steers a terminal.
func oneLine(text string) string { return scrub.Scrubber{}.Line(text, maxText) }

// sentWith knows what a REST request carried, whose transport adds the token: the response names the request. Where a
// transport of somebody else's leaves it out, the token is the one that is in use now.
func (o *Org) sentWith(ctx context.Context, resp *resty.Response) scrub.Scrubber {
	if raw := resp.RawResponse; raw != nil && raw.Request != nil && raw.Request.Header.Get("Authorization") != "" {
		return scrub.New(scrub.SentWith(raw.Request)...)
	}
	return scrub.New(o.tokens(ctx)...)
}

// tokens returns the access token that is in use now, where there is one.
func (o *Org) tokens(ctx context.Context) []secret.Secret {
	token, err := o.cfg.Session(ctx, "")
	if err != nil {
		return nil
	}
	return []secret.Secret{secret.New(token)}
}

// shown returns the error of a transport, without its words and causes where they hold something that is not shown.
func shown(err error, said scrub.Scrubber) error {
	text := said.Line(err.Error(), maxText)
	if !said.Mentions(err.Error()) && !strings.Contains(text, scrub.Redacted) {
		return err
	}
	for _, cause := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, cause) {
			return cause
		}
	}
	return errors.New(text)
}
