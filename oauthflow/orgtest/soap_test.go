package orgtest_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// between cuts the text of the first element of that name out of an answer.
func between(a reply, name string) string {
	_, rest, _ := strings.Cut(a.body, "<"+name+">")
	text, _, _ := strings.Cut(rest, "</"+name+">")
	return text
}

func TestAnExpiredSOAPSessionIsAFault(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	instance, token := w.org.AdminSession()
	w.org.ExpireSessions()
	a := w.soapAs(instance, token, "66.0", `<listMetadata><queries><type>ConnectedApp</type></queries></listMetadata>`)
	if a.status != http.StatusInternalServerError || !regexp.MustCompile(`<faultcode>[a-zA-Z]+:INVALID_SESSION_ID</faultcode>`).MatchString(a.body) {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

func TestTheMetadataAPIIsForAdministrators(t *testing.T) {
	w := withDemo(t, orgtest.Config{Users: []orgtest.User{{Username: "admin@acme.example"}, {Username: "sales@acme.example", Profile: "Standard User"}}})
	access := w.exchange(w.approve("login_hint", "sales@acme.example").Get("code")).field("access_token")
	a := w.soapAs(w.org.InstanceURL(), access, "66.0", `<describeMetadata><asOfVersion>66.0</asOfVersion></describeMetadata>`)
	if a.status != http.StatusInternalServerError || !strings.Contains(a.body, "sf:INSUFFICIENT_ACCESS") {
		t.Errorf("got %d %s", a.status, a.body)
	}
}

func TestComponentsAreWrittenOneByOne(t *testing.T) {
	w := empty(t, orgtest.Config{})
	call := func(op, inner string) reply { return w.soap("66.0", "<"+op+">"+inner+"</"+op+">") }
	header := `<metadata xsi:type="met:ExternalClientApplication"><fullName>New</fullName><contactEmail>a@example.com</contactEmail><label>New</label></metadata>`
	if a := call("updateMetadata", header); !strings.Contains(a.body, "INVALID_CROSS_REFERENCE_KEY") {
		t.Errorf("updating what is not there: %s", a.body)
	}
	if a := call("upsertMetadata", header); !strings.Contains(a.body, "<created>true</created><fullName>New</fullName><success>true</success>") {
		t.Errorf("upsert: %s", a.body)
	}
	if a := call("createMetadata", header); !strings.Contains(a.body, "DUPLICATE_DEVELOPER_NAME") {
		t.Errorf("creating it again: %s", a.body)
	}
	if a := call("upsertMetadata", strings.Replace(header, "<label>", "<nonsense/><label>", 1)); !strings.Contains(a.body, "<success>false</success>") || !strings.Contains(a.body, "nonsense invalid") {
		t.Errorf("an unknown element: %s", a.body)
	}
	if a := call("deleteMetadata", `<type>ExternalClientApplication</type><fullNames>New</fullNames>`); !strings.Contains(a.body, "<success>true</success>") {
		t.Errorf("delete: %s", a.body)
	}
	if a := call("readMetadata", `<type>ExternalClientApplication</type><fullNames>New</fullNames>`); !strings.Contains(a.body, `xsi:nil="true"`) {
		t.Errorf("after the deletion: %s", a.body)
	}
	if a := call("readMetadata", `<type>ApexKlass</type><fullNames>X</fullNames>`); !strings.Contains(a.body, "sf:INVALID_TYPE") {
		t.Errorf("a type the org does not have: %s", a.body)
	}
	if a := call("readMetadata", `<type>ConnectedApp</type>`+strings.Repeat("<fullNames>X</fullNames>", 11)); !strings.Contains(a.body, "EXCEEDED_ID_LIMIT") {
		t.Errorf("eleven at once: %s", a.body)
	}
	for _, c := range []struct{ op, inner, want string }{
		{"deleteMetadata", "<type>ApexKlass</type><fullNames>X</fullNames>", "sf:INVALID_TYPE"},
		{"deleteMetadata", "<type>ConnectedApp</type><fullNames>Nobody</fullNames>", "No ConnectedApp named: Nobody found"},
		{"createMetadata", `<metadata xsi:type="ConnectedApp"/><metadata xsi:type="OauthOidcSettings"/>`, "must be of one type"},
		{"createMetadata", "<metadata/>", "sf:INVALID_TYPE"},
		{"checkDeployStatus", "<asyncProcessId>0Af000000000000</asyncProcessId>", "sf:INVALID_ID_FIELD"},
		{"cancelDeploy", "<String>0Af000000000000</String>", "sf:INVALID_ID_FIELD"},
		{"checkRetrieveStatus", "<asyncProcessId>09S000000000000</asyncProcessId>", "sf:INVALID_ID_FIELD"},
		{"deployRecentValidation", "<validationId>0Af000000000000</validationId>", "sf:INVALID_ID_FIELD"},
		{"deploy", "<ZipFile>?</ZipFile>", "ZipFile is not base64"},
		{"retrieve", "<request><apiVersion>10.0</apiVersion></request>", "Invalid version specified:10.0"},
		{"listMetadata", strings.Repeat("<queries><type>ConnectedApp</type></queries>", 4), "only 3 queries"},
	} {
		if a := call(c.op, c.inner); !strings.Contains(a.body, c.want) {
			t.Errorf("%s %s: no %q in %s", c.op, c.inner, c.want, a.body)
		}
	}
	if a := call("renameMetadata", ""); a.status != http.StatusInternalServerError {
		t.Errorf("an operation the org does not have: %d", a.status)
	}
}

func TestWhatIsDeployedBySOAPIsRetrievedByteForByteTheSameTwice(t *testing.T) {
	w := empty(t, orgtest.Config{})
	body := base64.StdEncoding.EncodeToString(archive(t, "66.0", demoApp()))
	// options in an order that is not the schema's, as jsforce writes them
	a := w.soap("66.0", "<deploy><ZipFile>"+body+"</ZipFile><DeployOptions><singlePackage>true</singlePackage><rollbackOnError>true</rollbackOnError><checkOnly>false</checkOnly></DeployOptions></deploy>")
	id := between(a, "id")
	if len(id) != 18 || !strings.HasPrefix(id, "0Af") {
		t.Fatalf("got %s", a.body)
	}
	for _, details := range []string{"<includeDetails>true</includeDetails>", "<includeDetails><details>true</details></includeDetails>"} {
		a = w.soap("66.0", "<checkDeployStatus><asyncProcessId>"+id+"</asyncProcessId>"+details+"</checkDeployStatus>")
		if between(a, "status") != "Succeeded" || strings.Count(a.body, "<componentSuccesses>") != 5 {
			t.Errorf("got %s", a.body)
		}
	}
	const all = `<types><members>*</members><name>ExternalClientApplication</name></types><types><name>ExtlClntAppGlobalOauthSettings</name><members>*</members></types>`
	retrieve := func() []byte {
		a := w.soap("66.0", "<retrieve><request><unpackaged>"+all+"<version>66.0</version></unpackaged><apiVersion>66.0</apiVersion></request></retrieve>")
		a = w.soap("66.0", "<checkRetrieveStatus><asyncProcessId>"+between(a, "id")+"</asyncProcessId><includeZip>true</includeZip></checkRetrieveStatus>")
		data, err := base64.StdEncoding.DecodeString(between(a, "zipFile"))
		if err != nil || between(a, "success") != "true" || strings.Count(a.body, "<fileProperties>") != 2 {
			t.Fatalf("%v %s", err, a.body)
		}
		return data
	}
	first := retrieve()
	z, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
		if strings.HasSuffix(f.Name, ".ecaGlblOauth") {
			r, _ := f.Open()
			text, _ := io.ReadAll(r)
			if !strings.HasPrefix(string(text), "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ExtlClntAppGlobalOauthSettings xmlns=\"http://soap.sforce.com/2006/04/metadata\">\n    <callbackUrl>"+callback+"\nhttps://app.example.com/other</callbackUrl>\n") {
				t.Errorf("got %s", text)
			}
		}
	}
	if got := strings.Join(names, " "); got != "unpackaged/externalClientApps/Demo.eca unpackaged/extlClntAppGlobalOauthSets/Demo_glbloauth.ecaGlblOauth unpackaged/package.xml" {
		t.Errorf("files: %s", got)
	}
	if !bytes.Equal(first, retrieve()) {
		t.Error("a second retrieve differs")
	}
}

func TestARetrieveTellsWhatItDidNotFind(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	a := w.soap("66.0", "<retrieve><request><apiVersion>66.0</apiVersion><singlePackage>true</singlePackage><unpackaged>"+
		"<types><members>Demo</members><members>Nobody</members><name>ExternalClientApplication</name></types>"+
		"<types><members>X</members><name>ApexKlass</name></types><types><members>*</members><name>NoSuchThing</name></types>"+
		"<types><members>*</members><name>ExtlClntAppOauthSecuritySettings</name></types></unpackaged></request></retrieve>")
	a = w.soap("66.0", "<checkRetrieveStatus><asyncProcessId>"+between(a, "id")+"</asyncProcessId></checkRetrieveStatus>")
	for _, want := range []string{"<fileName>externalClientApps/Demo.eca</fileName>", "'ExternalClientApplication' named 'Nobody' cannot be found", "'ApexKlass' named 'X' cannot be found",
		"Entity type: 'NoSuchThing' is unknown", "Entity type 'ExtlClntAppOauthSecuritySettings' is not available in this api version"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("no %q in %s", want, a.body)
		}
	}
}

