package orgtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow/orgtest"
)

// ask sends a query with an access token; resource is "query" or "tooling/query".
func (w *wire) ask(token, resource, soql string) reply {
	w.t.Helper()
	return w.get(w.org.InstanceURL()+"/services/data/v66.0/"+resource+"?q="+url.QueryEscape(soql), token)
}

// refused is the code and message of a REST error.
func refused(t *testing.T, a reply) (code, message string) {
	t.Helper()
	var list []struct{ ErrorCode, Message string }
	if err := json.Unmarshal([]byte(a.body), &list); err != nil || len(list) != 1 || a.status < 400 {
		t.Fatalf("got %d %s", a.status, a.body)
	}
	return list[0].ErrorCode, list[0].Message
}

// withContacts is an org with four contacts and an access token.
func withContacts(t *testing.T) (*wire, string) {
	t.Helper()
	w := withDemo(t, orgtest.Config{})
	err := w.org.SetRecords("Contact",
		map[string]any{"Id": "003TEST00000001AAA", "Name": "Ann O'Neil", "Age__c": 31, "Active__c": true, "Born__c": "1995-02-03",
			"Seen__c": time.Date(2026, 11, 30, 9, 0, 0, 0, time.FixedZone("", 3600)), "Rate__c": 1.5, "Account": map[string]any{"Name": "Acme", "Owner": map[string]any{"Name": "Zoe"}}},
		map[string]any{"Id": "003TEST00000002AAB", "Name": "bob", "Age__c": 40, "Active__c": false, "Born__c": "1986-07-08",
			"Seen__c": "2026-11-29T08:00:00.000+0000", "Account": map[string]any{"Name": "Globex", "Owner": nil}},
		map[string]any{"Id": "003TEST00000003AAA", "Name": "50% off_er", "Age__c": nil, "Active__c": true, "Account": nil},
		map[string]any{"Id": "003TEST00000004AAA", "Name": "Céline\nB", "Age__c": -2, "Active__c": false, "Account": map[string]any{"Name": "acme"}},
	)
	if err != nil {
		t.Fatal(err)
	}
	access, _ := w.connect()
	return w, access
}

// found lists the digits in the ids of what a query finds, in order.
func found(t *testing.T, a reply) string {
	t.Helper()
	var body struct{ Records []struct{ ID string } }
	if err := json.Unmarshal([]byte(a.body), &body); err != nil || a.status != http.StatusOK {
		return fmt.Sprint(a.status, " ", a.body)
	}
	out := ""
	for _, r := range body.Records {
		out += r.ID[14:15]
	}
	return out
}

