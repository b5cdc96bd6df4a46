package orgtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// service stands for the code under test: it holds a refresh token and calls the org's API.
type service struct {
	http                 *http.Client
	key, secret, refresh string
	access, instance     string
}

// renew asks for an access token once and adopts what comes back.
func (s *service) renew() error {
	res, err := s.http.PostForm("https://login.salesforce.com/services/oauth2/token", url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {s.refresh}, "client_id": {s.key}, "client_secret": {s.secret},
	})
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var body map[string]string
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
		return fmt.Errorf("%s: not a token answer", res.Status)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", body["error"], body["error_description"])
	}
	s.access, s.instance = body["access_token"], body["instance_url"]
	if next := body["refresh_token"]; next != "" {
		s.refresh = next
	}
	return nil
}

// accounts reads something.
func (s *service) accounts() (string, error) {
	return s.get("/services/data/v66.0/query?q=SELECT+Name+FROM+Account+LIMIT+1")
}

// get calls the org's API.
func (s *service) get(path string) (string, error) {
	r, err := http.NewRequest(http.MethodGet, s.instance+path, nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer "+s.access)
	res, err := s.http.Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return fmt.Sprint(res.StatusCode, " ", string(body)), err
}

// connected is an org with the demo app, and a service that an administrator has connected to it.
func connected(cfg orgtest.Config) (*orgtest.Org, *service) {
	cfg.Existing = demoApp()
	org, err := orgtest.New(cfg)
	if err != nil {
		log.Fatal(err)
	}
	key, secret, err := org.Credentials("Demo")
	if err != nil {
		log.Fatal(err)
	}
	refresh, err := org.UserApproved("Demo", "admin@acme.example")
	if err != nil {
		log.Fatal(err)
	}
	return org, &service{http: &http.Client{Transport: org.RoundTripper()}, key: key, secret: secret, refresh: refresh}
}

// The simplest use: an org that has your app, and your own client with the org as its transport. Nothing leaves the process.
func Example() {
	_, service := connected(orgtest.Config{})
	if err := service.renew(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(service.accounts())
	// Output:
	// 200 {"done":true,"records":[{"Name":"Acme","attributes":{"type":"Account","url":"/services/data/v66.0/sobjects/Account/001TEST00000001YDA"}}],"totalSize":1} <nil>
}

// The records that queries find are the test's. Names ignore case, a relationship is a record in a record, and what is wrong with a
// query is told as the org tells it.
func ExampleOrg_SetRecords() {
	org, service := connected(orgtest.Config{})
	err := org.SetRecords("Contact",
		map[string]any{"Id": "003TEST00000001AAA", "Name": "Ann", "Age__c": 31, "Account": map[string]any{"Name": "Acme"}},
		map[string]any{"Name": "Bob", "Age__c": 40, "Account": nil},
	)
	if err != nil {
		log.Fatal(err)
	}
	if err := service.renew(); err != nil {
		log.Fatal(err)
	}
	for _, soql := range []string{
		"select count() from contact where age__c > 30",
		"SELECT Name FROM Contact WHERE Account.Name = 'Acme' AND (Age__c < 40 OR Name LIKE 'B%')",
		"SELECT Name FROM Contact GROUP BY Name",
	} {
		fmt.Println(service.get("/services/data/v66.0/query?q=" + url.QueryEscape(soql)))
	}
	// Output:
	// 200 {"done":true,"records":[],"totalSize":2} <nil>
	// 200 {"done":true,"records":[{"Name":"Ann","attributes":{"type":"Contact","url":"/services/data/v66.0/sobjects/Contact/003TEST00000001AAA"}}],"totalSize":1} <nil>
	// 400 [{"errorCode":"MALFORMED_QUERY","message":"not simulated: GROUP BY (row 1, column 26)"}] <nil>
}

// A part of the API that the org does not have is the test's own, behind the org's session check.
func ExampleOrg_Handle() {
	org, service := connected(orgtest.Config{})
	err := org.Handle("GET /services/apexrest/greeting/{name}", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "hello ", r.PathValue("name"))
	}))
	if err != nil {
		log.Fatal(err)
	}
	if err := service.renew(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(service.get("/services/apexrest/greeting/ann"))
	org.ExpireSessions()
	fmt.Println(service.get("/services/apexrest/greeting/ann"))
	fmt.Println(service.renew())
	fmt.Println(service.get("/services/data/v66.0/composite"))
	// Output:
	// 200 hello ann <nil>
	// 401 [{"errorCode":"INVALID_SESSION_ID","message":"Session expired or invalid"}] <nil>
	// <nil>
	// 501 [{"errorCode":"NOT_SIMULATED","message":"not simulated: GET /composite"}] <nil>
}