func TestDeletingAnAppTakesItsComponentsAlong(t *testing.T) {
	w := empty(t, orgtest.Config{})
	w.deploy(archive(t, "66.0", demoApp()), "")
	zip := pack(t, map[string]string{
		"destructiveChanges.xml": `<Package ` + metadataXML + `><types><members>Demo</members><name>ExternalClientApplication</name></types></Package>`,
	}, `<Package `+metadataXML+`><version>66.0</version></Package>`)
	if out := w.deploy(zip, ""); out.Status != "Succeeded" {
		t.Fatalf("%+v", out)
	}
	if a := w.soap("66.0", `<listMetadata><queries><type>ExtlClntAppOauthSettings</type></queries></listMetadata>`); strings.Contains(a.body, "<result>") {
		t.Errorf("left behind: %s", a.body)
	}
}

func TestASlowDeployCanBeWatchedAndCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := empty(t, orgtest.Config{DeployTime: 10 * time.Second})
		body := base64.StdEncoding.EncodeToString(archive(t, "66.0", demoApp()))
		start := func(more string) string {
			return between(w.soap("66.0", "<deploy><ZipFile>"+body+"</ZipFile><DeployOptions><singlePackage>true</singlePackage>"+more+"</DeployOptions></deploy>"), "id")
		}
		state := func(id string) string {
			a := w.soap("66.0", "<checkDeployStatus><asyncProcessId>"+id+"</asyncProcessId></checkDeployStatus>")
			return between(a, "status") + " " + between(a, "numberComponentsDeployed") + "/" + between(a, "numberComponentsTotal")
		}
		id := start("<checkOnly>true</checkOnly>")
		time.Sleep(4 * time.Second)
		if got := state(id); got != "InProgress 2/5" {
			t.Errorf("after 4 of 10 seconds: %s", got)
		}
		time.Sleep(6 * time.Second)
		if got := state(id); got != "Succeeded 5/5" {
			t.Errorf("at the end: %s", got)
		}

		second := start("")
		if a := w.soap("66.0", "<cancelDeploy><String>"+second+"</String></cancelDeploy>"); a.status != http.StatusOK {
			t.Errorf("cancel: %s", a.body)
		}
		time.Sleep(20 * time.Second)
		if got := state(second); !strings.HasPrefix(got, "Canceled") {
			t.Errorf("after the cancellation: %s", got)
		}
		if _, _, err := w.org.Credentials("Demo"); err == nil {
			t.Error("a check or a canceled deploy made the app")
		}

		// the check can be deployed quickly
		a := w.soap("66.0", "<deployRecentValidation><validationId>"+id+"</validationId></deployRecentValidation>")
		time.Sleep(10 * time.Second)
		if got := state(between(a, "result")); got != "Succeeded 5/5" {
			t.Errorf("quick deploy: %s", got)
		}
		if _, _, err := w.org.Credentials("Demo"); err != nil {
			t.Error(err)
		}
	})
}

func TestDescribeNamesTheTypesOfAVersion(t *testing.T) {
	w := empty(t, orgtest.Config{})
	at := func(version string) string {
		return w.soap(version, "<describeMetadata><asOfVersion>"+version+"</asOfVersion></describeMetadata>").body
	}
	if got := at("66.0"); !strings.Contains(got, "<directoryName>extlClntAppGlobalOauthSets</directoryName>") || strings.Contains(got, "ExtlClntAppOauthSecuritySettings") {
		t.Errorf("at 66.0: %s", got)
	}
	if got := at("67.0"); !strings.Contains(got, "ExtlClntAppOauthSecuritySettings") {
		t.Errorf("at 67.0: %s", got)
	}
}
