package metadata

import (
	"context"
	"errors"
	"strings"
)

// pairTries is how often an org and its session are asked for while others take their place.
const pairTries = 5

var errRestless = errors.New("the org was connected again and again while its session was asked for; nothing was sent")

// pair returns where the org is and a session of that org. Between the two questions another org may have been connected: SOAP has
// the session in its body, where no transport keeps it from that one.
func (o *Org) pair(ctx context.Context) (origin, token string, err error) {
	if origin, err = o.origin(ctx); err != nil {
		return "", "", err
	}
	for range pairTries {
		if token, err = o.cfg.Session(ctx, ""); err != nil {
			return "", "", err
		}
		still, err := o.origin(ctx)
		if err != nil {
			return "", "", err
		}
		if still == origin {
			return origin, token, nil
		}
		origin = still
	}
	return "", "", errRestless
}

// sameOrg reports whether two sessions are known to be of one org: an opaque access token, 00D…!…, begins with the id of its org. A
// JWT shows none here.
func sameOrg(a, b string) bool {
	id, _, ok := strings.Cut(a, "!")
	return ok && strings.HasPrefix(b, id+"!")
}
