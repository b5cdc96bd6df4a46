package scrub

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/fullcast/sfauth/internal/secret"
)

// maxBody is how much of a request's body is read in the search for a session.
const maxBody = 64 << 10

// SentWith returns the secrets that an API request carries: what follows the scheme in Authorization, the Bulk API's
// X-SFDC-Session, cookies, the tokens of a query, and where the body can be read again those of a form and the sessions of a SOAP
// envelope. A nil request carries none.
//
// Source: RFC 6750 §2; RFC 6749 §2.3.1, §4.1.3; Bulk API Developer Guide, "Set Session Header"; SOAP API Developer Guide,
// "SessionHeader".
func SentWith(req *http.Request) []secret.Secret {
	if req == nil {
		return nil
	}
	var sent []secret.Secret
	add := func(s string) {
		if s = strings.TrimSpace(s); s != "" {
			sent = append(sent, secret.New(s))
		}
	}
	soap, media := false, ""
	for name, values := range req.Header { // a map may hold a name in any case
		for _, v := range values {
			switch strings.ToLower(name) {
			case "authorization", "proxy-authorization":
				_, credentials, scheme := strings.Cut(v, " ")
				if !scheme {
					credentials = v
				}
				add(credentials)
			case "x-sfdc-session":
				add(v)
			case "cookie": // net/http's reader leaves out what no server should send, and sends it all the same
				for pair := range strings.SplitSeq(v, ";") {
					_, value, _ := strings.Cut(pair, "=")
					add(strings.Trim(value, ` "`))
				}
			case "soapaction":
				soap = true
			case "content-type":
				media, _, _ = strings.Cut(strings.ToLower(v), ";")
			}
		}
	}
	if req.URL != nil && req.URL.RawQuery != "" {
		eachToken(req.URL.RawQuery, queryTokens, add)
	}
	soap = soap || strings.HasSuffix(strings.TrimSpace(media), "xml")
	form := strings.TrimSpace(media) == "application/x-www-form-urlencoded"
	if req.GetBody == nil || !soap && !form {
		return sent
	}
	body, err := req.GetBody()
	if err != nil {
		return sent
	}
	defer body.Close()
	text, _ := io.ReadAll(io.LimitReader(body, maxBody))
	if form {
		eachToken(string(text), formTokens, add)
		return sent
	}
	for _, found := range sessionID.FindAllSubmatch(text, -1) {
		add(Decoded(string(unmarked.ReplaceAll(found[1], nil))))
	}
	return sent
}

var (
	sessionID = regexp.MustCompile(`(?s)<(?:[^<>\s/:]+:)?sessionId(?:\s[^<>]*)?>(.*?)</`)
	unmarked  = regexp.MustCompile(`(?s)<!\[CDATA\[|\]\]>|<!--.*?-->`) // what stands around and in a value, and is no part of it
)

// queryTokens and formTokens are the parameters that hold a secret.
var (
	queryTokens = []string{"access_token", "oauth_token", "sid", "token", "refresh_token"}
	formTokens  = append([]string{"client_secret", "code", "code_verifier", "assertion", "client_assertion", "password"}, queryTokens...)
)

// eachToken calls add with the values of some parameters of a query or a form, also where [url.ParseQuery] drops the pair.
func eachToken(query string, names []string, add func(string)) {
	for pair := range strings.FieldsFuncSeq(query, func(c rune) bool { return c == '&' || c == ';' }) {
		name, value, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		if !slices.Contains(names, strings.ToLower(name)) {
			continue
		}
		if plain, err := url.QueryUnescape(value); err == nil {
			value = plain
		}
		add(value)
	}
}

// Answered prepares a response to req for those who read it: it names its request, since what reads an answer has to know what
// was sent, and a redirect leads nowhere whose address cannot be read, or repeats what was sent. net/http would quote the address
// in its error.
func Answered(req *http.Request, resp *http.Response) {
	if resp == nil {
		return
	}
	if resp.Request == nil {
		resp.Request = req
	}
	if resp.StatusCode/100 != 3 {
		return
	}
	said := New(SentWith(req)...)
	for _, address := range resp.Header.Values("Location") {
		if _, err := req.URL.Parse(address); err != nil || said.Mentions(address) {
			resp.Header.Del("Location")
			return
		}
	}
}