func TestAConditionFindsWhatItSays(t *testing.T) {
	w, access := withContacts(t)
	for where, want := range map[string]string{
		``:                                                 "1234",
		`WHERE Name = 'BOB'`:                               "2",
		`where NAME='bob'`:                                 "2",
		`WHERE Name = 'Ann O\'Neil'`:                       "1",
		`WHERE Name = 'C\u00e9line\nB'`:                    "4",
		`WHERE Name != 'bob'`:                              "134",
		`WHERE Name <> 'bob'`:                              "134",
		`WHERE Contact.Name = 'bob'`:                       "2",
		`WHERE Age__c = 31`:                                "1",
		`WHERE Age__c != 31`:                               "234",
		`WHERE Age__c > 31`:                                "2",
		`WHERE Age__c >= 31`:                               "12",
		`WHERE Age__c < 31`:                                "4",
		`WHERE Age__c <= 31`:                               "14",
		`WHERE Age__c = -2`:                                "4",
		`WHERE Age__c > -2.5 AND Age__c < 31.5`:            "14",
		`WHERE Age__c = null`:                              "3",
		`WHERE Age__c != NULL`:                             "124",
		`WHERE Rate__c = 1.50`:                             "1",
		`WHERE Active__c = true`:                           "13",
		`WHERE Active__c != TRUE`:                          "24",
		`WHERE Born__c < 1990-01-01`:                       "2",
		`WHERE Born__c >= 1995-02-03`:                      "1",
		`WHERE Seen__c > 2026-11-29T08:00:00Z`:             "1",
		`WHERE Seen__c = 2026-11-29T10:00:00+02:00`:        "2",
		`WHERE Name IN ('bob', 'x', '50% OFF_ER')`:         "23",
		`WHERE Name NOT IN ('bob')`:                        "134",
		`WHERE Age__c IN (31, null)`:                       "13",
		`WHERE Name LIKE '%o%'`:                            "123",
		`WHERE Name LIKE 'b_b'`:                            "2",
		`WHERE Name LIKE '50\% off\_er'`:                   "3",
		`WHERE Name LIKE '%\%%'`:                           "3",
		`WHERE Name LIKE '%b'`:                             "24",
		`WHERE Name LIKE 'bo'`:                             "",
		`WHERE (NOT Name LIKE '%o%')`:                      "4",
		`WHERE NOT (Name = 'bob' OR Age__c = 31)`:          "34",
		`WHERE Active__c = true AND Age__c = 31`:           "1",
		`WHERE Name = 'bob' OR Age__c = 31 OR Age__c = -2`: "124",
		`WHERE Active__c = false AND (Name = 'bob' OR Name = 'Ann O\'Neil')`: "2",
		`WHERE (Active__c = true AND Age__c = 31) OR Name = 'bob'`:           "12",
		`WHERE Account.Name = 'Acme'`:                                        "14",
		`WHERE Account.Name = ''`:                                            "3",
		`WHERE Account.Owner.Name = 'zoe'`:                                   "1",
		`WHERE Account.Owner.Name = null`:                                    "234",
		`WHERE Id = '003TEST00000002'`:                                       "2",
		`WHERE Id = '003test00000002aab'`:                                    "2",
		`WHERE Id IN ('003TEST00000002AAB', '003TEST00000004AAA')`:           "24",
		`ORDER BY Name`:                             "3124",
		`ORDER BY name DESC`:                        "4213",
		`ORDER BY Age__c`:                           "3412",
		`ORDER BY Age__c DESC NULLS LAST`:           "2143",
		`ORDER BY Active__c, Age__c desc`:           "2431",
		`ORDER BY Account.Name NULLS LAST, Id DESC`: "4123",
		`ORDER BY Born__c DESC NULLS LAST LIMIT 2`:  "12",
		`LIMIT 2`:          "12",
		`LIMIT 0`:          "",
		`LIMIT 2 OFFSET 1`: "23",
		`OFFSET 9`:         "",
		`WHERE Active__c = false ORDER BY Name ASC NULLS FIRST LIMIT 1 OFFSET 1  `: "4",
	} {
		if got := found(t, w.ask(access, "query", "SELECT Id FROM Contact "+where)); got != want {
			t.Errorf("%s: got %s, want %s", where, got, want)
		}
	}
}

