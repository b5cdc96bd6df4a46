package orgtest

import (
	"fmt"
	"net/http"
	"time"
)

// spend counts an API request of the last 24 hours and says whether the org had one left. The caller holds the lock. Source: docs, API
// request limits; that one that is refused does not count is assumed.
func (o *Org) spend() bool {
	day := o.now().Add(-24 * time.Hour)
	for len(o.calls) > 0 && !o.calls[0].After(day) {
		o.calls = o.calls[1:]
	}
	if len(o.calls) >= o.cfg.DailyAPIRequests {
		return false
	}
	o.calls = append(o.calls, o.now())
	return true
}

// told adds the header of the limit to an answer. Source: docs, REST API, limit info header.
func (o *Org) told(a answer) answer {
	o.mu.Lock()
	defer o.mu.Unlock()
	if a.header = a.header.Clone(); a.header == nil {
		a.header = http.Header{}
	}
	a.header.Set("Sforce-Limit-Info", fmt.Sprintf("api-usage=%d/%d", len(o.calls), o.cfg.DailyAPIRequests))
	return a
}

// limits shows what is left; the rest of the list is not there. Source: docs, REST API, limits.
func (o *Org) limitsAnswer() answer {
	o.mu.Lock()
	defer o.mu.Unlock()
	return jsonAnswer(http.StatusOK, map[string]any{"DailyApiRequests": map[string]int{
		"Max": o.cfg.DailyAPIRequests, "Remaining": o.cfg.DailyAPIRequests - len(o.calls),
	}})
}
