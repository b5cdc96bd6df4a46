package policy

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/fullcast/sfauth/internal/salesforce"
)

// memberLists are the elements that may stand several times, none of which has an order.
//
// Source: Metadata API, the types of package metadata.
var memberLists = []string{"attributes", "canvasConfig/locations", "canvasConfig/options", "customAttributes", "ipRanges", "permissionSetName", "profileName", "tokenIpRanges", "trustedIpRanges"}

var memberPath = regexp.MustCompile(`^([^\[]+)\[(\d+)\](?:/(.*))?$`)

// member is one member of a list: its elements, and what they say together.
type member struct {
	elements []element
	text     string
}

// list tells the list that an element is in, the number of its member and the element inside; false where it is in none.
func (k element) list() (name string, number int, inside string, in bool) {
	if m := memberPath.FindStringSubmatch(k.path); m != nil {
		number, err := strconv.Atoi(m[2])
		return m[1], number, m[3], err == nil
	}
	for _, name := range memberLists {
		if rest, in := strings.CutPrefix(k.path, name); in && (rest == "" || rest[0] == '/') {
			return name, 1, strings.TrimPrefix(rest, "/"), true
		}
	}
	return "", 0, "", false
}

// membersOf are the members of all lists, by component and list, in their order.
func membersOf(elements map[element]string) map[element][]member {
	numbered := map[element]map[int]member{}
	for _, k := range order(elements) {
		name, number, inside, in := k.list()
		if !in {
			continue
		}
		list := element{k.component, name}
		if numbered[list] == nil {
			numbered[list] = map[int]member{}
		}
		m := numbered[list][number]
		m.elements = append(m.elements, k)
		m.text += inside + "\x00" + elements[k] + "\x00"
		numbered[list][number] = m
	}
	all := map[element][]member{}
	for list, members := range numbered {
		for _, number := range slices.Sorted(maps.Keys(members)) {
			all[list] = append(all[list], members[number])
		}
	}
	return all
}

// withoutCommon takes out of both apps the members that both lists have, each as often as both have it.
func withoutCommon(a, b map[element]string) {
	if maps.Equal(a, b) { // then nothing differs, and nothing has to be put in order
		return
	}
	inB := membersOf(b)
	for list, members := range membersOf(a) {
		same := map[string][]member{}
		for _, m := range inB[list] {
			same[m.text] = append(same[m.text], m)
		}
		for _, m := range members {
			others := same[m.text]
			if len(others) == 0 {
				continue
			}
			same[m.text] = others[1:]
			for _, k := range m.elements {
				delete(a, k)
			}
			for _, k := range others[0].elements {
				delete(b, k)
			}
		}
	}
}

// commaSet is a list that an element holds as one text, its members in order and each once.
func commaSet(text string) string {
	var members []string
	for m := range strings.SplitSeq(text, ",") {
		if m = salesforce.Trim(m); m != "" {
			members = append(members, m)
		}
	}
	slices.Sort(members)
	return strings.Join(slices.Compact(members), ", ")
}

// byNumber compares paths, the numbers in them as numbers.
func byNumber(x, y string) int {
	for x != "" && y != "" {
		m, n := digits(x), digits(y)
		if m == "" || n == "" {
			if x[0] != y[0] {
				return cmp.Compare(x[0], y[0])
			}
			x, y = x[1:], y[1:]
			continue
		}
		if c := cmp.Or(cmp.Compare(len(m), len(n)), cmp.Compare(m, n)); c != 0 {
			return c
		}
		x, y = x[len(m):], y[len(n):]
	}
	return cmp.Compare(len(x), len(y))
}

// digits are those that a text begins with.
func digits(s string) string {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return s[:n]
}