func TestAQueryAnswersTheFieldsThatItNames(t *testing.T) {
	w, access := withContacts(t)
	for soql, want := range map[string]string{
		"SELECT name, age__c, seen__c FROM contact LIMIT 1": `{"done":true,"records":[{"Age__c":31,"Name":"Ann O'Neil","Seen__c":"2026-11-30T08:00:00.000+0000",` +
			`"attributes":{"type":"Contact","url":"/services/data/v66.0/sobjects/Contact/003TEST00000001AAA"}}],"totalSize":1}`,
		"select contact.account.name, ACCOUNT.OWNER.NAME from Contact where Age__c = 31": `{"done":true,"records":[{"Account":{"Name":"Acme","Owner":{"Name":"Zoe",` +
			`"attributes":{"type":"Owner"}},"attributes":{"type":"Account"}},"attributes":{"type":"Contact","url":"/services/data/v66.0/sobjects/Contact/003TEST00000001AAA"}}],"totalSize":1}`,
		"SELECT Account.Name, Account.Owner.Name, Rate__c FROM Contact WHERE Name = 'bob'": `{"done":true,"records":[{"Account":{"Name":"Globex","Owner":null,` +
			`"attributes":{"type":"Account"}},"Rate__c":null,"attributes":{"type":"Contact","url":"/services/data/v66.0/sobjects/Contact/003TEST00000002AAB"}}],"totalSize":1}`,
		"SELECT Account.Name FROM Contact WHERE Account.Name = null": `{"done":true,"records":[{"Account":null,` +
			`"attributes":{"type":"Contact","url":"/services/data/v66.0/sobjects/Contact/003TEST00000003AAA"}}],"totalSize":1}`,
		"SELECT COUNT() FROM Contact WHERE Active__c = true": `{"done":true,"records":[],"totalSize":2}`,
		"select count( ) from Contact limit 3":               `{"done":true,"records":[],"totalSize":3}`,
		"SELECT Profile.Name FROM User":                      ``,
	} {
		a := w.ask(access, "query", soql)
		if a.status != http.StatusOK || want != "" && a.body != want {
			t.Errorf("%s\ngot  %d %s\nwant %s", soql, a.status, a.body, want)
		}
	}
	if a := w.ask(access, "query", "SELECT Username, Profile.Name FROM User"); !strings.Contains(a.body, `"Name":"System Administrator"`) {
		t.Errorf("the profile of a user: %s", a.body)
	}
}

