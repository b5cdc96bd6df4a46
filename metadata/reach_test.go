package metadata_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/metadata"
)

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestErrorsOnTheWayToTheOrgKeepTheirCauseAndNoSecret(t *testing.T) {
	const token = "00DTEST!very-secret"
	broken := errors.New("broken pipe")
	for _, test := range []struct {
		name     string
		instance string
		err      error // of InstanceURL
		session  error
		is       error
		says     string
	}{
		{"the connection breaks", "https://acme.my.salesforce.com", nil, nil, broken, "broken pipe"},
		{"the instance URL is not https", "http://acme.my.salesforce.com", nil, nil, nil, "no https origin"},
		{"the instance URL holds a password", "https://user:" + token + "@acme.my.salesforce.com", nil, nil, nil, "no https origin"},
		{"no instance URL", "", broken, nil, broken, "broken pipe"},
		{"no session", "https://acme.my.salesforce.com", nil, broken, broken, "broken pipe"},
	} {
		t.Run(test.name, func(t *testing.T) {
			org, err := metadata.NewOrg(metadata.OrgConfig{
				HTTPClient:  &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) { return nil, broken })},
				InstanceURL: func(context.Context) (string, error) { return test.instance, test.err },
				Session:     func(context.Context, string) (string, error) { return token, test.session },
				Version:     66,
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = org.Read(t.Context(), metadata.KindConnectedApp, "A")
			var e *metadata.Error
			if !errors.As(err, &e) || test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v", err)
			}
			if text := fmt.Sprintf("%v %+v %#v", err, err, org); strings.Contains(text, "very-secret") {
				t.Errorf("the session shows in %s", text)
			}
		})
	}
}

func TestTheDefaultTransportIsTheOneOfTheCall(t *testing.T) {
	org, err := metadata.NewOrg(metadata.OrgConfig{
		HTTPClient:  &http.Client{},
		InstanceURL: func(context.Context) (string, error) { return "https://acme.my.salesforce.com/", nil },
		Session:     func(context.Context, string) (string, error) { return "s", nil },
		Version:     66,
	})
	if err != nil {
		t.Fatal(err)
	}
	was := http.DefaultTransport
	defer func() { http.DefaultTransport = was }()
	asked := ""
	http.DefaultTransport = inProcess{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.String()
		fmt.Fprint(w, soapAnswer("listMetadata", ""))
	}), t.Output()}
	if apps, err := org.List(t.Context()); err != nil || len(apps) != 0 {
		t.Errorf("%v, %v", apps, err)
	}
	if asked != "https://acme.my.salesforce.com/services/Soap/m/66.0" {
		t.Errorf("asked %q", asked)
	}
}
