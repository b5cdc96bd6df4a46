package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// orgs are many customers' orgs with rotation, and their judge. A session ends a fixed time after it began, however
// much it is used: real sessions are prolonged by use, so that this is the most that a fleet has to refresh.
type orgs struct {
	session, idle time.Duration
	latency       time.Duration // of the token endpoint
	begun         time.Time

	mu        sync.Mutex
	grants    []scaleGrant
	refreshes []int // by the hour
	twice     int   // refresh tokens that came again after they had been replaced
	needless  int   // refreshes while the session still lived: by two workers, one after the other
	idled     int   // refresh tokens that had gone unused for too long
	calls     int
}

type scaleGrant struct {
	generation int
	issued     time.Time
}

func newOrgs(connections int, session time.Duration) *orgs {
	return &orgs{session: session, idle: 30 * 24 * time.Hour, latency: 250 * time.Millisecond, begun: time.Now(), grants: make([]scaleGrant, connections)}
}

func orgHost(i int) string { return fmt.Sprintf("org-%07d.my.salesforce.com", i) }

func refreshTokenOf(i, generation int) string { return fmt.Sprintf("5Aep-%d-%d", i, generation) }

func scaleKey(i int) oauthflow.Key {
	return oauthflow.Key{Tenant: fmt.Sprintf("t%07d", i), Name: "main"}
}

// adoptOne connects the i-th org.
func adoptOne(ctx context.Context, m *oauthflow.Manager, i int) error {
	host, err := oauthflow.ParseHost(orgHost(i))
	if err != nil {
		return err
	}
	c := oauthflow.Client{Host: host, ID: "3MVG9bench", Secret: oauthflow.NewSecret("secret")}
	_, err = m.Adopt(ctx, scaleKey(i), c, oauthflow.NewSecret(refreshTokenOf(i, 0)))
	return err
}

// tokenPadding makes access tokens as long as Salesforce's.
var tokenPadding = strings.Repeat("x", 80)

func (o *orgs) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path != "/services/oauth2/token" {
		return o.call(r), nil
	}
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	var i, generation int
	if _, err := fmt.Sscanf(r.PostForm.Get("refresh_token"), "5Aep-%d-%d", &i, &generation); err != nil {
		return nil, err
	}
	time.Sleep(o.latency)
	return o.refresh(r, i, generation), nil
}

func (o *orgs) refresh(r *http.Request, i, generation int) *http.Response {
	o.mu.Lock()
	defer o.mu.Unlock()
	now, g := time.Now(), &o.grants[i]
	switch first := g.issued.IsZero(); {
	case generation != g.generation:
		o.twice++
		return reply(r, http.StatusBadRequest, `{"error":"invalid_grant","error_description":"expired access/refresh token"}`)
	case !first && now.Sub(g.issued) > o.idle:
		o.idled++
	case !first && now.Sub(g.issued) < o.session:
		o.needless++
	}
	h := int(now.Sub(o.begun) / time.Hour)
	for len(o.refreshes) <= h {
		o.refreshes = append(o.refreshes, 0)
	}
	o.refreshes[h]++
	g.generation++
	g.issued = now
	return reply(r, http.StatusOK, fmt.Sprintf(`{"access_token":"00DTEST000000001!%d-%d-%s","refresh_token":"%s",`+
		`"instance_url":"https://%s","token_type":"Bearer","id":"https://login.salesforce.com/id/00DTEST000000001AA/005TEST000000001AA"}`,
		i, g.generation, tokenPadding, refreshTokenOf(i, g.generation), orgHost(i)))
}

// call answers an API call by whether its session lives.
func (o *orgs) call(r *http.Request) *http.Response {
	var i, generation int
	_, err := fmt.Sscanf(r.Header.Get("Authorization"), "Bearer 00DTEST000000001!%d-%d-", &i, &generation)
	o.mu.Lock()
	defer o.mu.Unlock()
	if err != nil || o.grants[i].generation != generation || time.Since(o.grants[i].issued) > o.session {
		return reply(r, http.StatusUnauthorized, `[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`)
	}
	o.calls++
	return reply(r, http.StatusOK, "{}")
}

// endSessions ends all of them.
func (o *orgs) endSessions() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i := range o.grants {
		o.grants[i].issued = o.grants[i].issued.Add(-o.session)
	}
}

func reply(r *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}
