package secretscan

import (
	"regexp"
	"strings"
	"unicode"
)

// degree is how much a value looks like a secret.
type degree int

const (
	standIn   degree = iota // for a value that is not told: "", ***, ${TOKEN}, {token}, your-token-here, none
	word                    // what may be a word, a number or a date
	opaque                  // six characters or more as no word has them: letters with digits, many digits, or strange signs
	random                  // the same, and no name made of words and numbers such as Acme_Prod_2026
	scrambled               // letters and digits in turn: h1dden00Canary0099
)

// statements are words that are said of a secret in the place of its value.
var statements = setOf("true false yes no on off none null nil na n/a unset empty blank hidden masked redacted removed secret required optional default enabled disabled always never " +
	"prompt ask stdin env file auto tbd todo unknown changeme opaque bearer basic jwt pass user 1password")

// settings are those that are nobody's secret.
var settings = setOf("true false yes no on off none null nil na n/a unset empty blank hidden masked redacted removed required optional enabled disabled always never")

// standIns are words in a value that somebody is to replace.
var standIns = setOf("your example placeholder sample dummy redacted changeme insert replace todo")

// references begin a value that says where the secret is kept.
var references = []string{"vault:", "arn:", "op:", "env:", "file:", "ssm:", "kms:", "kv/", "secretsmanager:"}

// terms are words with digits: of standards, versions, times, sizes and dates.
var terms = regexp.MustCompile(`^(?i:(oauth|oidc|saml|sha|md|rs|es|ps|hs|tlsv?|ssl|base|pbkdf|pkcs|x|aes|rsa|ec|p|rfc|v|utf|api|http|step|section|page|level|iso|fips|f|s)[-.]?\d{1,4}(\.\d+)*` +
	`|\d{1,6}(\.\d+)*-?(ms|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?|months?|y|years?|bits?|bytes?|chars?|digits?|letters?|kb|mb|x|st|nd|rd|th)` +
	`|\d{1,2}[a-z]{3}\d{2,4})$`)

// maxTerm is longer than any of these, in bytes.
const maxTerm = 64

func isTerm(value string) bool { return len(value) <= maxTerm && terms.MatchString(value) }

func isDate(value string) bool {
	return len(value) <= maxTerm && value != "" && isDigit(value[0]) && date.MatchString(value)
}

func isAddress(value string) bool {
	return len(value) <= maxName && strings.IndexByte(value, '@') > 0 && address.MatchString(value)
}

var (
	date    = regexp.MustCompile(`^\d{4}-\d\d-\d\d(T[\d:.Z+-]*)?$`)
	address = regexp.MustCompile(`^[\w.+-]+@[\w-]+(\.[\w-]+)*\.[A-Za-z]+$`)
)

// around are characters that stand around a value, and are no part of it.
const around = "\"'`()[]{}<>.,:;!?*"

// degreeOf judges a value. One of several words is judged by its worst.
func degreeOf(value string) degree {
	if strings.IndexByte(value, ' ') >= 0 || strings.ContainsAny(value, "\t\r\n") {
		worst := standIn
		for _, field := range strings.Fields(value) {
			worst = max(worst, degreeOf(field))
		}
		if worst == standIn && strings.TrimSpace(value) != "" && strings.IndexByte(strings.TrimSpace(value), ' ') > 0 {
			return word
		}
		return worst
	}
	bare := strings.Trim(value, around)
	if standsIn(value, bare) {
		return standIn
	}
	value = bare
	n := countOf(value)
	switch {
	case len(value) < 6 || isDate(value) || isAddress(value):
		return word
	case n.digits == len(value):
		return ofDigits(n.digits)
	case n.letters > 0 && n.digits > 0:
	case n.strange > 0 && n.letters > 0 && len(value) >= 8:
	case n.letters == len(value) && len(value) >= 16 && n.cases*5 >= 2*len(value):
	default:
		return word
	}
	switch segments := segmentsOf(value); {
	case segments == ofTerms:
		return word
	case segments == ofNumbers:
		return opaque
	case n.turns >= 3 && len(value) >= 12:
		return scrambled
	}
	return random
}

// IsValue reports whether a text that stands under the name of a secret, apart from it, is its value: in quotes any text but a
// setting, such as the literal of a formula; without quotes what no word is.
func IsValue(text string) bool {
	text = folded(text)
	for rest := text; ; {
		begin := strings.IndexAny(rest, `'"`)
		if begin < 0 {
			break
		}
		length := strings.IndexByte(rest[begin+1:], rest[begin])
		if length < 0 {
			break
		}
		if degreeOf(rest[begin+1:begin+1+length]) > standIn {
			return true
		}
		rest = rest[begin+length+2:]
	}
	return degreeOf(strings.Trim(strings.TrimSpace(text), `'"`)) >= opaque
}

// counts are the characters of a value by their kind.
type counts struct {
	letters, digits, strange int
	turns                    int // from letters to digits and back
	cases                    int // from upper to lower case and back
}

func countOf(value string) counts {
	var n counts
	var last byte // '0' after a digit, 'a' and 'A' after a letter
	var letter byte
	for _, b := range []byte(value) {
		kind := byte(0)
		switch {
		case isDigit(b):
			n.digits++
			kind = '0'
		case b >= 'a' && b <= 'z' || b >= 0x80:
			n.letters++
			kind = 'a'
		case b >= 'A' && b <= 'Z':
			n.letters++
			kind = 'A'
		case strings.IndexByte("@$!#^~", b) >= 0:
			n.strange++
		}
		if kind == 0 {
			continue
		}
		if last != 0 && (kind == '0') != (last == '0') {
			n.turns++
		}
		if kind != '0' {
			if letter != 0 && letter != kind {
				n.cases++
			}
			letter = kind
		}
		last = kind
	}
	return n
}

func ofDigits(count int) degree {
	switch {
	case count >= 16: // as consumer secrets were
		return random
	case count >= 8:
		return opaque
	}
	return word
}

// What the segments of a value are.
const (
	ofAnything = iota
	ofNumbers  // words, terms and numbers: a name
	ofTerms    // words and terms
)

func segmentsOf(value string) int {
	if isTerm(value) {
		return ofTerms
	}
	kind := ofTerms
	for segment := range strings.FieldsFuncSeq(value, func(r rune) bool { return strings.ContainsRune("-_./:", r) }) {
		n := countOf(segment)
		switch {
		case n.letters == len(segment) && n.cases*5 < 2*len(segment), isTerm(segment):
		case n.digits == len(segment) && len(segment) <= 10:
			kind = ofNumbers
		default:
			return ofAnything
		}
	}
	return kind
}

// tellsNone reports whether a value cannot be a secret, whatever its name: it is a setting, a mask, or the place of a variable.
func tellsNone(value string) bool {
	value = strings.TrimSpace(value)
	for begin, end := range map[string]string{"{": "}", "<": ">", "${": "}", "$(": ")", "#{": "}", "%": "%"} {
		if len(value) > len(begin)+len(end) && strings.HasPrefix(value, begin) && strings.HasSuffix(value, end) {
			return true
		}
	}
	return settings[strings.ToLower(value)] || !strings.ContainsFunc(value, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}

// standsIn reports whether a value stands for one that is not told, or says where it is. bare is the value without what is around it.
func standsIn(value, bare string) bool {
	if strings.HasPrefix(value, "{") || strings.HasPrefix(value, "<") || strings.HasPrefix(value, "${") || strings.HasPrefix(value, "$(") || strings.HasPrefix(value, "#{") ||
		len(value) > 2 && value[0] == '%' && value[len(value)-1] == '%' {
		return true
	}
	if strings.HasPrefix(value, "$") && Plain(value[1:]) != "" && (value == strings.ToUpper(value) || !strings.ContainsAny(value, "0123456789")) {
		return true
	}
	lower := strings.ToLower(bare)
	if statements[lower] || !strings.ContainsFunc(lower, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }) || len(lower) >= 4 && strings.Count(lower, lower[:1]) == len(lower) {
		return true
	}
	if strings.Contains(value, "://") || strings.Contains(value, "...") {
		return true // an address, which is judged by itself, or what somebody has cut
	}
	for _, prefix := range references {
		if strings.HasPrefix(lower, prefix) {
			return true
		}
	}
	if len(value) > maxName {
		return false
	}
	variable := strings.IndexByte(value, '_') >= 0 // as far as is seen, the name of one, such as CLIENT_SECRET
	segments := false
	for at := 0; at < len(value); at++ {
		from := at
		for at < len(value) && (value[at] >= 0x80 || isAlphanumeric(value[at])) {
			at++
		}
		if from == at {
			continue
		}
		segments = true
		segment := value[from:at]
		if lower := strings.ToLower(segment); standIns[lower] || strings.HasPrefix(lower, "xxx") {
			return true
		}
		if variable {
			n := countOf(segment)
			variable = n.letters == len(segment) && segment == strings.ToUpper(segment) || n.digits == len(segment) && len(segment) <= 4
		}
	}
	if variable && segments {
		return true
	}
	return mayName(bare) && !strings.ContainsAny(value, "0123456789") && Names(bare)
}

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		set[w] = true
	}
	return set
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func isLetter(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }

func isAlphanumeric(b byte) bool { return isLetter(b) || isDigit(b) }
