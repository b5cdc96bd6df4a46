package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// witness stands in front of the org and knows each token that it gave out, also where nobody else got to see it.
type witness struct {
	org      *orgtest.Org
	accepted func(access string) bool
	began    time.Time

	mu     sync.Mutex
	losing bool
	family map[string]*family // by refresh token
	cruel  int                // spent tokens that were sent while a session of their family lived
	said   []string
}

// family is the tokens of one approval.
type family struct {
	access []string // that somebody has got
	spent  map[string]bool
	hit    bool // an answer was lost, or the process that it was for has died
}

// knows adds a refresh token that is to be adopted. Its former owner's access token counts for nothing.
func (w *witness) knows(refresh string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.family[refresh] == nil {
		w.family[refresh] = &family{spent: map[string]bool{}}
	}
}

// hit counts the families that something has happened to.
func (w *witness) hit() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	hit := map[*family]bool{}
	for _, f := range w.family {
		if f.hit {
			hit[f] = true
		}
	}
	return len(hit)
}

// wire is how one process reaches the org.
type wire struct {
	w      *witness
	lossy  float64
	chance *rand.Rand

	recent []sending // guarded by the witness
	dead   bool
}

// sending is a refresh that is under way, or was answered a moment ago.
type sending struct {
	f      *family
	at     time.Time // of the answer; zero when there is none yet
	access string    // that it brought
}

// dies marks what was under way, or perhaps not stored yet, as hit.
func (c *wire) dies() {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	c.dead = true
	for _, s := range c.recent {
		if s.at.IsZero() || time.Since(s.at) < 10*time.Second {
			s.f.hit = true
			s.f.access = slices.DeleteFunc(s.f.access, func(a string) bool { return a == s.access })
		}
	}
}

// draw returns what becomes of a request and how long it takes, seldom up to the given time. What has not reached
// Salesforce when a taker has asked twice whether the token is unspent is beyond any client: a request travels for less.
func (c *wire) draw(most time.Duration) (p float64, slow time.Duration) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	p = c.chance.Float64()
	if !c.w.losing {
		p = 1
	}
	slow = time.Duration(c.chance.IntN(8)) * time.Millisecond
	if c.chance.IntN(8) == 0 {
		slow = time.Duration(c.chance.Int64N(int64(most)))
	}
	return p, slow
}

func (c *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Path != tokenPath {
		dawdle()
		return c.w.org.RoundTripper().RoundTrip(req)
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	req.Body = io.NopCloser(bytes.NewReader(body))
	presented := form.Get("refresh_token")
	p, slow := c.draw(9 * time.Second)
	if p < c.lossy/3 { // never arrives
		return nil, errReset
	}
	time.Sleep(slow)

	w := c.w
	w.mu.Lock()
	f := w.family[presented]
	index := len(c.recent)
	if f != nil {
		f.hit = f.hit || c.dead
		c.recent = append(c.recent, sending{f: f})
		if f.spent[presented] {
			for _, access := range f.access {
				if w.accepted(access) {
					w.cruel++
					break
				}
			}
			w.said = append(w.said, fmt.Sprintf("%v: a spent token is sent; hit: %v", time.Since(w.began), f.hit))
		}
	}
	w.mu.Unlock()
	resp, err := w.org.RoundTripper().RoundTrip(req)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	var tokens struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	_ = json.Unmarshal(answer, &tokens)
	lost := p < c.lossy
	w.mu.Lock()
	switch {
	case f != nil && resp.StatusCode == http.StatusOK:
		f.spent[presented] = true
		w.family[tokens.Refresh] = f
		if c.recent[index].access = tokens.Access; !lost && !c.dead {
			f.access = append(f.access, tokens.Access)
		}
		if lost {
			f.hit = true
			w.said = append(w.said, fmt.Sprintf("%v: an answer is lost", time.Since(w.began)))
		}
	case f == nil && tokens.Refresh != "":
		w.family[tokens.Refresh] = &family{access: []string{tokens.Access}, spent: map[string]bool{}}
	}
	w.mu.Unlock()
	if lost {
		return nil, errReset
	}
	if _, slow = c.draw(50 * time.Second); slow > 0 {
		time.Sleep(slow)
	}
	if f != nil {
		w.mu.Lock()
		c.recent[index].at = time.Now()
		w.mu.Unlock()
	}
	return resp, nil
}
