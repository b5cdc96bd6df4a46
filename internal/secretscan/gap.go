package secretscan

import "strings"

// fillers may stand between a name and its value, in lower case.
var fillers = setOf("is are was now currently still here below following set to as equals s value val formula content text string")

// prepositions begin what says which secret it is, up to a sign: the password of this app is X, client secret for production: X.
var prepositions = setOf("of for from in on at to with")

// gap is what stands between a name and the beginning of its value.
type gap struct {
	sign  sign
	end   int
	least degree // of a value behind it
}

// follow goes from a name to where its value begins, over signs, quotes, brackets, fillers and words that say which secret it
// is.
func follow(text string, name nameAt) (g gap, ok bool) {
	if name.from >= 2 && text[name.from-2:name.from] == "</" {
		return gap{}, false
	}
	if name.flag || name.kind == userFlag {
		g.sign = assigned
	}
	if tight := name.to+1 < len(text) && text[name.to] == '=' && !name.param && strings.IndexByte(" \t\r\n=>", text[name.to+1]) < 0; tight && (name.flag || isPassword(name.text)) {
		g.sign = exact
	}
	if quotedPair(text, name) {
		g.sign = exact
	}
	apart := false     // a comma before the value, which only a word such as "value" gets over
	qualified := false // in words that say which secret it is, up to a sign
	at := name.to
	for at < min(len(text), name.to+maxGap) {
		switch c := text[at]; {
		case c == '\n' || c == '\r':
			if g.sign < assigned {
				g.least = scrambled
			}
			at++
		case c == ',':
			apart = true
			at++
		case c == '=' || c == ':' || c == '|' || c == '>':
			g.sign = max(g.sign, assigned)
			at++
		case c == '.' && at+1 < len(text) && text[at+1] == '.', c == '-' && at+1 < len(text) && strings.IndexByte(" >\n", text[at+1]) >= 0:
			g.sign = max(g.sign, assigned)
			at += 2
		case strings.IndexByte(" \t\"'`*()[]{}\\", c) >= 0:
			qualified = qualified || g.sign == blank && (c == '(' || c == '[')
			at++
		case c == '<':
			at++
			if at < len(text) && text[at] == '/' { // an end tag
				for at++; at < len(text) && at < name.to+maxGap && isNameByte(text[at]); {
					at++
				}
			}
		case strings.IndexByte(".;?!&/", c) >= 0:
			return gap{}, false
		default:
			end := at
			for end < len(text) && end-at < maxGap && strings.IndexByte(" \t\r\n\"'`<>()[]{}=:,;|", text[end]) < 0 {
				end++
			}
			w := strings.ToLower(text[at:end])
			switch {
			case fillers[w]:
				if w == "value" || w == "val" || w == "formula" {
					apart, g.least = false, standIn
				}
				if w != "to" && w != "as" {
					g.sign = max(g.sign, said)
				}
			case g.sign < assigned && prepositions[w], g.sign < assigned && qualified && isWord(w):
				qualified = true
				g.sign, g.least = blank, max(g.least, random)
			default:
				g.end = at
				bracketed := at > name.to && strings.IndexByte("([", text[at-1]) >= 0
				return g, !apart && !(qualified && g.sign == blank && !bracketed) && at > name.to && text[at-1] != '{' && text[at-1] != '<'
			}
			at = end
		}
	}
	return gap{}, false
}

// quotedPair reports whether a name in quotes has a value in quotes, as in JSON: "password": "X".
func quotedPair(text string, name nameAt) bool {
	if name.kind != secretName || name.from == 0 || name.to >= len(text) || text[name.from-1] != text[name.to] || text[name.to] != '"' && text[name.to] != '\'' {
		return false
	}
	rest := strings.TrimLeft(text[name.to+1:min(name.to+maxGap, len(text))], " \t\r\n")
	if rest == "" || rest[0] != ':' {
		return false
	}
	rest = strings.TrimLeft(rest[1:], " \t\r\n")
	return rest != "" && rest[0] == text[name.to]
}

// isPassword tells the names whose value after "=" is a password in any letters.
func isPassword(name string) bool {
	plain := Plain(name)
	return strings.HasSuffix(plain, "password") || strings.HasSuffix(plain, "passwd") || strings.HasSuffix(plain, "passphrase") || strings.HasSuffix(plain, "pwd")
}

// isWord reports whether a text is no more than a word. Most have letters alone, which is soon seen.
func isWord(w string) bool {
	return len(w) < 16 && strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") == "" || degreeOf(w) <= word
}
