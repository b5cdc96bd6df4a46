package orgtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// page is one answer of a query.
type page struct {
	Done           bool
	TotalSize      int
	NextRecordsURL string
	Records        []struct{ Name string }
}

func (w *wire) page(token, path, options string) page {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.org.InstanceURL()+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if options != "" {
		r.Header.Set("Sforce-Query-Options", options)
	}
	a := w.send(r)
	var p page
	if err := json.Unmarshal([]byte(a.body), &p); err != nil || a.status != http.StatusOK {
		w.t.Fatalf("%s: %d %s", path, a.status, a.body)
	}
	return p
}

// many are records named by their number.
func many(n int) []map[string]any {
	var list []map[string]any
	for i := range n {
		list = append(list, map[string]any{"Name": fmt.Sprint(i)})
	}
	return list
}

func TestALongResultComesInPages(t *testing.T) {
	for _, resource := range []string{"query", "tooling/query"} {
		for options, sizes := range map[string]string{
			"": "[2000 101]", "batchSize=200": "[200 200 200 200 200 200 200 200 200 200 101]", "batchSize = 1500": "[1500 601]",
			"batchSize=1": "[200 200 200 200 200 200 200 200 200 200 101]", "batchSize=99999": "[2000 101]",
		} {
			w := withDemo(t, orgtest.Config{})
			set := w.org.SetRecords
			if resource == "tooling/query" {
				set = w.org.SetToolingRecords
			}
			if err := set("Thing__c", many(2101)...); err != nil {
				t.Fatal(err)
			}
			access, _ := w.connect()
			next, got, seen := "/services/data/v66.0/"+resource+"?q=SELECT+Name+FROM+Thing__c", []int(nil), 0
			for next != "" {
				p := w.page(access, next, options)
				if p.TotalSize != 2101 || p.Done != (p.NextRecordsURL == "") || p.NextRecordsURL != "" && !strings.HasPrefix(p.NextRecordsURL, "/services/data/v66.0/"+resource+"/01g") {
					t.Fatalf("%s %s: %d, done %v, next %q", resource, options, p.TotalSize, p.Done, p.NextRecordsURL)
				}
				for _, r := range p.Records {
					if r.Name != fmt.Sprint(seen) {
						t.Fatalf("record %d is %s", seen, r.Name)
					}
					seen++
				}
				got, next = append(got, len(p.Records)), p.NextRecordsURL
			}
			if fmt.Sprint(got) != sizes {
				t.Errorf("%s %q: pages of %v, want %s", resource, options, got, sizes)
			}
		}
	}
}

func TestTheNextPageIsOfTheResultAsItWas(t *testing.T) {
	w := withDemo(t, orgtest.Config{Users: []orgtest.User{{Username: "admin@acme.example"}, {Username: "ann@acme.example"}}})
	if err := w.org.SetRecords("Thing__c", many(201)...); err != nil {
		t.Fatal(err)
	}
	access, _ := w.connect()
	first := w.page(access, "/services/data/v66.0/query?q=SELECT+Name+FROM+Thing__c", "batchSize=200")
	if err := w.org.SetRecords("Thing__c"); err != nil {
		t.Fatal(err)
	}
	ann := w.exchange(w.approve("login_hint", "ann@acme.example").Get("code")).field("access_token")
	for _, c := range []struct{ token, path string }{
		{access, first.NextRecordsURL + "9"},
		{access, strings.TrimSuffix(first.NextRecordsURL, "0") + "1"}, // behind the last record
		{access, "/services/data/v66.0/query/01gTEST00000000-200"},
		{access, strings.Replace(first.NextRecordsURL, "/query/", "/tooling/query/", 1)},
		{ann, first.NextRecordsURL},
	} {
		if code, _ := refused(t, w.get(w.org.InstanceURL()+c.path, c.token)); code != "INVALID_QUERY_LOCATOR" {
			t.Errorf("%s: %s", c.path, code)
		}
	}
	if last := w.page(access, first.NextRecordsURL, ""); !last.Done || len(last.Records) != 1 || last.Records[0].Name != "200" {
		t.Errorf("got %+v", last)
	}
}

