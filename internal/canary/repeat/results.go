package repeat

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"html"
	"strings"
)

// success is an answer with status 200 that its reader takes for a success, and whose free texts are said: a SOAP result of the
// operation, or what the resource answers. What has a form of its own, such as an id, an address or a token, has that form.
func success(q asked, said string) string {
	x := html.EscapeString(said)
	if q.op == "" {
		return jsonText(resource(q, said))
	}
	result := map[string]string{
		"readMetadata":      "<records><fullName>" + x + "</fullName><label>" + x + "</label><contactEmail>" + x + "</contactEmail></records>",
		"listMetadata":      "<fullName>" + x + "</fullName><type>ExternalClientApplication</type><id>" + x + "</id>",
		"upsertMetadata":    "<success>true</success><created>true</created><fullName>" + x + "</fullName>",
		"deploy":            "<done>false</done><id>" + job + "</id>",
		"checkDeployStatus": ended("true", x, x) + "<details><componentSuccesses>" + component(x) + "<created>true</created></componentSuccesses></details>",
		"retrieve":          "<done>false</done><id>" + job + "</id>",
		"checkRetrieveStatus": ended("true", x, x) + "<zipFile>" + zipped("connectedApps/"+said+".connectedApp",
			`<ConnectedApp xmlns="http://soap.sforce.com/2006/04/metadata"><label>`+x+"</label><description>"+x+"</description></ConnectedApp>") + "</zipFile>",
	}[q.op]
	return soapAnswer(q.op, result)
}

// job is the id of a deployment or retrieve.
const job = "0Af000000000001AAA"

// resource is what a REST resource answers.
func resource(q asked, said string) any {
	identity := "https://login.salesforce.com/id/" + q.whose.Org + "/" + q.whose.ID
	user := map[string]any{
		"organization_id": q.whose.Org, "user_id": q.whose.ID, "active": true, "sub": identity, "username": said, "display_name": said,
		"preferred_username": said, "name": said, "email": said, said: said,
	}
	switch path := q.URL.Path; {
	case path == "/services/oauth2/token":
		return map[string]any{
			"access_token": Answered, "refresh_token": Answered, "token_type": "Bearer", "instance_url": q.whose.Instance, "id": identity, "scope": said,
			"issued_at": "1558553873237", said: said,
		}
	case path == "/services/oauth2/introspect":
		return map[string]any{"active": true, "client_id": said, "username": said, "sub": said, "scope": said, said: said}
	case path == "/services/oauth2/userinfo", strings.HasPrefix(path, "/id/00D"):
		return user
	case strings.TrimSuffix(path, "/") == "/services/data":
		return []any{map[string]any{"label": said, "url": said, "version": said}, map[string]any{"label": said, "url": said, "version": "66.0"}}
	case strings.HasSuffix(path, "/apps/oauth/usage"):
		return map[string]any{"apps": []any{
			map[string]any{"developerName": said, "identifier": said}, map[string]any{"developerName": "Fullcast", "identifier": "0x4"},
		}}
	case strings.Contains(path, "/apps/oauth/credentials/"):
		return map[string]any{"consumers": []any{map[string]any{"id": said}}, "id": said, "key": said, "secret": said, "state": said}
	case strings.HasSuffix(path, "/query"):
		return map[string]any{"totalSize": 1, "done": true, "records": []any{map[string]any{"Id": said, "Name": said}}}
	}
	return map[string]any{"id": job, "issuer": said, "jwks_uri": said, said: said, "deployResult": map[string]any{
		"id": job, "done": true, "success": true, "status": said, "stateDetail": said, "details": map[string]any{
			"componentSuccesses": []any{
				map[string]any{"componentType": said, "fullName": said, "created": true},
				map[string]any{"componentType": said, "fullName": said, "problem": said, "problemType": "Warning", "fileName": said},
			},
		},
	}}
}

// Answered is the token in a success of the token endpoint. It has no form of a secret of Salesforce's.
const Answered = "GrEeN-LaNTeRN.ElDeR-CaNyON.SiLVeR-FiNCH"

// failure is an answer of status 200 that tells a failure in the request's own words.
func failure(q asked, said string) string {
	x := html.EscapeString(said)
	failed := ended("false", "Failed", x) + "<errorStatusCode>" + x + "</errorStatusCode><errorMessage>" + x + "</errorMessage>"
	result := map[string]string{
		"upsertMetadata":      "<success>false</success><fullName>" + x + "</fullName><errors><message>" + x + "</message><statusCode>" + x + "</statusCode></errors>",
		"checkDeployStatus":   failed + "<details><componentFailures>" + component(x) + "<problem>" + x + "</problem></componentFailures></details>",
		"checkRetrieveStatus": failed + "<messages><fileName>" + x + "</fileName><problem>" + x + "</problem></messages>",
	}[q.op]
	switch {
	case result != "":
		return soapAnswer(q.op, result)
	case q.op != "":
		return soapAnswer(q.op, "<done>false</done><id>"+job+"</id>")
	}
	return jsonText(map[string]any{
		"id": job, "active": said, "access_token": said, "refresh_token": said, "id_token": said, "instance_url": said, "token_type": said,
		"sub": said, "organization_id": said, "user_id": said, said: said, "deployResult": map[string]any{
			"id": job, "done": true, "success": false, "status": said, "stateDetail": said, "errorMessage": said, "errorStatusCode": said,
			"details": map[string]any{
				"componentFailures": []any{map[string]any{"componentType": said, "fullName": said, "fileName": said, "problem": said}},
				"runTestResult":     map[string]any{"failures": []any{map[string]any{"name": said, "methodName": said, "message": said}}},
			},
		},
	})
}

// ended is the state of a deployment or retrieve that is done.
func ended(success, status, x string) string {
	return "<done>true</done><success>" + success + "</success><id>" + job + "</id><status>" + status + "</status><stateDetail>" + x + "</stateDetail>"
}

func component(x string) string {
	return "<componentType>" + x + "</componentType><fullName>" + x + "</fullName><fileName>" + x + "</fileName>"
}

func soapAnswer(op, result string) string {
	return envelope("<" + op + "Response><result>" + result + "</result></" + op + "Response>")
}

// zipped is a zip of one file, in base64.
func zipped(name, text string) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(name)
	if err == nil {
		_, err = f.Write([]byte(text))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}
