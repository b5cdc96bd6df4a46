// Package salesforce reads what Salesforce writes: the words of a refusal, in each form in which they come, and the form of an
// access token. It decides nothing; what the words mean is in the catalogue of package oauthflow.
package salesforce

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf16"
)

// maxRefusal is how much of a refusal is looked at, in bytes, before and after decompression.
const maxRefusal = 64 << 10

// maxCodings is how many content codings of one body are undone.
const maxCodings = 3

// Refusal reads error code and message of an answer that is no success; both are empty where it holds no word of Salesforce's.
// A body that is cut off gives what stands before the cut. Forms: the JSON list of the REST API, one JSON object of it or of the
// OAuth endpoints, the results of a tree of records, a SOAP fault, the XML of the REST API, the Bulk API and the OAuth endpoints, the
// query string of the revocation endpoint, the bare word of the identity service; each also with a byte order mark, in UTF-16, and in
// gzip or deflate. Of any other text, such as a page, only words count that nobody but Salesforce uses. A message without a code, as that of GraphQL or the
// Streaming API, is INVALID_SESSION_ID where it says so of the session.
//
// Source: REST API Developer Guide, "Status Codes and Error Responses", "SObject Tree Response Body"; Bulk API Developer Guide, "HTTP Status Codes and Errors";
// GraphQL API Developer Guide, "Error Responses"; Streaming API Developer Guide, "Streaming API Error Codes"; SOAP 1.1 §4.4, SOAP 1.2 Part 1 §5.4; Salesforce Help, "OAuth 2.0 Authorization Errors". That a page repeats them is assumed.
func Refusal(header http.Header, body []byte) (code, message string) {
	if len(body) > maxRefusal {
		body = body[:maxRefusal]
	}
	return refusalText(PlainText(header, body))
}

// PlainText returns a body as UTF-8: decompressed where the caller's own Accept-Encoding has kept net/http from it, and without
// a byte order mark.
func PlainText(header http.Header, body []byte) string {
	codings := strings.Split(strings.Join(header.Values("Content-Encoding"), ","), ",")
	for _, coding := range slices.Backward(codings[max(0, len(codings)-maxCodings):]) { // the last that was applied comes first
		body = decompressed(coding, body)
	}
	for bom, order := range map[string]func(hi, lo byte) uint16{
		"\xfe\xff": func(a, b byte) uint16 { return uint16(a)<<8 | uint16(b) },
		"\xff\xfe": func(a, b byte) uint16 { return uint16(b)<<8 | uint16(a) },
	} {
		if rest, ok := bytes.CutPrefix(body, []byte(bom)); ok {
			units := make([]uint16, len(rest)/2)
			for i := range units {
				units[i] = order(rest[2*i], rest[2*i+1])
			}
			return string(utf16.Decode(units))
		}
	}
	return strings.ToValidUTF8(strings.TrimLeft(string(body), "\ufeff"), "?")
}

// decompressed undoes a content coding as far as the body reaches. A body in a coding that is not known, or that is not in the
// one that is named, stays as it is.
func decompressed(coding string, body []byte) []byte {
	var r io.Reader
	var err error
	switch strings.ToLower(strings.TrimSpace(coding)) {
	case "gzip", "x-gzip":
		r, err = gzip.NewReader(bytes.NewReader(body))
	case "deflate": // RFC 9110 §8.4.1.2: the zlib format, which some servers leave out
		if r, err = zlib.NewReader(bytes.NewReader(body)); err != nil {
			r, err = flate.NewReader(bytes.NewReader(body)), nil
		}
	default:
		return body
	}
	if err != nil {
		return body
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxRefusal))
	if err != nil && len(plain) == 0 {
		return body
	}
	return plain
}

func refusalText(text string) (code, message string) {
	text = strings.TrimSpace(text)
	var said spoken
	switch {
	case strings.HasPrefix(text, "[") || strings.HasPrefix(text, "{"):
		said = jsonWords(text)
	case strings.HasPrefix(text, "<") && !IsPage(text):
		said = xmlWords(text)
	default:
		bare := strings.Trim(text, `"`)
		if IsCode(bare) && strings.Contains(bare, "_") {
			return bare, ""
		}
		if q, err := url.ParseQuery(text); err == nil && q.Get("error") != "" {
			said = spoken{"error": oneLine(q.Get("error")), "error_description": oneLine(q.Get("error_description"))}
		}
	}
	code, message = said.refusal()
	if code == "" && message == "" {
		return pageWords(text)
	}
	if whole := strings.TrimSpace(code + " " + message); !IsCode(code) {
		if code := endedWord(whole); code != "" {
			return code, whole
		}
	}
	return code, message
}

// spoken are the words of a structured refusal, by the lower-case name of what holds them.
type spoken map[string]string

// say keeps the first word of a name, in one line.
func (s spoken) say(name, word string) {
	name, word = strings.ToLower(name), oneLine(word)
	if _, said := s[name]; !said && word != "" {
		s[name] = word
	}
}

