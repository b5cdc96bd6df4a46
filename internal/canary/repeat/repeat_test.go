package repeat_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fullcast/sfauth/internal/canary/repeat"
	"github.com/fullcast/sfauth/internal/canary/search"
)

const token = "00DECHO00000001!AQ7echoCanary.0123456789abcdefghijklmnopqrstuv"

// Every echo that repeats a secret is seen by the search that looks at what is shown: a test that finds nothing has looked.
func TestEveryEchoOfASecretIsFoundInTheAnswerItself(t *testing.T) {
	finder := search.New([]string{token})
	places := map[string]int{}
	for echo := range repeat.All() {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://acme.my.salesforce.com/services/Soap/m/66.0",
			strings.NewReader("<soapenv:Header><sessionId>"+token+"</sessionId></soapenv:Header><soapenv:Body><checkDeployStatus></checkDeployStatus></soapenv:Body>"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		resp, err := echo.RoundTrip(req)
		answer := ""
		if err != nil {
			answer = err.Error()
		} else {
			body, _ := io.ReadAll(resp.Body)
			var header strings.Builder
			if err := resp.Header.Write(&header); err != nil {
				t.Fatal(err)
			}
			answer = resp.Status + "\n" + header.String() + string(body)
		}
		if finder.Find(answer) != "" {
			places[echo.Place]++
		}
	}
	for echo := range repeat.All() {
		if places[echo.Place] < 20 { // of 56; what is encoded four times over is beyond the search
			t.Fatalf("in %s only %d echoes are found", echo.Place, places[echo.Place])
		}
	}
	if len(places) < 15 {
		t.Errorf("only %d places repeat the request: %v", len(places), places)
	}
}
