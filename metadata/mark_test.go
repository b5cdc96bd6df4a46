package metadata_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// RFC 8259 §8.1 lets a reader pass over a byte order mark.
func TestAnAnswerWithAByteOrderMarkIsRead(t *testing.T) {
	org := open(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/apps/oauth/usage"):
			fmt.Fprint(w, "\ufeff"+`{"apps":[{"developerName":"Acme","identifier":"0x"}]}`)
		case strings.HasSuffix(r.URL.Path, "/0x"):
			fmt.Fprint(w, "\ufeff"+`{"consumers":[{"id":"1"}]}`)
		default:
			fmt.Fprint(w, "\ufeff"+`{"key":"3MVG9example","secret":"example7secret"}`)
		}
	}, nil)
	if c, err := org.Credentials(t.Context(), "Acme"); err != nil || c.Key != "3MVG9example" {
		t.Errorf("got %v, %v", c, err)
	}
}