// refusal chooses code and message from what was said. A statusCode is Salesforce's where it is words: that of a gateway is a number.
func (s spoken) refusal() (code, message string) {
	for _, pair := range [...][2]string{
		{"errorcode", "message"}, {"error", "error_description"}, {"subcode", "text"}, {"faultcode", "faultstring"},
		{"exceptioncode", "exceptionmessage"}, {"codevalue", "text"}, {"statuscode", "message"},
	} {
		if pair[0] == "statuscode" && !isJoined(s[pair[0]]) {
			continue
		}
		code, message = normalized(s[pair[0]], s[pair[1]])
		switch strings.ToLower(code) {
		case "", "client", "server", "sender", "receiver": // SOAP's own codes say nothing
			continue
		}
		return code, message
	}
	for _, name := range [...]string{"message", "faultstring", "text"} {
		if s[name] != "" {
			return normalized("", s[name])
		}
	}
	return "", ""
}

func (s spoken) hasCode() bool {
	code, _ := s.refusal()
	return code != ""
}

// Normalized separates the code from a namespace before it and from text after it, and finds it at the beginning of the message
// where it stands nowhere else. The message comes back in one line.
func Normalized(code, message string) (string, string) {
	return normalized(strings.TrimSpace(code), oneLine(message))
}

// normalized is [Normalized] of texts in one line. It takes no longer for a long one: it is asked at each object of a list.
func normalized(code, message string) (string, string) {
	if code == "" {
		if first, rest := leadingCode(message); isJoined(first) && first == strings.ToUpper(first) {
			return first, rest
		}
		return "", message
	}
	if prefix, local, ok := strings.Cut(code, ":"); ok && !strings.Contains(prefix, "_") && IsCode(local) {
		code = local
	}
	if first, rest := leadingCode(code); isJoined(first) {
		code, message = first, strings.TrimSpace(rest+" "+message)
	}
	message = strings.TrimLeft(strings.TrimPrefix(message, code+":"), " ")
	return code, message
}

// oneLine returns a text with one blank where it has white space, no-break spaces too: who writes it may break its lines anywhere.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// isJoined reports whether a code is words joined by underscores, as nearly all of Salesforce's are, and no text that begins like one.
func isJoined(code string) bool { return strings.Contains(code, "_") }

// leadingCode returns the code that a text begins with, and what follows it.
func leadingCode(text string) (code, rest string) {
	end := 0
	for end < len(text) && end <= maxCode && isCodeByte(text[end]) {
		end++
	}
	code, rest = strings.TrimRight(text[:end], ".-"), strings.TrimLeft(text[end:], " :/,;|-")
	if !IsCode(code) {
		return "", text
	}
	return code, rest
}

// jsonWords reads the first object of a list, or an object and those in it.
func jsonWords(text string) spoken {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	said, twice := spoken{}, map[string]bool{}
	name, depth := "", []json.Delim{}
	inObject := func() bool { return len(depth) > 0 && depth[len(depth)-1] == '{' }
	for {
		token, err := d.Token()
		if err != nil {
			break
		}
		switch token := token.(type) {
		case json.Delim:
			switch token {
			case '{', '[':
				depth = append(depth, token)
			default:
				depth = depth[:len(depth)-1]
				if len(depth) == 0 || token == '}' && depth[len(depth)-1] == '[' && said.hasCode() {
					return said.without(twice)
				}
			}
			name = ""
			continue
		case string:
			if inObject() && name == "" {
				name = token
				continue
			}
			if key := strings.ToLower(name); name != "" {
				if old, was := said[key]; was && len(depth) == 1 && old != oneLine(token) {
					twice[key] = true
				}
				said.say(name, token)
			}
		case json.Number:
			said.say(name, token.String())
		}
		name = ""
	}
	return said.without(twice)
}

// without drops the members that an object gave twice and differently, of which nobody knows which one counts.
func (s spoken) without(names map[string]bool) spoken {
	for name := range names {
		delete(s, name)
	}
	delete(s, "")
	return s
}

// xmlWords reads the texts of a document's elements by their local names. SOAP 1.2 names a code twice: its own, then Salesforce's.
func xmlWords(text string) spoken {
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict = false
	d.CharsetReader = func(_ string, input io.Reader) (io.Reader, error) { return input, nil } // codes are ASCII
	said := spoken{}
	var path []string
	var word strings.Builder
	for {
		token, err := d.Token()
		if err != nil {
			return said
		}
		switch token := token.(type) {
		case xml.StartElement:
			path = append(path, strings.ToLower(token.Name.Local))
			word.Reset()
		case xml.CharData:
			word.Write(token)
		case xml.EndElement:
			if len(path) == 0 {
				return said
			}
			name := path[len(path)-1]
			path = path[:len(path)-1]
			if name == "value" && len(path) > 0 {
				name = map[string]string{"subcode": "subcode", "code": "codevalue"}[path[len(path)-1]]
			}
			said.say(name, word.String())
			word.Reset()
		}
	}
}

// maxCode is how long a code may be, in bytes.
const maxCode = 64

// IsCode reports whether s looks like the error codes of OAuth and Salesforce.
func IsCode(s string) bool {
	if s == "" || len(s) > maxCode {
		return false
	}
	for i := range len(s) {
		if !isCodeByte(s[i]) {
			return false
		}
	}
	return true
}

func isCodeByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.'
}
