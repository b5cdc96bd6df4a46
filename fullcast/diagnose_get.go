package fullcast

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/fullcast/sfauth/internal/scrub"
)

// errRedirected means that another host was named in place of an answer.
var errRedirected = errors.New("the host redirects")

// errRepeated means that an answer repeats the access token, which no line of a diagnosis may show.
var errRepeated = errors.New("the answer repeats what was sent")

// get reads one of the org's resources. An answer that is no JSON leaves into as it is.
func (x *examination) get(path string, into any) error {
	base, err := x.c.InstanceURL(x.ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(x.ctx, lookTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, nil)
	if err != nil {
		return err
	}
	resp, err := x.c.HTTPClient().Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 == 3 {
		return errRedirected
	}
	if err := x.c.ResponseError(resp); err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return err
	}
	if scrub.New(scrub.SentWith(resp.Request)...).Repeats(body) {
		return errRepeated
	}
	_ = json.Unmarshal(bytes.TrimPrefix(body, []byte("\ufeff")), into)
	return nil
}