func TestAMalformedQueryIsRefusedInSalesforcesWords(t *testing.T) {
	w, access := withContacts(t)
	for soql, want := range map[string][2]string{
		"":                                           {"MALFORMED_QUERY", "SOQL statements cannot be empty or null"},
		"DELETE everything":                          {"MALFORMED_QUERY", "\nDELETE everything\n^\nERROR at Row:1:Column:1\nunexpected token: 'DELETE'"},
		"SELECT FROM Contact":                        {"MALFORMED_QUERY", "\nSELECT FROM Contact\n       ^\nERROR at Row:1:Column:8\nunexpected token: 'FROM'"},
		"SELECT Id,\nFROM Contact":                   {"MALFORMED_QUERY", "\nFROM Contact\n^\nERROR at Row:2:Column:1\nunexpected token: 'FROM'"},
		"SELECT Id FROM":                             {"MALFORMED_QUERY", "\nSELECT Id FROM\n              ^\nERROR at Row:1:Column:15\nunexpected token: '<EOF>'"},
		"SELECT Id Name FROM Contact":                {"MALFORMED_QUERY", "only aggregate expressions use field aliasing"},
		"SELECT Id, id FROM Contact":                 {"MALFORMED_QUERY", "duplicate field selected: Id"},
		"SELECT Id FROM Contact WHERE":               {"MALFORMED_QUERY", "unexpected token: '<EOF>'"},
		"SELECT Id FROM Contact WHERE Name":          {"MALFORMED_QUERY", "unexpected token: '<EOF>'"},
		"SELECT Id FROM Contact WHERE Name == 'x'":   {"MALFORMED_QUERY", "unexpected token: '='"},
		"SELECT Id FROM Contact WHERE Name = \"x\"":  {"MALFORMED_QUERY", "unexpected token: '\"'"},
		"SELECT Id FROM Contact WHERE Name = 'x":     {"MALFORMED_QUERY", "unexpected token: '<EOF>'"},
		"SELECT Id FROM Contact WHERE Name = 'a\\d'": {"MALFORMED_QUERY", "Illegal character sequence '\\d' in string literal"},
		"SELECT Id FROM Contact WHERE Name = :name":  {"MALFORMED_QUERY", "Bind variables only allowed in Apex code"},
		"SELECT Id FROM Contact WHERE Name IN ()":    {"MALFORMED_QUERY", "unexpected token: ')'"},
		"SELECT Id FROM Contact WHERE Name IS NULL":  {"MALFORMED_QUERY", "unexpected token: 'IS'"},
		"SELECT Id FROM Contact WHERE Name = 'a' AND Age__c = 1 OR Age__c = 2": {"MALFORMED_QUERY", "unexpected token: 'OR'"},
		"SELECT Id FROM Contact WHERE Name = 'a' AND NOT Age__c = 1":           {"MALFORMED_QUERY", "unexpected token: 'NOT'"},
		"SELECT Id FROM Contact WHERE NOT Name = 'a' AND Age__c = 1":           {"MALFORMED_QUERY", "unexpected token: 'AND'"},
		"SELECT Id FROM Contact WHERE (Name = 'a'":                             {"MALFORMED_QUERY", "unexpected token: '<EOF>'"},
		"SELECT Id FROM Contact WHERE Born__c = 2026-13-01":                    {"MALFORMED_QUERY", "unexpected token: '2026-13-01'"},
		"SELECT Id FROM Contact LIMIT x":                                       {"MALFORMED_QUERY", "unexpected token: 'x'"},
		"SELECT Id FROM Contact LIMIT -1":                                      {"MALFORMED_QUERY", "unexpected token: '-1'"},
		"SELECT Id FROM Contact LIMIT 1 WHERE Age__c = 1":                      {"MALFORMED_QUERY", "unexpected token: 'WHERE'"},
		"SELECT Id FROM Contact;":                                              {"MALFORMED_QUERY", "unexpected token: ';'"},
		"SELECT Id FROM Contact OFFSET 2001":                                   {"NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000"},
		"SELECT Nonsense FROM Contact":                                         {"INVALID_FIELD", "ERROR at Row:1:Column:8\nNo such column 'Nonsense' on entity 'Contact'."},
		"SELECT Id FROM Contact WHERE Nonsense = 1":                            {"INVALID_FIELD", "No such column 'Nonsense' on entity 'Contact'."},
		"SELECT Id FROM Contact ORDER BY Account.Nonsense":                     {"INVALID_FIELD", "No such column 'Nonsense' on entity 'Account'."},
		"SELECT Account FROM Contact":                                          {"INVALID_FIELD", "No such column 'Account' on entity 'Contact'."},
		"SELECT Nobody.Name FROM Contact":                                      {"INVALID_FIELD", "Didn't understand relationship 'Nobody' in field path."},
		"SELECT Name.First FROM Contact":                                       {"INVALID_FIELD", "Didn't understand relationship 'Name' in field path."},
		"SELECT Id FROM Contact WHERE Name = 3":                                {"INVALID_FIELD", "value of filter criterion for field 'Name' must be of type string and should be enclosed in quotes"},
		"SELECT Id FROM Contact WHERE Age__c = '3'":                            {"INVALID_FIELD", "value of filter criterion for field 'Age__c' must be of type double and should not be enclosed in quotes"},
		"SELECT Id FROM Contact WHERE Active__c IN ('true')":                   {"INVALID_FIELD", "value of filter criterion for field 'Active__c' must be of type boolean and should not be enclosed in quotes"},
		"SELECT Id FROM Contact WHERE Seen__c = 2026-11-30":                    {"INVALID_FIELD", "value of filter criterion for field 'Seen__c' must be of type dateTime and should not be enclosed in quotes"},
		"SELECT Id FROM Contact WHERE Age__c < null":                           {"INVALID_QUERY_FILTER_OPERATOR", "invalid operator"},
		"SELECT Id FROM Contact WHERE Age__c LIKE '3'":                         {"INVALID_QUERY_FILTER_OPERATOR", "invalid operator"},
		"SELECT Id FROM Contact WHERE Active__c > false":                       {"INVALID_QUERY_FILTER_OPERATOR", "invalid operator"},
		"SELECT Id FROM ScratchOrgInfo":                                        {"INVALID_TYPE", "ERROR at Row:1:Column:16\nsObject type 'ScratchOrgInfo' is not supported."},
		"SELECT Nonsense FROM Nothing":                                         {"INVALID_TYPE", "sObject type 'Nothing' is not supported."},
	} {
		code, message := refused(t, w.ask(access, "query", soql))
		if code != want[0] || !strings.Contains(message, want[1]) || strings.Contains(message, "not simulated") {
			t.Errorf("%s\ngot  %s %q\nwant %s %q", soql, code, message, want[0], want[1])
		}
	}
}

