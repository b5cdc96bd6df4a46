package secretscan

import (
	"strings"

	"github.com/fullcast/sfauth/internal/scrub"
)

// sign is what stands between a name and its value.
type sign int

const (
	blank    sign = iota // white space alone: password X
	said                 // words: the password is X
	assigned             // password: X, password=X, password → X, | password | X |
	exact                // what nothing but a value may follow: <password>X</password>, --password=X
)

// needed is the degree of a value that counts as a secret after the name of one.
var needed = [...]degree{blank: random, said: random, assigned: opaque, exact: word}

var (
	// backFillers may stand between a value and its name, links join them: "X is the client secret", {"value":"X","name":"token"}.
	backFillers = setOf("the our your their my a an new old current value val formula client consumer user admin access refresh")
	links       = setOf("is was as name key field -")
)

// userFlags are options of commands whose value is user:password.
var userFlags = setOf("-u --user --proxy-user -U")

// How far is looked, in bytes: between a name and its value, and into a value before it is known whether it counts.
const (
	maxGap  = 80
	maxLook = 256
)

// named is a value beside the name of a secret.
type named struct {
	sign     sign
	degree   degree
	need     degree // what its degree has to be at the least to count as a secret
	from, to int
}

func (n named) counts() bool { return n.degree >= n.need }

// eachNamed calls found for each value that stands beside the name of a secret, until it returns false. It takes time in
// proportion to the length of the text.
func eachNamed(text string, found func(named) bool) {
	before, beforeEnd := "", 0
	for at := 0; at < len(text); {
		if !isNameByte(text[at]) {
			at++
			continue
		}
		from := at
		for at < len(text) && isNameByte(text[at]) {
			at++
		}
		if at-from > maxName {
			continue
		}
		name := nameIn(text, from, at)
		if name.kind == noName && beforeEnd == from-1 && mayName(before) && phrases[strings.ToLower(before+text[from-1:at])] {
			name.kind = secretName
		}
		if name.kind == secretName && beforeEnd == from-1 && text[from-1] == ' ' && !phraseNames(before, name.text) {
			name.kind = noName // such as a named credential
		}
		before, beforeEnd = text[from:at], at
		if name.kind == noName {
			continue
		}
		for _, find := range [...]func(string, nameAt) (named, bool){valueAfter, valueBefore} {
			n, ok := find(text, name)
			if !ok {
				continue
			}
			if !found(n) {
				return
			}
			if n.counts() {
				at = max(at, lastWord(text, n))
			}
		}
	}
}

// lastWord is where the last word of a value begins, which may be a name of its own: token=X/password Y.
func lastWord(text string, n named) int {
	at := n.to
	for at > n.from && n.to-at < maxName && isNameByte(text[at-1]) {
		at--
	}
	return at
}

// nameAt is a word of a text that may be the name of a secret.
type nameAt struct {
	kind     nameKind
	text     string
	from, to int
	need     degree // of a weak name's value
	flag     bool   // an option of a command: --password
	param    bool   // a parameter of a URL: ?token=
}

type nameKind int

const (
	noName nameKind = iota
	weakName
	secretName
	userFlag
	gluedName // with the value in one word: client_secret_h1dden00Canary0099
)

func nameIn(text string, from, to int) nameAt {
	n := nameAt{text: text[from:to], from: from, to: to}
	if n.flag = n.text[0] == '-'; n.flag {
		if userFlags[n.text] {
			n.flag, n.kind = false, userFlag
			return n
		}
		n.text = strings.TrimLeft(n.text, "-")
	}
	n.param = to < len(text) && text[to] == '=' && from > 0 && strings.IndexByte("?&#", text[from-1]) >= 0
	if len(n.text) > 12 && strings.ContainsAny(n.text, "0123456789") {
		if i := strings.LastIndexAny(n.text, "_-"); i > 0 && Names(n.text[:i]) && degreeOf(n.text[i+1:]) == scrambled {
			n.kind = gluedName
			n.from = to - len(n.text) + i + 1
			return n
		}
	}
	plain := strings.ToLower(n.text)
	switch {
	case Names(n.text):
		n.kind = secretName
	case weak[plain] > 0 && (plain != "p" || n.flag):
		n.kind, n.need = weakName, weak[plain]
	case n.param && inURL[plain] > 0:
		n.kind, n.need = weakName, inURL[plain]
	}
	return n
}