// An app enforces its own settings: this one requires PKCE, so an authorize request without a challenge is refused, in the
// callback, as on a real org.
func ExampleNew() {
	org, err := orgtest.New(orgtest.Config{Existing: demoApp()})
	if err != nil {
		log.Fatal(err)
	}
	key, _, err := org.Credentials("Demo")
	if err != nil {
		log.Fatal(err)
	}
	q := url.Values{"response_type": {"code"}, "client_id": {key}, "redirect_uri": {"https://app.example.com/done"}, "state": {"s1"}}
	landed, err := org.Approve(context.Background(), "https://"+org.LoginHost()+"/services/oauth2/authorize?"+q.Encode())
	fmt.Println(landed, err)
	// Output:
	// https://app.example.com/done?error=invalid_request&error_description=missing%20required%20code%20challenge&state=s1 <nil>
}

// A script of faults: one answer of a gateway, then a connection that breaks after the org has acted.
func ExampleOrg_Inject() {
	org, service := connected(orgtest.Config{RotateRefreshTokens: true})
	err := org.Inject(
		orgtest.Fault{Path: "/services/oauth2/token", Status: http.StatusServiceUnavailable, Body: "<h1>Down for maintenance</h1>"},
		orgtest.Fault{Path: "/services/oauth2/token", Drop: orgtest.DropAfter},
	)
	if err != nil {
		log.Fatal(err)
	}
	for range 3 {
		fmt.Println(service.renew())
	}
	for _, e := range org.Ledger() {
		if e.Event == "refresh" {
			fmt.Printf("sent token %d, got token %d: %s\n", e.Presented, e.Issued, e.Outcome)
		}
	}
	// Output:
	// 503 Service Unavailable: not a token answer
	// Post "https://login.salesforce.com/services/oauth2/token": read tcp: connection reset by peer
	// invalid_grant: expired access/refresh token
	// sent token 1, got token 2: ok
	// sent token 1, got token 0: reuse
}

// With rotation each refresh brings another refresh token. Who sends an old one again loses everything.
func Example_rotation() {
	_, service := connected(orgtest.Config{RotateRefreshTokens: true})
	first := service.refresh
	fmt.Println("first refresh:", service.renew(), "rotated:", service.refresh != first)
	fmt.Println("second refresh:", service.renew())

	second := service.refresh
	service.refresh = first
	fmt.Println("old token:", service.renew())
	service.refresh = second
	fmt.Println("young token:", service.renew())
	// Output:
	// first refresh: <nil> rotated: true
	// second refresh: <nil>
	// old token: invalid_grant: expired access/refresh token
	// young token: invalid_grant: expired access/refresh token
}

// A session ends without warning; the refresh token is still good.
func ExampleOrg_ExpireSessions() {
	org, service := connected(orgtest.Config{})
	fmt.Println(service.renew())
	org.ExpireSessions()
	fmt.Println(service.accounts())
	fmt.Println(service.renew())
	status, _ := service.accounts()
	fmt.Println(status[:3])
	// Output:
	// <nil>
	// 401 [{"errorCode":"INVALID_SESSION_ID","message":"Session expired or invalid"}] <nil>
	// <nil>
	// 200
}

// For code that needs real connections: TLS on loopback, under the production host names.
func ExampleOrg_Start() {
	org, service := connected(orgtest.Config{})
	server, err := org.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	service.http.Transport = server.Transport()
	fmt.Println(service.renew(), service.instance)
	// Output:
	// <nil> https://acme.my.salesforce.com
}
