package orgtest_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

func TestTheSchemaIsSalesforces(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(needs.Folder(t, "SFAUTH_SCHEMA"), "field-version-matrix.txt"))
	if err != nil {
		t.Fatal(err)
	}
	ours, err := os.ReadFile("schema.txt")
	if err != nil {
		t.Fatal(err)
	}
	wanted := map[string]bool{}
	for line := range strings.Lines(string(ours)) {
		if words := strings.Fields(line); len(words) == 2 && (words[0] == "type" || words[0] == "enum") {
			wanted[words[1]] = true
		}
	}
	text := " " + strings.Join(strings.Fields(string(ours)), " ") + " "
	section, enum := "", false
	versions := regexp.MustCompile(`v(\d+)\.0-v(\d+)\.0`)
	compared := 0
	for line := range strings.Lines(string(data)) {
		if name, found := strings.CutPrefix(strings.TrimSpace(line), "## "); found {
			section, enum = strings.CutPrefix(name, "enum ")
			continue
		}
		span := versions.FindStringSubmatch(line)
		if !wanted[section] || span == nil || span[2] < "58" {
			continue
		}
		word := strings.Fields(line)[0]
		if !enum {
			kind := regexp.MustCompile(`\S+:`).ReplaceAllString(strings.Fields(line)[1], "")
			word += ":" + kind
			if strings.Contains(line, "min=1") {
				word += "!"
			}
			if strings.Contains(line, "max=unbounded") {
				word += "*"
			}
		}
		if span[1] > "57" || span[2] != "68" {
			word += "@" + span[1]
		}
		if span[2] != "68" {
			word += "-" + span[2]
		}
		if strings.HasPrefix(word, "canvas:") { // a type the WSDL's public excerpt does not define
			continue
		}
		compared++
		of := text[strings.Index(text, " "+section+" "):]
		if next := strings.Index(of[1:], " type "); next >= 0 && !enum {
			of = of[:next+2]
		}
		if !strings.Contains(of, " "+word+" ") {
			t.Errorf("%s: no %s", section, word)
		}
	}
	if compared < 250 {
		t.Errorf("only %d fields and words were compared", compared)
	}
}

func TestRealAppsCanBeInTheOrg(t *testing.T) {
	dir := needs.Folder(t, "SFAUTH_CORPUS")
	files, err := filepath.Glob(filepath.Join(dir, "ConnectedApp", "*.connectedApp"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	// templates that nobody could deploy as they are: a placeholder for a URL, a policy without its required parts
	refused := map[string]string{"023.connectedApp": "Callback URL", "037.connectedApp": "Required field is missing: ipRelaxation"}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if why := refused[filepath.Base(file)]; why != "" {
				_, err := orgtest.New(orgtest.Config{Existing: map[string]string{"connectedApps/Real.connectedApp": string(text)}})
				if err == nil || !strings.Contains(err.Error(), why) {
					t.Errorf("got %v, want %q", err, why)
				}
				return
			}
			w := empty(t, orgtest.Config{Existing: map[string]string{"connectedApps/Real.connectedApp": string(text)}})
			a := w.soap("68.0", `<readMetadata><type>ConnectedApp</type><fullNames>Real</fullNames></readMetadata>`)
			if between(a, "fullName") != "Real" || strings.Contains(a.body, "<consumerSecret>") {
				t.Errorf("read back: %s", a.body)
			}
		})
	}
}

