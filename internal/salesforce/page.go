package salesforce

import (
	"cmp"
	"html"
	"strings"
)

// IsPage reports whether a document is one for people.
func IsPage(text string) bool {
	text = strings.TrimSpace(text)
	head := strings.ToLower(text[:min(len(text), 1024)])
	return strings.HasPrefix(head, "<") && (strings.HasPrefix(head, "<!doctype html") || strings.Contains(head, "<html"))
}

// pageWord is a word that tells who has written a page.
type pageWord struct {
	find   string // a whole word, or a phrase, without case
	phrase string // what must stand in the page, too; a code of OAuth's alone may be another product's
	code   string
	says   string // the message, where the phrase is none
}

// salesforceWords are codes and phrases that nobody but Salesforce uses. The first that a page holds decides.
var salesforceWords = []pageWord{
	{find: "Bad_OAuth_Token", code: "Bad_OAuth_Token"},
	{find: "INVALID_AUTH_HEADER", phrase: "invalid_scope", code: "INVALID_AUTH_HEADER"},
	{find: "INVALID_AUTH_HEADER", phrase: "invalid_header_type", code: "INVALID_AUTH_HEADER"},
	{find: "INVALID_AUTH_HEADER", phrase: "invalid_iss", code: "INVALID_AUTH_HEADER"},
	{find: "INVALID_AUTH_HEADER", phrase: "invalid_jwt_format", code: "INVALID_AUTH_HEADER"},
	{find: "INVALID_AUTH_HEADER", code: "INVALID_AUTH_HEADER"},
	{find: "INVALID_JWT_FORMAT", code: "INVALID_JWT_FORMAT"},
	{find: "INVALID_SESSION_ID", phrase: "not valid for use with", code: "INVALID_SESSION_ID"},
	{find: "INVALID_SESSION_ID", phrase: "not attached to agent", code: "INVALID_SESSION_ID"},
	{find: "INVALID_SESSION_ID", code: "INVALID_SESSION_ID"},
	{find: "InvalidSessionId", code: "InvalidSessionId"},
	{find: "Session expired or invalid", code: "INVALID_SESSION_ID"},
	{find: "401::Authentication invalid", code: "INVALID_SESSION_ID"}, // Streaming API
	{find: "REQUEST_LIMIT_EXCEEDED", phrase: "concurrent", code: "REQUEST_LIMIT_EXCEEDED"},
	{find: "REQUEST_LIMIT_EXCEEDED", code: "REQUEST_LIMIT_EXCEEDED"},
	{find: "API_DISABLED_FOR_ORG", code: "API_DISABLED_FOR_ORG"},
	{find: "API_CURRENTLY_DISABLED", code: "API_CURRENTLY_DISABLED"},
	{find: "SERVER_UNAVAILABLE", code: "SERVER_UNAVAILABLE"},
	{find: "INVALID_OPERATION_WITH_EXPIRED_PASSWORD", code: "INVALID_OPERATION_WITH_EXPIRED_PASSWORD"},
	{find: "URL_NOT_RESET", code: "URL_NOT_RESET"},
	{find: "Destination URL not reset", code: "URL_NOT_RESET"},
	{find: "invalid_grant", phrase: "expired access/refresh token", code: "invalid_grant"},
	{find: "invalid_grant", phrase: "token request is already being processed", code: "invalid_grant"},
	{find: "invalid_grant", phrase: "expired authorization code", code: "invalid_grant"},
	{find: "invalid_grant", phrase: "invalid authorization code", code: "invalid_grant"},
	{find: "invalid_grant", phrase: "code verifier", code: "invalid_grant"},
	{find: "invalid_grant", phrase: "inactive user", code: "invalid_grant"},
	{find: "invalid_grant", phrase: "inactive organization", code: "invalid_grant"},
	{find: "invalid_grant", phrase: "ip restricted", code: "invalid_grant"},
	{find: "invalid_grant", phrase: "authentication failure", code: "invalid_grant"},
	{find: "invalid_client_id", phrase: "client identifier invalid", code: "invalid_client_id"},
	{find: "invalid_client", phrase: "app must be installed", code: "invalid_client"},
	{find: "invalid_client", phrase: "invalid client credentials", code: "invalid_client"},
	{find: "redirect_uri_mismatch", phrase: "redirect_uri must match configuration", code: "redirect_uri_mismatch"},
	{find: "app_not_found", phrase: "external client app", code: "app_not_found"},
	{find: "OAUTH_EC_APP_NOT_FOUND", code: "OAUTH_EC_APP_NOT_FOUND"},
	{find: "OAUTH_APP_BLOCKED", code: "OAUTH_APP_BLOCKED"},
	{find: "OAUTH_AUTHORIZATION_BLOCKED", code: "OAUTH_AUTHORIZATION_BLOCKED"},
	{find: "OAUTH_APPROVAL_ERROR_GENERIC", code: "OAUTH_APPROVAL_ERROR_GENERIC"},
	{find: "invalid_app_access", code: "invalid_app_access"},
	{find: "URL that no longer exists on salesforce.com", says: "URL no longer exists"},
	{find: "The data you were trying to access could not be found", says: "data not available"}, // of an org, with status 420
}

// pageWords finds the words of Salesforce's in a page or another text that has no known form.
//
// Source: the codes and phrases are those of the catalogue in package oauthflow; that a page holds them is assumed.
func pageWords(text string) (code, message string) {
	text = oneLine(strings.ToLower(html.UnescapeString(strings.NewReplacer("+", " ", "%20", " ", "%2F", "/", "%2f", "/").Replace(text))))
	for _, w := range salesforceWords {
		if !holdsWord(text, strings.ToLower(w.find)) || !strings.Contains(text, w.phrase) {
			continue
		}
		return w.code, cmp.Or(w.phrase, w.says)
	}
	return "", ""
}

// endedWord returns the code that a text without one stands for where it says that a session is refused; empty for any other text.
func endedWord(text string) string {
	switch code, _ := pageWords(text); code {
	case "INVALID_SESSION_ID", "InvalidSessionId", "Bad_OAuth_Token":
		return code
	}
	return ""
}

// holdsWord reports whether the text holds a word that is no part of a longer one.
func holdsWord(text, word string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		start, end := from+i, from+i+len(word)
		if !(start > 0 && wordByte(text[start-1])) && !(end < len(text) && wordByte(text[end])) {
			return true
		}
		from = start + 1
	}
}

func wordByte(c byte) bool { return isCodeByte(c) && c != '.' && c != '-' }