func TestSetRecordsReplacesAndKeepsTheColumns(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	access, _ := w.connect()
	set := func(object string, records ...map[string]any) {
		t.Helper()
		if err := w.org.SetRecords(object, records...); err != nil {
			t.Fatal(err)
		}
	}
	given := map[string]any{"Name": "Initech", "Owner": map[string]any{"Name": "Bill"}}
	set("account", given)
	given["Name"] = "changed later"
	given["Owner"].(map[string]any)["Name"] = "changed later"
	if a := w.ask(access, "query", "SELECT Name, Owner.Name FROM Account"); !strings.Contains(a.body, `"Name":"Initech"`) || !strings.Contains(a.body, `"Name":"Bill"`) ||
		!strings.Contains(a.body, `"totalSize":1`) || !strings.Contains(a.body, `"type":"Account"`) {
		t.Errorf("got %d %s", a.status, a.body)
	}
	set("Account")
	if a := w.ask(access, "query", "SELECT Id, Name, Owner.Name FROM Account"); !strings.Contains(a.body, `"totalSize":0`) {
		t.Errorf("an object without records keeps its columns: %d %s", a.status, a.body)
	}
	set("Aged__c", map[string]any{"Age__c": 1, "Owner": map[string]any{"Age__c": 1}})
	set("Aged__c")
	for _, name := range []string{"Age__c", "Owner.Age__c"} {
		if code, _ := refused(t, w.ask(access, "query", "SELECT Id FROM Aged__c WHERE "+name+" = 'x'")); code != "INVALID_FIELD" {
			t.Errorf("%s keeps its type: %s", name, code)
		}
	}
	set("Aged__c", map[string]any{"Age__c": "x"})
	if a := w.ask(access, "query", "SELECT Id FROM Aged__c WHERE Age__c = 'x'"); !strings.Contains(a.body, `"totalSize":1`) {
		t.Errorf("a later record may change the type of a column: %d %s", a.status, a.body)
	}
	set("New__c", map[string]any{"name": "a"}, map[string]any{"NAME": "b"})
	if a := w.ask(access, "query", "SELECT Id, Name FROM New__c WHERE Id != null"); strings.Count(a.body, `"name":"`) != 2 || !strings.Contains(a.body, `"totalSize":2`) {
		t.Errorf("each record has an id, and a field one name: %d %s", a.status, a.body)
	}
	set("User", map[string]any{"Username": "set@acme.example", "Profile": map[string]any{"Name": "Standard User"}})
	if a := w.ask(access, "query", "SELECT Username FROM User WHERE Profile.Name = 'standard user'"); !strings.Contains(a.body, "set@acme.example") {
		t.Errorf("got %d %s", a.status, a.body)
	}
	if access, _ := w.connect(); w.api(access) != http.StatusOK {
		t.Error("who logs in is the org's user, whatever records a test sets")
	}
}

func TestTheToolingAPIHasRecordsOfItsOwn(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	access, _ := w.connect()
	if err := w.org.SetToolingRecords("ApexClass", map[string]any{"Name": "Foo"}); err != nil {
		t.Fatal(err)
	}
	if a := w.ask(access, "tooling/query", "select name from apexclass"); !strings.Contains(a.body, `"url":"/services/data/v66.0/tooling/sobjects/ApexClass/`) || !strings.Contains(a.body, `"Name":"Foo"`) {
		t.Errorf("got %d %s", a.status, a.body)
	}
	for resource, object := range map[string]string{"query": "ApexClass", "tooling/query": "Account"} {
		if code, _ := refused(t, w.ask(access, resource, "SELECT Id FROM "+object)); code != "INVALID_TYPE" {
			t.Errorf("%s of %s: %s", resource, object, code)
		}
	}
}

