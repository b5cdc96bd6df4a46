package driver

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

const (
	appName  = "Fullcast"
	userName = "admin@acme.example"
	callback = "https://app.fullcast.io/app/admin/motion"
	browser  = "a-cookie-of-the-signed-in-user"

	globalFile = "extlClntAppGlobalOauthSets/" + appName + "_glbloauth.ecaGlblOauth"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// installedApp is the metadata of the external client app that connections are made with.
func installedApp() map[string]string {
	pkg, err := fullcast.ExternalClientApp(fullcast.Production, userName).New().Package(fullcast.APIVersion)
	if err != nil {
		panic(err)
	}
	files := map[string]string{}
	for _, f := range pkg.Files {
		files[f.Name] = string(f.Data)
	}
	return files
}

func newOrg(t *testing.T, sandbox bool) *orgtest.Org {
	t.Helper()
	org, err := orgtest.New(orgtest.Config{Existing: installedApp(), RotateRefreshTokens: true, ApprovalLimit: 1000, Sandbox: sandbox})
	must(t, err)
	return org
}

// client is the app as its admin sees it now; an app that is gone has no credentials.
func clientOf(org *orgtest.Org) (oauthflow.Client, error) {
	key, secret, err := org.Credentials(appName)
	if err != nil {
		return oauthflow.Client{}, err
	}
	host, err := oauthflow.ParseHost(org.LoginHost())
	return oauthflow.Client{Host: host, ID: key, Secret: oauthflow.NewSecret(secret)}, err
}

// deploy has the admin deploy component files; what one asks to be rotated is.
func deploy(org *orgtest.Org, members string, changed map[string]string) error {
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	all := maps.Clone(changed)
	all["package.xml"] = `<Package xmlns="http://soap.sforce.com/2006/04/metadata">` + members + "<version>66.0</version></Package>"
	for path, text := range all {
		f, err := z.Create(path)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(f, text); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	var body bytes.Buffer
	parts := multipart.NewWriter(&body)
	options, err := parts.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="json"`}, "Content-Type": {"application/json"}})
	if err != nil {
		return err
	}
	_, _ = io.WriteString(options, `{"deployOptions":{"ignoreWarnings":true,"rollbackOnError":true,"singlePackage":true}}`)
	file, err := parts.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="p.zip"`}, "Content-Type": {"application/zip"}})
	if err != nil {
		return err
	}
	_, _ = file.Write(archive.Bytes())
	if err := parts.Close(); err != nil {
		return err
	}
	instance, token := org.AdminSession()
	req, err := http.NewRequest(http.MethodPost, instance+"/services/data/v66.0/metadata/deployRequest", &body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", parts.FormDataContentType())
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := org.RoundTripper().RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		text, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("deploy: %s: %s", resp.Status, text)
	}
	return nil
}

// rotateSecret has the admin replace the consumer secret at once: the old one is refused from now on.
func rotateSecret(org *orgtest.Org) error {
	_, before, err := org.Credentials(appName)
	if err != nil {
		return err
	}
	rotated := strings.Replace(installedApp()[globalFile], "</ExtlClntApp", "<shouldRotateConsumerSecret>true</shouldRotateConsumerSecret></ExtlClntApp", 1)
	if err := deploy(org, "<types><members>"+appName+"_glbloauth</members><name>ExtlClntAppGlobalOauthSettings</name></types>", map[string]string{globalFile: rotated}); err != nil {
		return err
	}
	_, after, err := org.Credentials(appName)
	if err == nil && after == before {
		err = fmt.Errorf("the secret is what it was")
	}
	return err
}
