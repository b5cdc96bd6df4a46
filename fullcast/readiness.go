package fullcast

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
)

// Readiness looks whether this process can serve its connections now: whether the store answers, the keys open a sealed probe,
// the clock can be right and the observer keeps up. Whether Salesforce can be reached is in it as a detail, and decides
// nothing: a service that is taken out of rotation for an outage of Salesforce's cannot tell its users of it. See
// [oauthflow.Manager.Readiness].
func (c *Connector) Readiness(ctx context.Context) oauthflow.Readiness {
	return c.manager.Readiness(ctx)
}

// ReadinessConfig says how [Connector.ReadinessHandler] answers.
type ReadinessConfig struct {
	// Timeout is how long one request waits for the store, from when its handler runs. It should be less than what asks
	// waits. Optional, 10 ms to 30 s; default 800 ms, since Kubernetes waits for a second by default.
	Timeout time.Duration
}

// ReadinessHandler serves [Connector.Readiness], for /readyz: status 200 when the process is ready and else 503, with JSON such as
//
//	{"ready": true, "checks": [{"subject": "store", "state": "ok", "text": "It answers."}, …]}
//
// It takes GET and HEAD, needs no session, and shows no secret, no name of the store and no customer.
func (c *Connector) ReadinessHandler(cfg ReadinessConfig) (http.Handler, error) {
	if cfg.Timeout == 0 {
		cfg.Timeout = 800 * time.Millisecond
	}
	if cfg.Timeout < 10*time.Millisecond || cfg.Timeout > 30*time.Second {
		return nil, invalid("readiness", oauthflow.Key{}, "ReadinessConfig.Timeout", "must be 10 ms to 30 s")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "use GET", http.StatusMethodNotAllowed)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), cfg.Timeout)
		defer cancel()
		found := c.Readiness(ctx)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if !found.Ready() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(struct {
			Ready bool `json:"ready"`
			oauthflow.Readiness
		}{found.Ready(), found})
	}), nil
}