func TestRealExternalClientAppsCanBeInTheOrg(t *testing.T) {
	dir := needs.Folder(t, "SFAUTH_CORPUS")
	// a hand-written file with a word that is in no enum
	refused := map[string]string{"003.ecaOauthPlcy": "'AdminApprovedUsers' is not a valid value for the enum 'PermittedUsersPolicyType'"}
	owner := regexp.MustCompile(`<externalClientApplication>(\w+)</externalClientApplication>`)
	for _, kind := range []struct{ typ, directory, suffix string }{
		{"ExternalClientApplication", "externalClientApps", "eca"},
		{"ExtlClntAppOauthSettings", "extlClntAppOauthSettings", "ecaOauth"},
		{"ExtlClntAppGlobalOauthSettings", "extlClntAppGlobalOauthSets", "ecaGlblOauth"},
		{"ExtlClntAppOauthConfigurablePolicies", "extlClntAppOauthPolicies", "ecaOauthPlcy"},
		{"ExtlClntAppConfigurablePolicies", "extlClntAppPolicies", "ecaPlcy"},
		{"ExtlClntAppOauthSecuritySettings", "extlClntAppOauthSecuritySettings", "ecaOauthSecurity"},
	} {
		files, err := filepath.Glob(filepath.Join(dir, kind.typ, "*"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", kind.typ, len(files), err)
		}
		for _, file := range files {
			t.Run(filepath.Base(file), func(t *testing.T) {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				app := "Real"
				if m := owner.FindSubmatch(text); m != nil {
					app = string(m[1])
				}
				existing := map[string]string{
					"externalClientApps/" + app + ".eca":                  `<ExternalClientApplication ` + metadataXML + `/>`,
					"extlClntAppOauthSettings/" + app + "_oauth.ecaOauth": `<ExtlClntAppOauthSettings ` + metadataXML + `><externalClientApplication>` + app + `</externalClientApplication></ExtlClntAppOauthSettings>`,
				}
				name := app
				if kind.suffix != "eca" {
					name += "_" + strings.TrimPrefix(kind.suffix, "eca")
				}
				if kind.suffix == "ecaOauth" {
					name = app + "_oauth"
				}
				existing[kind.directory+"/"+name+"."+kind.suffix] = string(text)
				org, err := orgtest.New(orgtest.Config{Existing: existing})
				if why := refused[filepath.Base(file)]; why != "" {
					if err == nil || !strings.Contains(err.Error(), why) {
						t.Errorf("got %v, want %q", err, why)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				w := &wire{t: t, org: org, http: &http.Client{Transport: org.RoundTripper()}}
				a := w.soap("68.0", "<readMetadata><type>"+kind.typ+"</type><fullNames>"+name+"</fullNames></readMetadata>")
				if between(a, "fullName") != name || strings.Contains(a.body, "00D000000000") {
					t.Errorf("read back: %s", a.body)
				}
			})
		}
	}
}

func TestWhatIsRetrievedIsValidBySalesforcesSchema(t *testing.T) {
	xsd := filepath.Join(needs.Folder(t, "SFAUTH_SCHEMA"), "salesforce-metadata-66.0.xsd")
	xmllint := needs.Program(t, "xmllint")
	files := demoApp()
	files["connectedApps/Old.connectedApp"] = oldApp
	w := empty(t, orgtest.Config{Existing: files})
	var types strings.Builder
	for _, typ := range []string{"ExternalClientApplication", "ExtlClntAppOauthSettings", "ExtlClntAppGlobalOauthSettings",
		"ExtlClntAppOauthConfigurablePolicies", "ExtlClntAppConfigurablePolicies", "ConnectedApp", "Settings"} {
		types.WriteString("<types><members>*</members><name>" + typ + "</name></types>")
	}
	a := w.soap("66.0", "<retrieve><request><apiVersion>66.0</apiVersion><singlePackage>true</singlePackage><unpackaged>"+types.String()+"</unpackaged></request></retrieve>")
	a = w.soap("66.0", "<checkRetrieveStatus><asyncProcessId>"+between(a, "id")+"</asyncProcessId></checkRetrieveStatus>")
	data, err := base64.StdEncoding.DecodeString(between(a, "zipFile"))
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, z); err != nil {
		t.Fatal(err)
	}
	arguments := []string{"--noout", "--schema", xsd}
	judged := 0
	for _, f := range z.File {
		if f.Name != "settings/Security.settings" { // of a type that this schema does not have
			arguments = append(arguments, filepath.Join(dir, f.Name))
			judged++
		}
	}
	if judged != 10 || len(z.File) != 11 {
		t.Errorf("%d files, of which %d are judged", len(z.File), judged)
	}
	if out, err := exec.CommandContext(t.Context(), xmllint, arguments...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
