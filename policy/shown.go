package policy

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/fullcast/sfauth/internal/secret"
	"github.com/fullcast/sfauth/internal/secretscan"
	"github.com/fullcast/sfauth/metadata"
)

// How long a text may be, in bytes, to be shown as a whole, and how much of a longer one is shown. No file of an org comes
// near: the largest holds 20 KiB in all.
const (
	maxShown  = 16 << 10
	cutShown  = 4 << 10
	nameShown = 160
)

// shown is a text as a report, a difference or a plan shows it: without secrets, and cut where it is too long for anybody to
// read. What was cut still differs where the texts do. Comparisons are made before.
func (c credentials) shown(text string) string { return cut(c.conceal(text), maxShown, cutShown) }

// cut cuts a text of more than limit bytes after about keep bytes, at the end of a line where there is one.
func cut(text string, limit, keep int) string {
	if len(text) <= limit {
		return text
	}
	for keep > 0 && !utf8.RuneStart(text[keep]) {
		keep--
	}
	head, sep := text[:keep], ""
	if i := strings.LastIndexByte(head, '\n'); i > 0 {
		head, sep = head[:i], "\n"
	}
	return fmt.Sprintf("%s%s… (cut: %d bytes in all, SHA-256 %x)", head, sep, len(text), sha256.Sum256([]byte(text)))
}

// cutName cuts a name, of which Salesforce takes 80 characters.
func cutName(name string) string {
	if len(name) <= nameShown {
		return name
	}
	return strings.ToValidUTF8(name[:nameShown], "") + "…"
}

// credentials are the consumer keys and secrets of apps, which nothing shows, wherever they stand.
type credentials []string

func credentialsOf(apps ...metadata.App) credentials {
	var all credentials
	for _, a := range apps {
		if a.Connected != nil && a.Connected.OAuthConfig != nil {
			all = all.with(a.Connected.OAuthConfig.ConsumerKey, a.Connected.OAuthConfig.ConsumerSecret)
		}
		if s := a.OAuthSettings; s != nil {
			all = all.with(s.ConsumerKey, s.ConsumerSecret)
		}
		if s := a.GlobalOAuthSettings; s != nil {
			all = all.with(s.ConsumerKey, s.ConsumerSecret)
		}
	}
	return all
}

// with adds what is long enough not to be a word of any text.
func (c credentials) with(key string, hidden secret.Secret) credentials {
	for _, s := range []string{strings.TrimSpace(key), strings.TrimSpace(hidden.Reveal())} {
		if len(s) >= 8 {
			c = append(c, s)
		}
	}
	return c
}

// conceal takes secrets out of a text: credentials, what URLs may hold, and what stands after a name such as password.
func (c credentials) conceal(text string) string {
	for _, s := range c {
		text = strings.ReplaceAll(text, s, "…")
	}
	return secretscan.Known{HasKey: len(c) > 0}.Mask(maskURLs(text))
}

// maskURLs takes out what of a URL may be a secret: the user and password before the host, and the values of parameters. It
// leaves "https://…@host/?name=…".
func maskURLs(text string) string {
	if strings.IndexByte(text, '@') < 0 && strings.IndexByte(text, '=') < 0 {
		return text
	}
	return maskParameters(maskAuthorities(text))
}

func maskAuthorities(text string) string {
	var b strings.Builder
	done := 0
	for at := 0; ; {
		i := strings.Index(text[at:], ":/")
		if i < 0 {
			break
		}
		from := at + i + 1
		for from < len(text) && text[from] == '/' {
			from++
		}
		to := from
		for to < len(text) && strings.IndexByte("/?# \t\n\f\r\"<>", text[to]) < 0 {
			to++
		}
		if end := strings.LastIndexByte(text[from:to], '@'); end >= 0 {
			b.WriteString(text[done:from])
			b.WriteString("…")
			done = from + end
		}
		at = max(from, to-1) // the byte before may be the ":" of the next
	}
	if done == 0 {
		return text
	}
	b.WriteString(text[done:])
	return b.String()
}

func maskParameters(text string) string {
	var b strings.Builder
	done := 0
	for at := 0; ; {
		i := strings.IndexAny(text[at:], "?&#")
		if i < 0 {
			break
		}
		name := at + i + 1
		for name < len(text) && strings.IndexByte("=&#?\"<> \t\n\f\r", text[name]) < 0 {
			name++
		}
		at = name
		if name == len(text) || text[name] != '=' {
			continue
		}
		value := name + 1
		for at = value; at < len(text) && strings.IndexByte("&#\"<> \t\n\f\r", text[at]) < 0; {
			at++
		}
		if at > value {
			b.WriteString(text[done:value])
			b.WriteString("…")
			done = at
		}
	}
	if done == 0 {
		return text
	}
	b.WriteString(text[done:])
	return b.String()
}