func TestRecordsThatCannotBeAreAnErrorWithTheirField(t *testing.T) {
	org, err := orgtest.New(orgtest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	type m = map[string]any
	for _, c := range []struct {
		name, object string
		records      []map[string]any
		want         string
	}{
		{"no object", "", nil, `"" is no name of an object`},
		{"a name that is none", "My Object", nil, `"My Object" is no name of an object`},
		{"a field name that is none", "A__c", []m{{"First Name": 1}}, `record 0: "First Name" is no name of a field`},
		{"a field twice", "A__c", []m{{"Name": 1, "name": 2}}, `record 0: the field`},
		{"a value that is none", "A__c", []m{{}, {"List": []string{"x"}}}, `record 1: the field List: []string is none of`},
		{"a value of another type", "A__c", []m{{"N": 1}, {"N": "x"}}, `record 1: the field N is a string here and a double in another record`},
		{"a relationship that is a value elsewhere", "A__c", []m{{"N": m{"X": 1}}, {"N": "x"}}, `record 1: the field N`},
		{"an id that is none", "A__c", []m{{"Id": 7}}, `record 0: the field Id`},
		{"an id of another length", "A__c", []m{{"Id": "abc"}}, `record 0: the field Id`},
		{"inside a relationship", "A__c", []m{{"O": m{"P": m{"Q": struct{}{}}}}}, `record 0: the field O.P.Q`},
	} {
		err := org.SetRecords(c.object, c.records...)
		if err == nil || !strings.HasPrefix(err.Error(), "orgtest: SetRecords: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	for _, v := range []any{nil, "x", true, 1, int8(1), int64(1), uint(1), float32(1), 1.5, json.Number("2"), time.Now(), m{"Name": "x"}} {
		if err := org.SetRecords("B__c", m{"V": v}); err != nil {
			t.Errorf("%T: %v", v, err)
		}
	}
}

func TestARecordIsReadByItsID(t *testing.T) {
	w, access := withContacts(t)
	at := w.org.InstanceURL() + "/services/data/v66.0/sobjects/"
	for _, id := range []string{"003TEST00000002AAB", "003TEST00000002", "003test00000002aab"} {
		a := w.get(at+"contact/"+id, access)
		if a.status != http.StatusOK || a.field("Name") != "bob" || !strings.Contains(a.body, `"type":"Contact"`) || strings.Contains(a.body, "Globex") {
			t.Errorf("%s: %d %s", id, a.status, a.body)
		}
	}
	if a := w.get(at+"Contact/003TEST00000002AAB?fields=id,name", access); a.field("Name") != "bob" || strings.Contains(a.body, "Age__c") {
		t.Errorf("two fields: %d %s", a.status, a.body)
	}
	for path, want := range map[string]string{
		"Contact/003TEST00000009AAA":                  "NOT_FOUND",
		"Nothing/003TEST00000002AAB":                  "NOT_FOUND",
		"Contact/003TEST00000002AAB?fields=Name,Nope": "INVALID_FIELD",
	} {
		if code, _ := refused(t, w.get(at+path, access)); code != want {
			t.Errorf("%s: %s, want %s", path, code, want)
		}
	}
}

func TestAnIDOfFifteenCharactersIsTheSameRecord(t *testing.T) {
	w := withDemo(t, orgtest.Config{})
	access, _ := w.connect()
	if err := w.org.SetRecords("Thing__c", map[string]any{"Id": "a0XTEST00000001", "OwnerId": "005TEST00000001", "Paid": "fifteen letters"}); err != nil {
		t.Fatal(err)
	}
	for where, want := range map[string]int{
		"Id = 'x'": 0, "Id = 'a0XTEST00000001'": 1, "Id = 'a0XTEST000000012DA'": 1, "Id = 'a0xtest000000012da'": 1, "Id = 'a0Xtest00000001'": 0,
		"OwnerId = 'x'": 0, "OwnerId = '005TEST00000001'": 1, "OwnerId = '005TEST00000001YDA'": 1, "OwnerId IN ('005TEST00000002')": 0,
		"Paid = 'x'": 0, "Paid = 'FIFTEEN LETTERS'": 1,
	} {
		if a := w.ask(access, "query", "SELECT Id FROM Thing__c WHERE "+where); !strings.Contains(a.body, fmt.Sprintf(`"totalSize":%d`, want)) {
			t.Errorf("%s: %d %s", where, a.status, a.body)
		}
	}
	if a := w.ask(access, "query", "SELECT Id FROM Thing__c"); !strings.Contains(a.body, `"Id":"a0XTEST000000012DA"`) {
		t.Errorf("the org shows 18 characters: %s", a.body)
	}
}

func TestTheColumnsOfAQueryAreTold(t *testing.T) {
	w, access := withContacts(t)
	a := w.get(w.org.InstanceURL()+"/services/data/v66.0/query?columns=true&q=SELECT+Id,+name+FROM+Contact", access)
	var body struct {
		ColumnMetadata []struct{ ColumnName string }
		Records        []any
	}
	if err := json.Unmarshal([]byte(a.body), &body); err != nil || len(body.ColumnMetadata) != 2 || body.ColumnMetadata[1].ColumnName != "Name" || body.Records != nil {
		t.Errorf("got %d %s", a.status, a.body)
	}
}
