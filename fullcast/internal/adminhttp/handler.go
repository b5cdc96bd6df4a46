package adminhttp

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Handler answers the requests of a page, all of them with JSON.
type Handler struct {
	Routes  []Route
	Session func(*http.Request) (User, error) // an error means that nobody is signed in
	Origins []string                          // of the pages whose requests are taken, beside those of the handler's own origin
	Cookie  Cookie
	Rate    *Rate

	origins *http.CrossOriginProtection
}

// New returns the handler, or the error of an origin that is none.
func New(h Handler) (*Handler, error) {
	h.origins = http.NewCrossOriginProtection()
	for _, o := range h.Origins {
		if err := h.origins.AddTrustedOrigin(o); err != nil {
			return nil, err
		}
	}
	return &h, nil
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	head.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	a := h.answer(w, r)
	var text []byte
	if a.Body != nil {
		var err error
		if text, err = json.Marshal(a.Body); err != nil {
			a = (&Problem{Code: CodeInternal, Message: "The answer cannot be written.", Status: http.StatusInternalServerError}).Answer()
			text, _ = json.Marshal(a.Body) // of strings alone
		}
		head.Set("Content-Type", "application/json")
		if p, ok := a.Body.(problemBody); ok && p.Error.RetryAfter > 0 {
			head.Set("Retry-After", strconv.Itoa(p.Error.RetryAfter))
		}
	}
	w.WriteHeader(a.Status)
	if r.Method != http.MethodHead && text != nil {
		_, _ = w.Write(append(text, '\n')) // the browser is gone when this fails
	}
}

// answer lets the checks decide, the cheapest and least telling first: nothing is read and nobody is asked before it is clear that
// the request is of a page that may send it.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request) Answer {
	of, name := find(h.Routes, r.URL.EscapedPath())
	if of == nil {
		return refuse(http.StatusNotFound, CodeNoRoute, "The API has no such path.")
	}
	route, ok := of[r.Method]
	if !ok {
		w.Header().Set("Allow", strings.Join(slices.Sorted(maps.Keys(of)), ", "))
		return refuse(http.StatusMethodNotAllowed, CodeMethod, "The path does not take this method.")
	}
	if !h.mayCall(r) {
		return refuse(http.StatusForbidden, CodeCrossOrigin, "The request comes from a page of another site.")
	}
	user, err := h.Session(r)
	if err != nil || user.Tenant == "" {
		return refuse(http.StatusUnauthorized, CodeNotSignedIn, "Nobody is signed in.")
	}
	if user.Right < route.Right {
		return refuse(http.StatusForbidden, CodeForbidden, "This user does not have the right to do this.")
	}
	body, p := readBody(w, r, route)
	if p != nil {
		return p.Answer()
	}
	if route.Login {
		if wait := h.Rate.Take(user.Tenant, time.Now()); wait > 0 {
			return (&Problem{Status: http.StatusTooManyRequests, Code: CodeRate, RetryAfter: seconds(wait),
				Message: "Too many logins were begun for this customer; wait, and begin again."}).Answer()
		}
	}
	give, has := func() string { return user.Binding }, user.Binding
	if user.Binding == "" {
		give, has = func() string { return h.Cookie.Give(w, r) }, h.Cookie.Of(r)
	}
	return route.Do(Request{r, user, name, body, give, has})
}

// mayCall reports whether a page of this origin, or of one of Origins, has sent the request, or no browser has. What only reads is
// held to the same rule as what changes something.
//
// Source: Fetch Metadata Request Headers, Sec-Fetch-Site; Fetch Standard, "Origin" header.
func (h *Handler) mayCall(r *http.Request) bool {
	changing := *r
	changing.Method = http.MethodPost // it lets GET and HEAD through
	return h.origins.Check(&changing) == nil
}

// seconds rounds up.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }
