package fullcast_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/go-resty/resty/v2"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// breaking is a transport whose API answers have bodies that end in an error after their words.
type breaking struct {
	next   http.RoundTripper
	reason error
}

func (b breaking) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(req)
	if err == nil && strings.HasPrefix(req.URL.Path, "/services/data/") {
		words, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		resp.Body.Close()
		resp.Body, resp.ContentLength = io.NopCloser(io.MultiReader(bytes.NewReader(words), broken{b.reason})), -1
	}
	return resp, err
}

type broken struct{ reason error }

func (b broken) Read([]byte) (int, error) { return 0, b.reason }

func TestARefusalOverRestyWhoseBodyIsNotReadWholeIsStillOneWithKindAndRemedy(t *testing.T) {
	const words = `[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]`
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := io.WriteString(z, strings.Repeat("<html>blocked</html>", 1000)); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	reset := errors.New("connection reset by peer")
	for _, c := range []struct {
		name   string
		fault  orgtest.Fault
		reason error // with which the body ends
		limit  int
		kind   oauthflow.ErrorKind
		is     error
		begins string // the body that the caller gets
	}{
		{"a small limit", orgtest.Fault{Status: 403, Body: words}, nil, 5, oauthflow.KindLimit, resty.ErrResponseBodyTooLarge, words[:5]},
		{"reset after the words", orgtest.Fault{Status: 403, Body: words}, reset, 0, oauthflow.KindLimit, reset, words},
		{"cut off", orgtest.Fault{Status: 403, Body: words + strings.Repeat(" ", 100), Drop: orgtest.CutBody, Keep: len(words)}, nil, 0, oauthflow.KindLimit, io.ErrUnexpectedEOF, words},
		{"gzip that is none", orgtest.Fault{Status: 403, Body: words, Header: http.Header{"Content-Encoding": {"gzip"}}}, nil, 0, oauthflow.KindLimit, gzip.ErrHeader, ""},
		{"gzip that ends early", orgtest.Fault{Status: 403, Body: packed.String()[:packed.Len()/2], Header: http.Header{"Content-Encoding": {"gzip"}}}, nil, 0, oauthflow.KindUnknownAnswer, io.ErrUnexpectedEOF, ""},
		{"gzip above a limit", orgtest.Fault{Status: 403, Body: packed.String(), Header: http.Header{"Content-Encoding": {"gzip"}}}, nil, 10, oauthflow.KindUnknownAnswer, resty.ErrResponseBodyTooLarge, "<html>bloc"},
		{"a redirect that comes back", orgtest.Fault{Status: 302, Body: words}, reset, 0, oauthflow.KindUnknownAnswer, reset, words},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, config{})
			w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
			if c.reason != nil {
				w.rec.next = breaking{w.rec.next, c.reason}
			}
			conn := w.connect(t)
			c.fault.Path, c.fault.Times = "/services/data/v66.0/", -1
			if err := w.org.Inject(c.fault); err != nil {
				t.Fatal(err)
			}
			resp, err := conn.Resty().SetResponseBodyLimit(c.limit).R().SetQueryParam("q", "Secret00D7").Get(limits)
			wantError(t, err, c.kind, fullcast.Retry)
			if !errors.Is(err, c.is) || !strings.Contains(err.Error(), "GET "+limits) || strings.Contains(err.Error(), "Secret00D7") {
				t.Errorf("got %v, want %v in it", err, c.is)
			}
			if resp == nil || resp.StatusCode() != c.fault.Status || !strings.HasPrefix(string(resp.Body()), c.begins) || c.limit > 0 && len(resp.Body()) > c.limit {
				t.Errorf("the response is %v", resp)
			}
		})
	}
}

func TestASuccessOverRestyWhoseBodyBreaksIsNoRefusal(t *testing.T) {
	w := newWorld(t, config{})
	w.deploy(t, fullcast.ExternalClientApp(fullcast.Production, "admin@acme.example"))
	reset := errors.New("connection reset by peer")
	w.rec.next = breaking{w.rec.next, reset}
	_, err := w.connect(t).Resty().R().Get(limits)
	if cause := (*oauthflow.Error)(nil); !errors.Is(err, reset) || errors.As(err, &cause) {
		t.Errorf("got %v", err)
	}
}
