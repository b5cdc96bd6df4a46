package oauthflow

import (
	"net/url"
	"strings"
	"unicode/utf8"

	scrubber "github.com/fullcast/sfauth/internal/scrub"
)

// Key names a connection within one store.
type Key struct {
	Tenant string // the customer, in the service's own words; 1–100 bytes of UTF-8
	Name   string // the connection of that customer, such as "main"; 1–100 bytes of UTF-8
}

// String returns tenant/name, for logs: acme/main. A part that holds anything but ASCII letters, digits and ._-@+ is quoted
// and in ASCII, "acme/eu"/main, so that two keys that differ never read the same, and a key is always one line.
func (k Key) String() string { return scrubber.Word(k.Tenant) + "/" + scrubber.Word(k.Name) }

func (k Key) validate(op string) error {
	for field, v := range map[string]string{"Key.Tenant": k.Tenant, "Key.Name": k.Name} {
		if v == "" || len(v) > 100 || !utf8.ValidString(v) {
			return invalid(op, field, "must be 1 to 100 bytes of UTF-8")
		}
	}
	if len(k.recordID()) > 255 {
		return invalid(op, "Key", "is too long once its other characters than letters and digits are escaped")
	}
	return nil
}

const (
	connectionPrefix = "connection/"
	loginPrefix      = "login/"
	hostPrefix       = "host/" // of records that nothing writes any more
)

func (k Key) recordID() string { return tenantPrefix(k.Tenant) + escape(k.Name) }

func tenantPrefix(tenant string) string { return connectionPrefix + escape(tenant) + "/" }

// escape leaves no separator in a part, so that no two keys share a record.
func escape(part string) string {
	return strings.ReplaceAll(url.QueryEscape(part), "~", "%7E")
}
