package fullcast_test

import (
	"fmt"
	"strings"

	"github.com/fullcast/sfauth/fullcast"
)

// The head of a statically served callback page.
func ExampleCallbackScript() {
	script := fullcast.CallbackScript("/api/salesforce/callback")
	page := "<head><script>\n" + script + "</script></head>"
	fmt.Println(strings.Contains(page, `fetch("/api/salesforce/callback"`), strings.Count(script, "\n"), "lines")
	// Output: true 13 lines
}
