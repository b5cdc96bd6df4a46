package faults

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"sync"
)

// account is what the org's ledger says of refreshes, from one entry on.
type account struct {
	posts, rotations, replays, busy, refused, introspections int
}

// mark is the length of the ledger now.
func (s *scene) mark() int { return len(s.org.Ledger()) }

// since counts what happened after a mark.
func (s *scene) since(mark int) account {
	var a account
	for _, e := range s.org.Ledger()[mark:] {
		switch e.Event {
		case "introspect":
			a.introspections++
		case "refresh":
			a.posts++
			switch {
			case e.Outcome == "ok":
				a.rotations++
			case e.Outcome == "reuse":
				a.replays++
			case e.Outcome == "busy":
				a.busy++
			default:
				a.refused++
			}
		}
	}
	return a
}

// postsOf counts the refreshes of each approval after a mark.
func (s *scene) postsOf(mark int) map[int]int {
	posts := map[int]int{}
	for _, e := range s.org.Ledger()[mark:] {
		if e.Event == "refresh" {
			posts[e.Approval]++
		}
	}
	return posts
}

// tokenTap reads the tokens out of answers, so that a drill can play the thief.
type tokenTap struct {
	base   http.RoundTripper
	mu     sync.Mutex
	issued map[string]string // access token to refresh token
}

func (t *tokenTap) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(req)
	if err != nil || req.URL.Path != tokenPath {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	var answer struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if json.Unmarshal(body, &answer) == nil {
		t.mu.Lock()
		t.issued[answer.Access] = answer.Refresh
		t.mu.Unlock()
	}
	return resp, nil
}

func (t *tokenTap) refreshOf(access string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.issued[access]
}

func installedApp() map[string]string {
	const ns = ` xmlns="http://soap.sforce.com/2006/04/metadata"`
	wrap := func(typ, body string) string { return "<" + typ + ns + ">" + body + "</" + typ + ">" }
	of := "<externalClientApplication>" + appName + "</externalClientApplication>"
	return map[string]string{
		"externalClientApps/" + appName + ".eca": wrap("ExternalClientApplication",
			"<contactEmail>a@acme.example</contactEmail><distributionState>Local</distributionState><label>"+appName+"</label>"),
		"extlClntAppOauthSettings/" + appName + "_oauth.ecaOauth": wrap("ExtlClntAppOauthSettings",
			"<commaSeparatedOauthScopes>OpenID, Basic, Api, Web, Full, RefreshToken</commaSeparatedOauthScopes>"+of),
		"extlClntAppGlobalOauthSets/" + appName + "_glbloauth.ecaGlblOauth": wrap("ExtlClntAppGlobalOauthSettings",
			"<callbackUrl>"+callbackURL+"</callbackUrl>"+of+"<isConsumerSecretOptional>false</isConsumerSecretOptional>"+
				"<isPkceRequired>true</isPkceRequired><isSecretRequiredForRefreshToken>true</isSecretRequiredForRefreshToken>"),
		"extlClntAppOauthPolicies/" + appName + "_oauthPlcy.ecaOauthPlcy": wrap("ExtlClntAppOauthConfigurablePolicies",
			of+"<ipRelaxationPolicyType>Enforce_RelaxRefresh</ipRelaxationPolicyType>"+
				"<permittedUsersPolicyType>AllSelfAuthorized</permittedUsersPolicyType><refreshTokenPolicyType>Infinite</refreshTokenPolicyType>"),
		"extlClntAppPolicies/" + appName + "_plcy.ecaPlcy": wrap("ExtlClntAppConfigurablePolicies",
			of+"<isEnabled>true</isEnabled><startPage>None</startPage>"),
	}
}
