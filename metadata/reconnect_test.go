package metadata_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/metadata"
)

// reconnected is a key that is connected to another org, or whose org gets another address, at a chosen moment.
type reconnected struct {
	at       string // the question after whose answer it happens
	now      int
	origins  [2]string
	sessions [2]string
	refuses  bool // the first org refuses its session

	sent []string // host and session of each SOAP call
}

func (r *reconnected) passes(question string) {
	if question == r.at {
		r.now = 1
	}
}

func (r *reconnected) instanceURL(context.Context) (string, error) {
	defer r.passes("InstanceURL")
	return r.origins[r.now], nil
}

func (r *reconnected) session(_ context.Context, rejected string) (string, error) {
	if rejected != "" {
		r.passes("refusal")
		return r.sessions[r.now], nil
	}
	defer r.passes("Session")
	return r.sessions[r.now], nil
}

func (r *reconnected) RoundTrip(req *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(req.Body)
	session := soapSession.FindStringSubmatch(string(body))[1]
	r.sent = append(r.sent, req.URL.Host+" "+session)
	w := httptest.NewRecorder()
	if r.refuses && session == r.sessions[0] {
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, expired)
	} else {
		fmt.Fprint(w, soapAnswer("listMetadata", `<result><fullName>A</fullName><type>ConnectedApp</type></result>`))
	}
	return w.Result(), nil
}

func TestASessionIsSentToItsOwnOrgAloneWhileAnotherIsConnected(t *testing.T) {
	const former, later, renewed = "00Dx00000000001!former", "00Dx00000000002!later", "00Dx00000000001!renewed"
	const toFormer, toLater = "former.my.salesforce.com " + former, "later.my.salesforce.com " + later
	for name, c := range map[string]struct {
		key  reconnected
		sent string
		err  error
	}{
		"after the session was asked for": {reconnected{at: "Session", sessions: [2]string{former, later}}, toLater, nil},
		"after the address was asked for": {reconnected{at: "InstanceURL", sessions: [2]string{former, later}}, toLater, nil},
		"never":                           {reconnected{sessions: [2]string{former, later}}, toFormer, nil},
		"after the former org has refused its session": {
			reconnected{at: "refusal", sessions: [2]string{former, later}, refuses: true}, toFormer, metadata.ErrSession},
		"the same org has another address after it has refused its session": {
			reconnected{at: "refusal", sessions: [2]string{former, renewed}, refuses: true},
			toFormer + ", later.my.salesforce.com " + renewed, nil},
	} {
		key := &c.key
		key.origins = [2]string{"https://former.my.salesforce.com", "https://later.my.salesforce.com"}
		org, err := metadata.NewOrg(metadata.OrgConfig{
			HTTPClient: &http.Client{Transport: key}, InstanceURL: key.instanceURL, Session: key.session, Version: 66,
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = org.List(t.Context())
		if sent := strings.Join(slices.Compact(key.sent), ", "); !errors.Is(err, c.err) || sent != c.sent {
			t.Errorf("%s: got %v, sent %q, want %q", name, err, sent, c.sent)
		}
	}
}
