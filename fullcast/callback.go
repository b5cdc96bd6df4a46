package fullcast

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/fullcast/sfauth/fullcast/internal/callback"

	"github.com/fullcast/sfauth/oauthflow"
)

// CallbackConfig says how callback pages complete logins.
type CallbackConfig struct {
	// Session returns the tenant of the user who is signed in, and the binding that Begin was given in this browser
	// session. Required. An error means that nobody is signed in; then nothing is completed.
	Session func(*http.Request) (tenant, binding string, err error)

	// Done is told how a login ended, before the browser is answered, so that it can leave a note in the session or a
	// cookie. Optional. Exactly one of conn and err is nil; err may be shown as its Remedy.
	Done func(w http.ResponseWriter, r *http.Request, conn *Connection, err error)
}

func (c CallbackConfig) validate() error {
	if c.Session == nil {
		return invalid("callback", oauthflow.Key{}, "CallbackConfig.Session", "is required")
	}
	return nil
}

// CallbackMiddleware completes logins on the pages that are the Site's callback URLs and are served by the program
// itself. It acts on a request of one of their paths whose query carries a code or an error, and answers 303 to the same
// page without the query, so that neither the page, nor history, nor a Referer has the code; every other request goes to
// the page. The page therefore cannot use parameters of these two names.
//
// A GET completes the login. Without exactly one state it completes none, and CallbackConfig.Done is told an error of
// [oauthflow.KindState]; so it is with another method. The body of a POST is not read: the SDK never asks for
// response_mode=form_post. A fragment never reaches a server, and the SDK never asks for one. A HEAD request, a prefetch and a prerender of such an address are answered 204, spend nothing and are not told to
// CallbackConfig.Done. A callback that is delivered again has the result of the first; see [oauthflow.Manager.Complete].
//
// The pages are opened top-level or in a pop-up, never in an iframe.
//
// Source: RFC 9700 §4.2.
func (c *Connector) CallbackMiddleware(cfg CallbackConfig) (func(page http.Handler) http.Handler, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return func(page http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !c.isCallback(r.URL.Path) || !callback.HasAnswer(r.URL.RawQuery) {
				page.ServeHTTP(w, r)
				return
			}
			if r.Method == http.MethodHead || speculative(r) {
				decline(w)
				return
			}
			conn, err := c.completeFor(r, cfg, r.URL.Path, answerOf(r))
			quiet(w)
			if cfg.Done != nil {
				cfg.Done(w, r, conn, err)
			}
			http.Redirect(w, r, r.URL.Path, http.StatusSeeOther)
		})
	}, nil
}

// answerOf returns the authorization response of a GET; empty, which completes no login and spends none, for what is none.
func answerOf(r *http.Request) url.Values {
	q := r.URL.Query()
	if r.Method != http.MethodGet || !q.Has("code") && !q.Has("error") {
		return url.Values{}
	}
	return q
}

// CallbackAPI completes logins for callback pages that are served statically, which [CallbackScript] posts to it. It
// answers a same-origin POST of JSON {"path": "/app/admin/motion", "query": "?code=…&state=…"} with JSON
// {"connected": true}, or {"connected": false, "remedy": "…"} and status 400, or 403 for another origin. The post of a page
// that is being prerendered is answered 204 and spends nothing; see [Connector.CallbackMiddleware].
func (c *Connector) CallbackAPI(cfg CallbackConfig) (http.Handler, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		quiet(w)
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "use POST", http.StatusMethodNotAllowed)
			return
		}
		if !c.sameOrigin(r) {
			http.Error(w, "another origin", http.StatusForbidden)
			return
		}
		if speculative(r) {
			decline(w)
			return
		}
		path, q, err := readCallbackPost(w, r)
		var conn *Connection
		if err == nil && !c.isCallback(path) {
			err = invalid("complete", oauthflow.Key{}, "path", "is not a callback page of "+string(c.site))
		}
		if err == nil {
			conn, err = c.completeFor(r, cfg, path, q)
		}
		if cfg.Done != nil {
			cfg.Done(w, r, conn, err)
		}
		answer := struct {
			Connected bool   `json:"connected"`
			Remedy    string `json:"remedy,omitempty"`
		}{Connected: err == nil}
		var e *Error
		if errors.As(err, &e) {
			answer.Remedy = e.Remedy.String()
			if a := e.Remedy.Actor(); a == ActorOperator || a == ActorProgrammer { // who are not in front of the page
				answer.Remedy = e.Remedy.ForAdmin(nil)
			}
		}
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
		}
		_ = json.NewEncoder(w).Encode(answer) // the browser is gone when this fails
	}), nil
}

