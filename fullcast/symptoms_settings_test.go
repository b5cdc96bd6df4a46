package fullcast_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/metadata"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/policy"
)

// settings are the symptoms that come from the app's settings, from a second login, and from a customer's file.
var settings = []symptom{
	{name: "an app as Setup saves it under the idle limit", happens: func(p *patient) { p.click(p.t, notUsedFor("30", "Days")...) }, deed: checked("")},
	{name: "an app that keeps unused tokens for a week", happens: func(p *patient) { p.click(p.t, notUsedFor("7", "Days")...) },
		deed: checked("baseline-refresh-token-policy")},
	{name: "a week without use, of an app that was checked", happens: func(p *patient) { p.click(p.t, notUsedFor("7", "Days")...) }, deed: func(p *patient) error {
		if _, err := p.conn.Check(p.t.Context()); err != nil {
			return err
		}
		keptAlive(p.t, p.sf, 8*day)
		return overHTTP(p)
	}, api: 2, token: 2},
	{name: "PKCE that Salesforce does not let be cleared, on a connected app", happens: func(*patient) {}, deed: func(*patient) error {
		spec := fullcast.ConnectedApp(fullcast.Production, "admin@acme.example")
		spec.RequirePKCE = metadata.Selected
		report := policy.Check(policy.Subject{App: spec.New()}, policy.Baseline(fullcast.ConnectedApp(fullcast.Production, "admin@acme.example"))...)
		return faults(report, nil, "")
	}},

	{name: "SOAP, of an org that takes JWTs for REST only", jwt: true, happens: func(p *patient) {
		p.inject("/services/Soap/m/66.0", 500, `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><soapenv:Fault>`+
			`<faultcode>sf:INVALID_SESSION_ID</faultcode><faultstring>INVALID_SESSION_ID: Invalid Session ID found in SessionHeader</faultstring>`+
			`</soapenv:Fault></soapenv:Body></soapenv:Envelope>`, "Content-Type", "text/xml")
	}, deed: func(p *patient) error {
		org, err := p.conn.Org(fullcast.APIVersion)
		if err != nil {
			return err
		}
		if _, err = org.Read(p.t.Context(), metadata.KindConnectedApp, "Fullcast"); !errors.Is(err, metadata.ErrJWTSession) {
			return fmt.Errorf("got %w", err)
		}
		return nil
	}, token: 1},

	{name: "two logins of one integration user", happens: func(*patient) {}, deed: func(p *patient) error {
		o := fullcast.BeginOptions{Client: p.client(p.t, "Fullcast"), Binding: session}
		to, err := p.sf.Begin(p.t.Context(), oauthflow.Key{Tenant: main.Tenant, Name: "policies"}, o)
		if err != nil {
			return err
		}
		second, err := p.sf.Complete(p.t.Context(), p.approved(p.t, to))
		if err != nil {
			return err
		}
		_, err = query(p.t.Context(), second)
		return errors.Join(err, overHTTP(p))
	}, api: 2, token: 1},
	{name: "a package with an entry that has no name", happens: func(*patient) {}, deed: func(*patient) error {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		h := &zip.FileHeader{}
		h.SetMode(0o755 | 1<<31)
		if _, err := z.CreateHeader(h); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		if _, err := metadata.ParseZip(b.Bytes()); err == nil {
			return errors.New("it was taken")
		}
		return nil
	}},
	{name: "a secret at the root of a file", happens: func(*patient) {}, deed: func(*patient) error {
		app, err := metadata.ParseFile("A.connectedApp", []byte(`<?xml version="1.0" encoding="UTF-8"?><ConnectedApp xmlns="http://soap.sforce.com/2006/04/metadata">`+
			`<contactEmail>admin@acme.example</contactEmail><label>A</label><consumerSecret>0123456789ABCDEF0123456789ABCDEF</consumerSecret></ConnectedApp>`))
		if err != nil {
			return err
		}
		pkg, err := app.Package(fullcast.APIVersion)
		if err != nil {
			return nil // refused
		}
		for _, f := range pkg.Files {
			if bytes.Contains(f.Data, []byte("0123456789ABCDEF")) {
				return fmt.Errorf("%s holds it", f.Name)
			}
		}
		return nil
	}},
}

// checked is a check whose one finding is of the rule; "" wants none.
func checked(rule string) func(*patient) error {
	return func(p *patient) error {
		report, err := p.conn.Check(p.t.Context())
		return faults(report, err, rule)
	}
}

func faults(report policy.Report, err error, rule string) error {
	for _, f := range report.Findings {
		if f.Severity == policy.SeverityError && f.Rule != rule {
			err = errors.Join(err, fmt.Errorf("found %s", f.Rule))
		}
	}
	return err
}
