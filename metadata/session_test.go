package metadata_test

import (
	"archive/zip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/fullcast/sfauth/metadata"
)

// sessions answers SOAP and counts the calls of each operation. It refuses some calls of one operation as Salesforce
// refuses an expired session: by a fault of status 500.
type sessions struct {
	op      string // the operation that is refused
	refused int    // how many of its calls, the first ones; their sessions are refused for good
	dead    map[string]bool
	calls   map[string]int // all calls, by operation
	taken   map[string]int // those that were not refused
	asked   []string       // what Session was asked with
	zip     string
}

var soapOperation = regexp.MustCompile(`<soapenv:Body><(\w+)>`)
var soapSession = regexp.MustCompile(`<sessionId>(.*)</sessionId>`)

func newSessions(t *testing.T, op string, refused int) *sessions {
	data := zipOf(t, func(w *zip.Writer) {
		store(w, "connectedApps/Mine.connectedApp", "<ConnectedApp"+ns+"><label>Mine</label></ConnectedApp>")
	})
	return &sessions{op: op, refused: refused, dead: map[string]bool{}, calls: map[string]int{}, taken: map[string]int{},
		zip: base64.StdEncoding.EncodeToString(data)}
}

func (s *sessions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	op, session := soapOperation.FindStringSubmatch(string(body))[1], soapSession.FindStringSubmatch(string(body))[1]
	s.calls[op]++
	if op == s.op && s.calls[op] <= s.refused {
		s.dead[session] = true
	}
	if s.dead[session] {
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprint(w, expired)
		return
	}
	s.taken[op]++
	fmt.Fprint(w, soapAnswer(op, map[string]string{
		"readMetadata":        `<result><records><fullName>A</fullName><label>A</label></records></result>`,
		"listMetadata":        `<result><fullName>A</fullName><type>ConnectedApp</type></result>`,
		"deploy":              `<result><done>false</done><id>0Af000000000001</id></result>`,
		"checkDeployStatus":   `<result><done>true</done><success>true</success><status>Succeeded</status></result>`,
		"retrieve":            `<result><done>false</done><id>09S000000000001</id></result>`,
		"checkRetrieveStatus": `<result><done>true</done><success>true</success><zipFile>` + s.zip + `</zipFile></result>`,
		"upsertMetadata":      `<result><created>true</created><fullName>A</fullName><success>true</success></result>`,
	}[op]))
}

// session gives another token for each one that was refused.
func (s *sessions) session(_ context.Context, rejected string) (string, error) {
	s.asked = append(s.asked, rejected)
	return fmt.Sprintf("00DTEST!%d", len(s.dead)), nil
}

// soapCalls are the operations that the SDK calls by SOAP, each with a way to it.
var soapCalls = map[string]func(context.Context, *testing.T, *metadata.Org) error{
	"readMetadata": func(ctx context.Context, _ *testing.T, org *metadata.Org) error {
		_, err := org.Read(ctx, metadata.KindConnectedApp, "A")
		return err
	},
	"listMetadata": func(ctx context.Context, _ *testing.T, org *metadata.Org) error {
		_, err := org.List(ctx)
		return err
	},
	"deploy": deployBySOAP, "checkDeployStatus": deployBySOAP, "retrieve": retrieve, "checkRetrieveStatus": retrieve,
	"upsertMetadata": func(ctx context.Context, _ *testing.T, org *metadata.Org) error {
		_, err := org.Upsert(ctx, connectedSpec().New())
		return err
	},
}

func deployBySOAP(ctx context.Context, t *testing.T, org *metadata.Org) error {
	_, err := org.Deploy(ctx, packageOf(t, connectedSpec()), metadata.DeployOptions{SOAP: true})
	return err
}

func retrieve(ctx context.Context, _ *testing.T, org *metadata.Org) error {
	_, err := org.Retrieve(ctx)
	return err
}

func TestASessionThatExpiresInAnySOAPCallIsReplacedOnce(t *testing.T) {
	for op, call := range soapCalls {
		t.Run(op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				undisturbed := newSessions(t, "", 0)
				if err := call(t.Context(), t, open(t, undisturbed.ServeHTTP, undisturbed.session)); err != nil {
					t.Fatal(err)
				}
				s := newSessions(t, op, 1)
				if err := call(t.Context(), t, open(t, s.ServeHTTP, s.session)); err != nil {
					t.Fatal(err)
				}
				if !maps.Equal(s.taken, undisturbed.calls) {
					t.Errorf("the org took %v, want %v", s.taken, undisturbed.calls)
				}
				undisturbed.calls[op]++
				if !maps.Equal(s.calls, undisturbed.calls) {
					t.Errorf("calls %v, want %v", s.calls, undisturbed.calls)
				}
				var rejected []string
				for _, a := range s.asked {
					if a != "" {
						rejected = append(rejected, a)
					}
				}
				if !reflect.DeepEqual(rejected, []string{"00DTEST!0"}) {
					t.Errorf("asked for another session in place of %q", rejected)
				}
			})
		})
	}
}

