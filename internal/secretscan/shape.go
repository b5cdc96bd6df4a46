package secretscan

import "strings"

// eachShape calls found for each secret that has a form of its own, with where it stands, until it returns false: a private
// key, a Salesforce session ID or refresh token, a JWT, a token of another service, the password of a URL. It takes time in
// proportion to the length of the text.
//
// Source: Salesforce's session IDs are 00D…!…, its refresh tokens 5Aep…; RFC 7519, section 3; RFC 3986, section 3.2.1; RFC
// 7468, section 10; RFC 5958; GitHub, "About authentication", token formats; Slack, "Token types".
func eachShape(text string, found func(from, to int, what string) bool) {
	if !eachKey(text, found) {
		return
	}
	for at := 0; at < len(text); {
		from := at
		for at < len(text) && isTokenByte(text[at]) {
			at++
		}
		if word := text[from:at]; word != "" {
			if what := shapeOf(word); what != "" && !found(from, at, what) {
				return
			}
		}
		if !strings.HasPrefix(text[at:], "://") {
			at = max(at, from+1)
			continue
		}
		at += 3
		from = at
		colon := -1
		for at < len(text) && strings.IndexByte("/?#@ \t\r\n\"<>", text[at]) < 0 {
			if text[at] == ':' && colon < 0 {
				colon = at
			}
			at++
		}
		if at < len(text) && text[at] == '@' && colon > 0 && colon+1 < at && degreeOf(text[colon+1:min(at, colon+maxLook)]) > standIn && !found(colon+1, at, "the password of a URL") {
			return
		}
		if at < len(text) && text[at] != '@' {
			at = from // the host is a word, too
		}
	}
}

// prefixes begin tokens of services that connect to Salesforce, with the least length of one.
var prefixes = []struct {
	begin string
	least int
	what  string
}{
	{"5Aep", 32, "a refresh token"},
	{"ghp_", 30, "a token of GitHub"}, {"github_pat_", 30, "a token of GitHub"}, {"glpat-", 20, "a token of GitLab"},
	{"xoxb-", 24, "a token of Slack"}, {"xoxp-", 24, "a token of Slack"}, {"sk_live_", 24, "a key of Stripe"}, {"AIza", 35, "a key of Google"},
}

func shapeOf(word string) string {
	switch {
	case strings.HasPrefix(word, "00D"):
		if org, rest, _ := strings.Cut(word, "!"); len(rest) >= 16 && (len(org) == 15 || len(org) == 18) {
			return "a session ID"
		}
	case strings.HasPrefix(word, "eyJ"): // with a signature, or encrypted
		if head, rest, _ := strings.Cut(word, "."); len(head) >= 12 {
			if body, signature, _ := strings.Cut(rest, "."); len(body) >= 12 && len(signature) >= 12 {
				return "a JWT"
			}
		}
	}
	for _, p := range prefixes {
		if len(word) >= p.least && strings.HasPrefix(word, p.begin) {
			return p.what
		}
	}
	return ""
}

// keyMarks stand in private keys: in the first line of PEM and of OpenPGP, in files of PuTTY, and in the base64 of PKCS #8.
var keyMarks = []string{"PRIVATE KEY-----", "PRIVATE KEY BLOCK-----", "PuTTY-User-Key-File-", "ADANBgkqhkiG9w0BAQEFAASC"}

// eachKey finds private keys, each from its first line to its last, or to the end of the text.
func eachKey(text string, found func(from, to int, what string) bool) bool {
	for _, mark := range keyMarks {
		for at := 0; ; {
			i := strings.Index(text[at:], mark)
			if i < 0 {
				break
			}
			from, to := at+i, len(text)
			near := max(at, from-40)
			if begin := strings.LastIndexAny(text[near:from], " \t\r\n"); !strings.HasPrefix(mark, "PRIVATE") && begin >= 0 {
				from = near + begin + 1
			} else if begin := strings.LastIndex(text[near:from], "-----BEGIN"); begin >= 0 {
				from = near + begin
			}
			at += i + len(mark)
			if i := strings.Index(text[at:], mark); i >= 0 && strings.HasPrefix(mark, "PRIVATE") {
				to = at + i + len(mark)
			}
			at = to
			if !found(from, to, "a private key") {
				return false
			}
		}
	}
	return true
}

// consumerKey begins every consumer key of Salesforce.
const consumerKey = "3MVG9"

// digests are words before a hash, which looks like a consumer secret.
var digests = []string{"sha", "fingerprint", "thumbprint", "checksum", "digest", "hash"}

// eachBesideKey finds what may be the secret that belongs to a consumer key: 64 hexadecimal digits, or base64 of 32 to 128
// characters, where no word before calls it a hash. The path of a URL holds ids of the same form, and none of them counts.
func eachBesideKey(text string, found func(from, to int, what string) bool) {
	if strings.HasPrefix(strings.TrimSpace(text), "MII") || strings.Contains(text, "-----BEGIN CERTIFICATE") {
		return
	}
	hashed := len(text) // how many words ago a hash was spoken of
	url := false        // the word stands in one
	for at := 0; at < len(text); at++ {
		if from := at - 1; from >= 0 {
			url = text[from] == ':' && strings.HasPrefix(text[at:], "//") || url && strings.IndexByte(" \t\r\n\"'<>,;)", text[from]) < 0
		}
		from := at
		for at < len(text) && (isNameByte(text[at]) || strings.IndexByte("+/=", text[at]) >= 0) {
			at++
		}
		w := text[from:at]
		if w == "" || len(w) > 128 {
			continue
		}
		if hashed++; len(w) < 20 {
			lower := strings.ToLower(w)
			for _, d := range digests {
				if strings.Contains(lower, d) {
					hashed = 0
				}
			}
			continue
		}
		if hashed > 5 && !url && mayBelongToKey(w) && !found(from, at, "what looks like the secret of a consumer key") {
			return
		}
	}
}

func mayBelongToKey(w string) bool {
	if hexadecimal := strings.Trim(w, "0123456789abcdefABCDEF") == ""; hexadecimal {
		return len(w) == 64 && degreeOf(w) == scrambled
	}
	return len(w) >= 32 && !strings.HasPrefix(w, consumerKey) && countOf(w).cases >= 4 && degreeOf(w) == scrambled
}

func isTokenByte(b byte) bool { return isNameByte(b) || b == '.' || b == '!' }