// CallbackScript is for the head of a statically served callback page, before any other script; API is the path of
// [Connector.CallbackAPI]. It takes the query out of the address, and out of the history, before it posts it. When the answer and
// the whole page have come, it fires the event "salesforce" on the document with the answer: that of a query without a state is that
// nothing is connected. In a page that is being prerendered it waits until somebody opens the page.
//
// Serve the page with the header "Referrer-Policy: no-referrer": a browser may ask for what the page names further down before the
// script has run, and the Referer of such a request would hold the code. Other scripts of the page can still read the address that it
// was loaded from, and so the code; [Connector.CallbackMiddleware] has no such hole.
func CallbackScript(api string) string {
	quoted, err := json.Marshal(api) // a JSON string is a JavaScript string; < is escaped, so that it ends no script
	if err != nil {
		quoted = []byte(`""`)
	}
	return fmt.Sprintf(`(function complete() {
  var query = location.search, q = new URLSearchParams(query);
  if (!q.has("code") && !q.has("error")) return;
  if (document.prerendering) return document.addEventListener("prerenderingchange", complete, {once: true});
  history.replaceState(null, "", location.pathname); fetch(%s, {
    method: "POST", credentials: "same-origin", referrerPolicy: "no-referrer",
    headers: {"Content-Type": "application/json"}, body: JSON.stringify({path: location.pathname, query: query})
  }).then(function (r) { return r.json(); }, function () { return {connected: false, remedy: ""}; })
    .then(function (answer) {
      function tell() { document.dispatchEvent(new CustomEvent("salesforce", {detail: answer})); }
      if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", tell); else tell();
    });
})();
`, quoted)
}

func (c *Connector) completeFor(r *http.Request, cfg CallbackConfig, path string, q url.Values) (*Connection, error) {
	tenant, binding, err := cfg.Session(r)
	if err != nil {
		return nil, &Error{Op: "complete", Remedy: Reauthorize, Err: fmt.Errorf("nobody is signed in: %w", err)}
	}
	return c.Complete(r.Context(), oauthflow.Callback{Tenant: tenant, Path: path, Binding: binding, Query: q})
}

func (c *Connector) isCallback(path string) bool {
	return callback.IsPage(string(c.site), c.site.CallbackURLs(), path)
}

// sameOrigin accepts what a browser says of a request of a page of this Site. Older browsers send Origin alone.
func (c *Connector) sameOrigin(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != string(c.site) {
		return false
	}
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "" || site == "same-origin"
}

const maxCallbackPost = 16 << 10

func readCallbackPost(w http.ResponseWriter, r *http.Request) (path string, q url.Values, err error) {
	refuse := func(what string) (string, url.Values, error) {
		return "", nil, invalid("complete", oauthflow.Key{}, "request", what)
	}
	if media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); strings.TrimSpace(media) != "application/json" {
		return refuse("must be JSON")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCallbackPost))
	if err != nil {
		return refuse("is too long or was cut off")
	}
	var in struct{ Path, Query string }
	if err := json.Unmarshal(body, &in); err != nil {
		return refuse("must be JSON with path and query")
	}
	q, err = url.ParseQuery(strings.TrimPrefix(in.Query, "?"))
	if err != nil {
		return refuse("holds a query that is none")
	}
	return in.Path, q, nil
}

// quiet keeps the code, which the request's address holds, from leaking on.
func quiet(w http.ResponseWriter) {
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Cache-Control", "no-store")
}