func TestASessionThatIsRefusedAgainEndsAnySOAPCall(t *testing.T) {
	for op, call := range soapCalls {
		t.Run(op, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSessions(t, op, 1000)
				err := call(t.Context(), t, open(t, s.ServeHTTP, s.session))
				var e *metadata.Error
				if !errors.Is(err, metadata.ErrSession) || !errors.As(err, &e) || e.Code != "INVALID_SESSION_ID" {
					t.Errorf("error %v", err)
				}
				if s.calls[op] != 2 || s.taken[op] != 0 {
					t.Errorf("called %d times, want twice", s.calls[op])
				}
				if op == "checkDeployStatus" && (s.calls["deploy"] != 1 || !strings.Contains(err.Error(), "0Af000000000001")) {
					t.Errorf("%d deployments, and %v", s.calls["deploy"], err)
				}
			})
		})
	}
}

func TestADeploymentThatTheOrgTookIsNotSentAgain(t *testing.T) {
	for _, test := range []struct {
		name string
		soap bool
		lost string // part of the body whose answer is lost
	}{
		{"by SOAP, the answer to it is lost", true, "<deploy>"},
		{"by REST, the answer to it is lost", false, "deploy.zip"},
		{"by SOAP, the answers about its state are lost", true, "<checkDeployStatus>"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSessions(t, "", 0)
				deployments := 0
				org, err := metadata.NewOrg(metadata.OrgConfig{
					HTTPClient: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
						body, err := io.ReadAll(r.Body)
						if err != nil {
							return nil, err
						}
						text := string(body)
						if strings.Contains(text, "<deploy>") || strings.Contains(text, "deploy.zip") {
							deployments++
						}
						if strings.Contains(text, test.lost) {
							return nil, io.ErrUnexpectedEOF
						}
						r.Body = io.NopCloser(strings.NewReader(text))
						return inProcess{s, t.Output()}.RoundTrip(r)
					})},
					InstanceURL: func(context.Context) (string, error) { return "https://acme.my.salesforce.com", nil },
					Session:     s.session,
					Version:     66,
				})
				if err != nil {
					t.Fatal(err)
				}
				result, err := org.Deploy(t.Context(), packageOf(t, connectedSpec()), metadata.DeployOptions{SOAP: test.soap})
				if !errors.Is(err, io.ErrUnexpectedEOF) || deployments != 1 {
					t.Errorf("sent %d times, error %v", deployments, err)
				}
				if known := test.lost == "<checkDeployStatus>"; known != (result.ID == "0Af000000000001") {
					t.Errorf("the ID is %q", result.ID)
				}
			})
		})
	}
}

// REST carries the session in a header, which [metadata.OrgConfig.HTTPClient] sets and replaces: a refusal that reaches
// the Org is the last word.
func TestASessionThatIsRefusedByRESTIsAnErrorAfterOneCall(t *testing.T) {
	for name, call := range map[string]func(context.Context, *metadata.Org) error{
		"deploy": func(ctx context.Context, org *metadata.Org) error {
			_, err := org.Deploy(ctx, packageOf(t, connectedSpec()), metadata.DeployOptions{})
			return err
		},
		"poll": func(ctx context.Context, org *metadata.Org) error {
			_, err := org.Wait(ctx, "0Af000000000001", nil)
			return err
		},
		"cancel": func(ctx context.Context, org *metadata.Org) error { return org.Cancel(ctx, "0Af000000000001") },
		"quick deploy": func(ctx context.Context, org *metadata.Org) error {
			_, err := org.QuickDeploy(ctx, "0Af000000000001", nil)
			return err
		},
		"credentials": func(ctx context.Context, org *metadata.Org) error {
			_, err := org.Credentials(ctx, "A")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calls := 0
				org := open(t, func(w http.ResponseWriter, _ *http.Request) {
					calls++
					w.WriteHeader(http.StatusUnauthorized)
					fmt.Fprint(w, `[{"errorCode":"INVALID_SESSION_ID","message":"Session expired or invalid"}]`)
				}, nil)
				if err := call(t.Context(), org); !errors.Is(err, metadata.ErrSession) || calls != 1 {
					t.Errorf("%d calls, error %v", calls, err)
				}
			})
		})
	}
}