// valueAfter reads the value after a name.
func valueAfter(text string, name nameAt) (named, bool) {
	if name.kind == gluedName {
		return named{from: name.from, to: name.to, degree: scrambled, need: scrambled}, true
	}
	if n, ok := valueOfTag(text, name); ok {
		return n, true
	}
	g, ok := follow(text, name)
	if !ok {
		return named{}, false
	}
	s, from := g.sign, g.end
	n := named{sign: s, need: max(needed[s], g.least), from: from}
	stops := " \t\r\n\"'`<>,;|"
	if q := text[from-1]; q == '"' || q == '\'' || q == '`' {
		stops = text[from-1:from] + "\r\n"
	} else if name.param {
		stops += "&#"
	}
	if name.kind == weakName {
		stops += "(" // of a function, as in base64(user:password)
	}
	near := text[from:min(from+maxLook, len(text))]
	end := strings.IndexAny(near, stops)
	if end >= 0 {
		if rest, both := strings.CutPrefix(near[end:], " / "); both { // Key / Secret: X / Y
			next := strings.IndexAny(rest, stops)
			if next < 0 {
				next = len(rest)
			}
			end += len(" / ") + next
		}
		near = near[:end]
	}
	if i := strings.IndexAny(near, "=:"); i > 0 && s < assigned && Plain(near[:i]) != "" && countOf(near[:i]).digits == 0 {
		return named{}, false // another name
	}
	if name.kind == userFlag {
		user, _, both := strings.Cut(near, ":")
		if near = near[min(len(user)+1, len(near)):]; !both || countOf(near).digits == len(near) {
			return named{}, false
		}
		n.from += len(user) + 1
		n.need = word
	}
	n.degree = degreeOf(scrub.Decoded(judged(near)))
	if name.kind == weakName {
		n.need = name.need
		if s == blank && n.degree == random && len(near) >= 16 { // Bearer X
			n.degree = scrambled
		}
		if s == said {
			return named{}, false
		}
	}
	n.to = n.from + len(near)
	if end < 0 && n.counts() { // take all of it
		n.to = len(text)
		if i := strings.IndexAny(text[n.from:], stops); i >= 0 {
			n.to = n.from + i
		}
	}
	return n, true
}

// judged is the part of a value that is judged. It ends before "=", behind which another name's value or nothing stands.
func judged(value string) string {
	const short = 6
	if len(value) > short {
		if i := strings.IndexByte(value[short:], '='); i >= 0 {
			return value[:short+i]
		}
	}
	return value
}

// valueOfTag reads the value of an element in a text: <password>X</password>.
func valueOfTag(text string, name nameAt) (named, bool) {
	i := name.from
	if i > 0 && text[i-1] == ':' { // a prefix
		for i--; i > 0 && name.from-i < maxName && isNameByte(text[i-1]); {
			i--
		}
	}
	if name.kind != secretName || i == 0 || text[i-1] != '<' {
		return named{}, false
	}
	tag := text[name.to:min(name.to+2*maxName, len(text))]
	end := strings.IndexAny(tag, "<>")
	if end < 0 || tag[end] == '<' || end > 0 && tag[end-1] == '/' {
		return named{}, false
	}
	from := name.to + end + 1
	length := strings.IndexByte(text[from:], '<')
	if length < 0 || !strings.HasPrefix(text[from+length:], "</") {
		return named{}, false
	}
	near := text[from : from+min(length, maxLook)]
	return named{sign: exact, degree: degreeOf(near), need: word, from: from, to: from + length}, true
}

// valueBefore reads the value before a name: "X is the password".
func valueBefore(text string, name nameAt) (named, bool) {
	if name.kind != secretName {
		return named{}, false
	}
	if rest := strings.TrimLeft(text[name.to:min(name.to+maxGap, len(text))], " \t"); len(rest) > 0 && rest[0] != '<' && isAlphanumeric(rest[0]) {
		return named{}, false // such as the password policy
	}
	start := max(0, name.from-2*maxGap)
	joined := false
	for at := name.from; at > start; {
		if c := text[at-1]; strings.IndexByte(" \t\r\n\"'`*()[]{}<>/:,=|", c) >= 0 {
			joined = joined || c == '=' || c == '('
			at--
			continue
		}
		end := at
		for at > start && strings.IndexByte(" \t\r\n\"'`()[]{}<>,;|", text[at-1]) < 0 && (text[at-1] != '=' || end-at < 8) {
			at--
		}
		w := strings.ToLower(strings.Trim(text[at:end], around+"="))
		if links[w] || backFillers[w] {
			joined = joined || links[w]
			continue
		}
		if !joined || at == start && at > 0 {
			return named{}, false
		}
		return named{sign: said, degree: degreeOf(text[at:end]), need: scrambled, from: at, to: end}, true
	}
	return named{}, false
}

func isNameByte(b byte) bool { return isAlphanumeric(b) || b == '_' || b == '-' }
