package salesforce_test

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/internal/needs"
	"github.com/fullcast/sfauth/internal/salesforce"
)

func read(text string) (code, message string) {
	return salesforce.Refusal(http.Header{}, []byte(text))
}

func TestAWordIsFoundInWhateverIsCutOffOrBroken(t *testing.T) {
	for _, text := range []string{
		`[{"message":"m","errorCode":"INVALID_FIELD"}]`, `{"errorCode":"INVALID_FIELD","message":"m"}`, `{"error":{"errorCode":"INVALID_FIELD"}}`,
		`<Errors><Error><errorCode>INVALID_FIELD</errorCode></Error></Errors>`, `<a:e xmlns:a="x"><a:errorCode>a:INVALID_FIELD</a:errorCode></a:e>`,
		`[{"errorCode":"INVALID_FIELD"`, `<Errors><Error><errorCode>INVALID_FIELD</errorCode><mess`, `[{"errorCode":"INVALID_FIELD"}] and more`,
		`[{"errorCode":"INVALID_FIELD: no such column"}]`, `[{"message":"INVALID_FIELD: no such column"}]`,
	} {
		if code, _ := read(text); code != "INVALID_FIELD" {
			t.Errorf("%s: the code is %q", text, code)
		}
	}
}

func TestTextWithoutAWordOfSalesforcesHasNone(t *testing.T) {
	for _, text := range []string{
		"", " ", "Forbidden", "null", "[]", "{}", "[[]]", "<a/>", "<", "{", "[", "\x00\xff\xfe", "true", `"quoted"`, "<html></html>",
		`{"errorCode":null}`, `{"errorCode":{"a":[1,2]}}`, "error=&error_description=x", strings.Repeat("[", 70000), strings.Repeat("<a>", 30000),
		`{"errorCode":"ONE_CODE","errorCode":"OTHER_CODE"}`, // nobody knows which
	} {
		if code, _ := read(text); code != "" {
			t.Errorf("%.40q: the code is %q", text, code)
		}
	}
}

// A caller waits until a refusal is read: one of 64 KiB took a quarter of a minute where its message was read again at each object.
func TestALongTextBesideManyObjectsIsLookedAtOnce(t *testing.T) {
	for name, text := range map[string]string{
		"a message of one word": `{"message":"` + strings.Repeat("a", 30<<10) + `"}`, "a message of many": `{"message":"` + strings.Repeat("a ", 15<<10) + `"}`,
		"a message that begins like a code": `{"message":"` + strings.Repeat("A_", 15<<10) + `"}`, "a code that is none": `{"errorCode":"` + strings.Repeat("a ", 15<<10) + `"}`,
		"SOAP's own code": `{"faultcode":"client","faultstring":"` + strings.Repeat("a", 30<<10) + `"}`, "a code in a namespace": `{"errorCode":"` + strings.Repeat("a", 30<<10) + `:client"}`,
	} {
		for _, more := range []string{strings.Repeat(",{}", 11<<10), strings.Repeat(`,{"b":"c"}`, 3<<10)} {
			began := time.Now()
			read("[" + text + more + "]")
			if took := time.Since(began); needs.Late(took, time.Second) { // it is some milliseconds
				t.Errorf("%s beside %.10s…: %v", name, more, took)
			}
		}
	}
}

func TestAnyBytesAreReadWithoutHarm(t *testing.T) {
	r := rand.New(rand.NewPCG(2026, 11))
	seeds := []string{`[{"errorCode":"A_B","message":"m"}]`, `<Errors><Error><errorCode>A_B</errorCode></Error></Errors>`, "error=A_B&error_description=m", "<html>INVALID_SESSION_ID</html>"}
	for range 20000 {
		b := []byte(seeds[r.IntN(len(seeds))])
		for range r.IntN(6) {
			b[r.IntN(len(b))] = byte(r.Uint32())
		}
		header := http.Header{"Content-Encoding": {[]string{"", "gzip", "deflate", "br"}[r.IntN(4)]}}
		salesforce.Refusal(header, b[:r.IntN(len(b)+1)])
		salesforce.IsJWT(string(b))
	}
}
