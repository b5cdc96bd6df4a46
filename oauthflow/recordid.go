package oauthflow

import "strings"

const (
	idLength    = 15 // of a record id that depends on case
	idBlock     = 5  // characters that one character of the suffix speaks of
	idSuffixSet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
)

// canonicalID returns a Salesforce record id of 15 or 18 characters in its form of 18, in which every letter has its own
// case. The first 15 characters depend on case; each of the last three says, in five bits, which of five characters are
// upper case letters, so that an id of 18 may come in any case. False is no id: the suffix cannot belong to the rest.
//
// Source: Salesforce Help, "Record ID Formats"; SOAP API Developer Guide, "ID Field Type".
func canonicalID(id string) (string, bool) {
	if len(id) != idLength && len(id) != idLength+3 || strings.ContainsFunc(id, notAlphanumeric) {
		return "", false
	}
	full := []byte(id[:idLength])
	for block := range 3 {
		chars := full[block*idBlock : (block+1)*idBlock]
		if len(id) == idLength {
			full = append(full, idSuffixSet[upperCase(chars)])
			continue
		}
		suffix := upper(id[idLength+block])
		bits := strings.IndexByte(idSuffixSet, suffix)
		if bits < 0 {
			return "", false
		}
		for i, c := range chars {
			switch set := bits>>i&1 == 1; {
			case set:
				chars[i] = upper(c)
			case 'A' <= c && c <= 'Z':
				chars[i] = c + 'a' - 'A'
			}
		}
		if upperCase(chars) != bits { // a digit has no upper case
			return "", false
		}
		full = append(full, suffix)
	}
	return string(full), true
}

// upperCase returns one bit for each upper case letter, the first character's the lowest.
func upperCase(chars []byte) (bits int) {
	for i, c := range chars {
		if 'A' <= c && c <= 'Z' {
			bits |= 1 << i
		}
	}
	return bits
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - ('a' - 'A')
	}
	return c
}

// id18 returns a record id of an answer, whose kind the prefix says, with 18 characters. One of 18 is returned as it is, also
// with a suffix that is not of this rule: an answer is not refused for that.
func id18(id, prefix string) (string, bool) {
	if len(id) != idLength && len(id) != idLength+3 || !strings.EqualFold(id[:len(prefix)], prefix) || strings.ContainsFunc(id, notAlphanumeric) {
		return "", false
	}
	if len(id) == idLength+3 {
		return id, true
	}
	full, ok := canonicalID(id)
	return full, ok && strings.HasPrefix(id, prefix)
}

// sameID reports whether two record ids, each of 15 or 18 characters, name the same record, as Salesforce compares them. Where
// a suffix is not of its rule, the first 15 characters are compared.
func sameID(a, b string) bool {
	x, ok1 := canonicalID(a)
	y, ok2 := canonicalID(b)
	if ok1 && ok2 {
		return x == y
	}
	return len(a) >= idLength && len(b) >= idLength && a[:idLength] == b[:idLength]
}

// orgID returns an org's id, as the caller gives it, with 18 characters; a problem says why it is none.
func orgID(given string) (id, problem string) { return idOf(given, "00D", "an org id") }

// userID is orgID of a user.
func userID(given string) (id, problem string) { return idOf(given, "005", "a user id") }

func idOf(given, prefix, what string) (id, problem string) {
	id, ok := canonicalID(given)
	switch {
	case len(given) == idLength+3 && !ok && !strings.ContainsFunc(given, notAlphanumeric),
		ok && strings.HasPrefix(given, prefix) && !strings.HasPrefix(id, prefix):
		return "", "its last three characters do not belong to the first 15; copy it again, with its own case or without them"
	case !ok || !strings.HasPrefix(id, prefix):
		return "", "must be " + what + ": 15 or 18 letters and digits that begin with " + prefix
	}
	return id, ""
}

func notAlphanumeric(r rune) bool {
	return !('0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z')
}
