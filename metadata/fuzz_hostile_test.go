package metadata_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"html"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"

	"github.com/fullcast/sfauth/metadata"
)

// hostileEntries are names and modes of a zip's entries that have no good reason.
var hostileEntries = []struct {
	name       string
	attributes uint32
}{
	{"", 0o40755 << 16}, {"", 0x10}, {"/", 0o40755 << 16}, {"a", 0o40755 << 16}, {"//", 0}, {".", 0}, {"..", 0o40755 << 16}, {"a/../b.eca", 0}, {`a\b.eca`, 0},
	{"A.eca/", 0o40755 << 16}, {"-meta.xml", 0}, {".eca", 0}, {"a.eca", 0o120777 << 16}, {"a.eca", 0o10644 << 16}, {"\x00.eca", 0}, {"\xff.eca", 0},
}

// FuzzParseZip: no zip makes the reader panic, and what is read can be written, judged and packaged or is refused.
func FuzzParseZip(f *testing.F) {
	for _, e := range hostileEntries {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		if entry, err := w.Create("B.eca"); err != nil {
			f.Fatal(err)
		} else if _, err := io.WriteString(entry, "<ExternalClientApplication"+ns+"/>"); err != nil {
			f.Fatal(err)
		}
		if _, err := w.CreateRaw(&zip.FileHeader{Name: e.name, CreatorVersion: 3 << 8, ExternalAttrs: e.attributes}); err != nil {
			f.Fatal(err)
		}
		if err := w.Close(); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
		for at := 0; at < b.Len(); at += b.Len() / 7 { // a field of the directory that lies
			lie := bytes.Clone(b.Bytes())
			binary.LittleEndian.PutUint32(append(lie, 0, 0, 0, 0)[at:], 0xFFFFFFF0)
			f.Add(lie)
		}
	}
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, data []byte) {
		apps, err := metadata.ParseZip(data)
		if err != nil {
			_ = err.Error()
		}
		use(apps)
	})
}

// use does with apps what a service does with those of a customer.
func use(apps []metadata.App) {
	for _, a := range apps {
		_ = a.Validate()
		_, _ = a.Files()
		_, _ = a.Source()
		_, _ = a.Package(68)
		_, _ = a.Spec().Merge(a).Files()
	}
}

// FuzzParseTree: no name and no content of a file makes the readers of trees and of settings panic.
func FuzzParseTree(f *testing.F) {
	for _, name := range []string{"A.eca", ".eca", "-meta.xml", "..eca", "A.eca-meta.xml-meta.xml", "ConnectedApp.settings", "A.connectedApp", "A.ecaPush", "a/A.ecaOauth", "/A.eca", "a//A.eca", "./A.eca", "a/./A.eca", "../A.eca", "a/../A.eca", "a/"} {
		for _, text := range []string{
			"", "<", "<a", "<a/>", "<ConnectedApp" + ns + "/>", "<m:ConnectedApp xmlns:m='http://soap.sforce.com/2006/04/metadata'/>", "<ConnectedAppSettings" + ns + "/>", "\ufeff",
			"<ConnectedApp" + ns + "><oauthConfig secret='" + hidden + "'/>text<!-- password=" + hidden + " --></ConnectedApp>",
			"<ConnectedApp" + ns + "><label secret='x'secret2='y'>A</label><secret/><secret>1</secret>x</ConnectedApp>",
			"<ExtlClntAppPushSettings" + ns + "><externalClientApplication>A</externalClientApplication><token>" + hidden + "</token></ExtlClntAppPushSettings>",
			"<ExternalClientApplication" + ns + "><?token " + hidden + "?></ExternalClientApplication>",
		} {
			f.Add(name, []byte(text))
		}
	}
	for _, form := range append(secretForms[:len(secretForms):len(secretForms)], harmless...) {
		text := html.EscapeString(strings.Replace(form, "%s", hidden, 1))
		f.Add("A.connectedApp", []byte("<ConnectedApp"+ns+"><attributes><formula>"+text+"</formula><key>client secret</key></attributes>"+text+"<new a='"+text+"'><b>"+text+"</b></new></ConnectedApp>"))
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		apps, err := metadata.Parse(fstest.MapFS{name: {Data: data}})
		if err != nil {
			_ = err.Error()
		}
		use(apps)
		if app, err := metadata.ParseFile(name, data); err == nil {
			use([]metadata.App{app})
		}
		var s metadata.OrgSettings
		if s.ParseFile(name, data) == nil {
			if _, err := s.Files(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzOrgAnswers: no answer of an org makes a call panic or wait for ever.
func FuzzOrgAnswers(f *testing.F) {
	for _, body := range []string{
		"", "{", "[]", "null", `{"id":null}`, `{"id":"0Af000000000001","deployResult":null}`, `{"id":{},"deployResult":[]}`,
		`{"id":"0Af000000000001","deployResult":{"done":true,"success":false,"details":{"componentFailures":{"lineNumber":"x"},"runTestResult":{"failures":[null,{}]}}}}`,
		`{"deployResult":{"done":"TRUE","details":{"componentSuccesses":[[]]}}}`, `{"apps":[{"developerName":"A","identifier":"x"}],"consumers":[{}]}`, `[{"errorCode":"","message":""}]`,
		"<Envelope/>", "<Envelope><Body/></Envelope>", "<Envelope><Body><Fault/></Body></Envelope>", "<Envelope><Body><Fault><faultcode>:</faultcode><faultstring/></Fault></Body></Envelope>",
		"<Envelope><Body><readMetadataResponse/></Body></Envelope>", "<Envelope><Body><readMetadataResponse><result><records><fullName>A</fullName><a/></records></result></readMetadataResponse></Body></Envelope>",
		"<Envelope><Body><retrieveResponse><result><id>1</id></result></retrieveResponse></Body></Envelope>", "<Envelope><Body><listMetadataResponse><result/></listMetadataResponse></Body></Envelope>",
		"<Envelope><Body><deployResponse><result><id>0Af000000000001</id></result></deployResponse></Body></Envelope>", "<Envelope><Body><upsertMetadataResponse><result><errors/></result></upsertMetadataResponse></Body></Envelope>",
	} {
		f.Add(200, body)
		f.Add(500, body)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			answered := 0
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			org, err := metadata.NewOrg(metadata.OrgConfig{
				HTTPClient: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					if answered++; answered > 40 {
						cancel() // an org that is never done
					}
					return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
				})},
				InstanceURL: func(context.Context) (string, error) { return "https://acme.my.salesforce.com", nil },
				Session:     func(context.Context, string) (string, error) { return "", nil },
				Version:     66,
			})
			if err != nil {
				t.Fatal(err)
			}
			app := externalSpec().New()
			pkg, err := app.Package(66)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = org.Deploy(ctx, pkg, metadata.DeployOptions{})
			_, _ = org.Deploy(ctx, pkg, metadata.DeployOptions{SOAP: true})
			_, _ = org.Upsert(ctx, app)
			_, _ = org.Read(ctx, metadata.KindConnectedApp, "A")
			_, _ = org.Read(ctx, metadata.KindExternalClientApp, "A")
			_, _ = org.ReadOther(ctx, "A")
			_, _ = org.List(ctx)
			_, _ = org.Settings(ctx)
			if apps, err := org.Retrieve(ctx); err == nil {
				use(apps)
			}
			if c, err := org.Credentials(ctx, "A"); err == nil {
				_, _ = c.Staged(ctx)
				_, _ = c.Stage(ctx)
			}
		})
	})
}