func TestWhatTheOrgDoesNotReadOfSOQLIsCalledNotSimulated(t *testing.T) {
	w, access := withContacts(t)
	for soql, want := range map[string]string{
		"SELECT Id, (SELECT Id FROM Contacts) FROM Account":                      "a subquery (row 1, column 12)",
		"SELECT COUNT(Id) FROM Contact":                                          "COUNT() of a field",
		"SELECT Name, SUM(Age__c) FROM Contact GROUP BY Name":                    "the function SUM",
		"SELECT toLabel(Name) FROM Contact":                                      "the function toLabel",
		"SELECT FIELDS(ALL) FROM Contact LIMIT 200":                              "the function FIELDS",
		"SELECT TYPEOF What WHEN Account THEN Name END FROM Event":               "TYPEOF",
		"SELECT Name FROM Contact GROUP BY Name":                                 "GROUP BY",
		"SELECT Name FROM Contact HAVING Name = 'x'":                             "HAVING",
		"SELECT c.Name FROM Contact c":                                           "an alias of the object",
		"SELECT Id FROM Contact AS c":                                            "an alias of the object",
		"SELECT Id FROM Contact, Contact.Account":                                "more than one object",
		"SELECT Id FROM Contact USING SCOPE mine":                                "USING",
		"SELECT Id FROM Contact WITH SECURITY_ENFORCED":                          "WITH",
		"SELECT Id FROM Contact LIMIT 1 FOR VIEW":                                "FOR",
		"SELECT Id FROM Contact ALL ROWS":                                        "ALL ROWS",
		"SELECT Id FROM Contact WHERE Id IN (SELECT ContactId FROM X)":           "a subquery",
		"SELECT Id FROM Contact WHERE Name INCLUDES ('a;b')":                     "INCLUDES",
		"SELECT Id FROM Contact WHERE Name EXCLUDES ('a;b')":                     "EXCLUDES",
		"SELECT Id FROM Contact WHERE CALENDAR_YEAR(Born__c) = 2020":             "the function CALENDAR_YEAR",
		"SELECT Id FROM Contact WHERE Born__c = TODAY":                           "the date literal TODAY",
		"SELECT Id FROM Contact WHERE Born__c = LAST_N_DAYS:30":                  "the date literal LAST_N_DAYS",
		"SELECT Id FROM Contact WHERE Age__c > USD5000":                          "the currency literal USD5000",
		"SELECT Id FROM Contact ORDER BY DISTANCE(L__c, GEOLOCATION(1,2), 'mi')": "the function DISTANCE",
	} {
		code, message := refused(t, w.ask(access, "query", soql))
		if code != "MALFORMED_QUERY" || !strings.HasPrefix(message, "not simulated: "+want) {
			t.Errorf("%s\ngot %s %q", soql, code, message)
		}
	}
	for _, path := range []string{"query?explain=SELECT+Id+FROM+Contact", "queryAll?q=SELECT+Id+FROM+Contact"} {
		if _, message := refused(t, w.get(w.org.InstanceURL()+"/services/data/v66.0/"+path, access)); !strings.HasPrefix(message, "not simulated: ") {
			t.Errorf("%s: %s", path, message)
		}
	}
}
