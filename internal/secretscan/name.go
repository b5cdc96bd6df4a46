package secretscan

import (
	"strconv"
	"strings"
)

// words are what the names of secrets hold, in lower case and letters alone.
var words = []string{"secret", "password", "passwd", "passphrase", "privatekey", "apikey", "serverkey", "signingkey", "encryptionkey", "keystore", "accesskey", "accountkey", "pkcs", "pfx", "passwort", "kennwort"}

// endings are what they end in, where the same word in the middle names a setting: refreshTokenPolicy.
var endings = []string{"token", "tokens", "credential", "credentials", "pwd", "sessionid", "sessid", "passcode"}

// valueEndings are what may follow such an ending.
var valueEndings = []string{"value", "text", "data", "string", "hash", "base", "encoded", "encrypted", "plain", "pem"}

// settingEndings are those of the names of settings about secrets, which hold none, and of names of secrets.
var settingEndings = []string{
	"name", "type", "policy", "url", "uri", "endpoint", "method", "format", "length", "period", "days", "expiry", "enabled", "required", "optional", "allowed",
	"algorithm", "location", "label", "namedcredential", "externalcredential",
}

// phrases are names of secrets in two words, neither of which is one.
var phrases = map[string]bool{
	"api key": true, "private key": true, "access key": true, "secret key": true, "signing key": true, "encryption key": true, "server key": true,
	"session id": true, "pass phrase": true, "pass code": true,
}

// weak are names that stand for much else besides secrets, with the degree of a value that is one.
var weak = map[string]degree{
	"sig": random, "signature": random, "sid": random, "session": random, "jwt": random, "assertion": random, "pass": random, "pw": random, "pin": random, "otp": random,
	"auth": scrambled, "authorization": scrambled, "bearer": scrambled, "basic": scrambled, "cookie": scrambled, "p": scrambled,
}

// inURL are the same for names that say something as parameters of a URL alone.
var inURL = map[string]degree{"key": scrambled, "code": scrambled}

// maxName is longer than the name of any element or parameter, in bytes.
const maxName = 100

// Names reports whether a name is that of a secret: consumerSecret, client_secret, refreshToken, privateKeyPem. Upper and
// lower case, digits and "_", "-", "." and ":" do not count, nor does how wide a letter is. A text with white space in it is
// no name.
func Names(name string) bool {
	name = folded(name)
	if len(name) > maxName || !mayName(name) {
		return false
	}
	return namesPlain(Plain(strings.TrimSuffix(name, "__c"))) // the custom fields of Salesforce end so
}

func namesPlain(plain string) bool {
	if !holdsWord(plain) && !endsAsSecret(plain) {
		return false
	}
	for _, ending := range settingEndings {
		if strings.HasSuffix(plain, ending) {
			return false
		}
	}
	return true
}

// NamesInWords is [Names] for a text that may be written in words, too: "client secret", "API key".
func NamesInWords(text string) bool {
	text = strings.TrimSpace(folded(text))
	if len(text) > maxName || !mayName(text) {
		return false
	}
	fields := strings.Fields(text)
	switch len(fields) {
	case 1:
		return Names(fields[0])
	case 2:
		return phraseNames(fields[0], fields[1])
	}
	return false
}

// phraseNames reports whether the second of two words is the name of a secret, or both are one.
func phraseNames(before, word string) bool {
	if phrases[strings.ToLower(before)+" "+strings.ToLower(word)] {
		return true
	}
	return Names(word) && namesPlain(Plain(before+word))
}

// threes are letters that follow one another: a bit for the third after the first and the second, 1 for "a".
type threes [27][27]uint32

// beginnings are the first three letters of what names of secrets hold. The first word of each phrase has some.
var beginnings = threesOf(words, endings)

func threesOf(lists ...[]string) *threes {
	t := new(threes)
	for _, list := range lists {
		for _, word := range list {
			t[word[0]-'a'+1][word[1]-'a'+1] |= 1 << (word[2] - 'a' + 1)
		}
	}
	return t
}

// mayName reports whether a text without full-width letters may be a name of a secret. Most texts are not, which is soon seen.
func mayName(text string) bool {
	var first, second byte
	for i := range len(text) {
		letter := (text[i] | 0x20) - 'a' + 1
		if letter < 1 || letter > 26 {
			continue // digits and signs do not count
		}
		if beginnings[first][second]&(1<<letter) != 0 {
			return true
		}
		first, second = second, letter
	}
	return false
}

func holdsWord(plain string) bool {
	for _, word := range words {
		if strings.Contains(plain, word) {
			return true
		}
	}
	return false
}

func endsAsSecret(plain string) bool {
	for _, ending := range valueEndings {
		plain = strings.TrimSuffix(plain, ending)
	}
	for _, ending := range endings {
		if strings.HasSuffix(plain, ending) {
			return true
		}
	}
	return false
}

// Plain returns the letters of a name in lower case: client_secret and ClientSecret2 are the same. It returns "" for a text
// that is no name.
func Plain(name string) string {
	plain := make([]byte, 0, len(name))
	for _, b := range []byte(name) {
		switch {
		case b >= 'a' && b <= 'z':
			plain = append(plain, b)
		case b >= 'A' && b <= 'Z':
			plain = append(plain, b-'A'+'a')
		case isDigit(b) || strings.IndexByte("_-.:", b) >= 0:
		default:
			return ""
		}
	}
	return string(plain)
}

// Setting reports whether a value under the name of a secret is a setting about one, or stands for one that is not told:
// isSecretRequired is true or false, secretRotationDays is 30, clientSecret is ${CLIENT_SECRET}. Any other text may be one, such as
// changeme.
func Setting(name, value string) bool {
	value = strings.TrimSpace(value)
	if tellsNone(value) {
		return true
	}
	plain := Plain(name)
	if endsAsSecret(plain) {
		return false
	}
	for _, ending := range valueEndings {
		plain = strings.TrimSuffix(plain, ending)
	}
	for _, word := range words {
		if strings.HasSuffix(plain, word) {
			return false
		}
	}
	n, err := strconv.Atoi(value)
	return err == nil && n >= 0 && n < 1_000_000
}
