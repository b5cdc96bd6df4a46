package orgtest

import (
	"encoding/xml"
	"net/url"
	"strings"
)

// formats are the formats of the token endpoint by media type. Source: docs, OAuth refresh token process.
var formats = map[string]string{
	"application/json": "json", "application/xml": "xml", "application/x-www-form-urlencoded": "urlencoded",
}

// formatOf is the format that a request asks for: the parameter, else the first type of the Accept header that the org has,
// whatever its weight. Source: docs, OAuth refresh token process, for both; docs, identity URLs: "a list of values is checked left-to-right",
// "the format parameter takes precedence". That a header without such a type counts as none is assumed.
func formatOf(in *request, parameter, otherwise string) string {
	if parameter != "" {
		return parameter
	}
	for _, header := range in.Header.Values("Accept") {
		for one := range strings.SplitSeq(header, ",") {
			media, _, _ := strings.Cut(one, ";")
			media = strings.ToLower(strings.TrimSpace(media))
			if media == "*/*" || media == "application/*" {
				return otherwise
			}
			if f := formats[media]; f != "" {
				return f
			}
		}
	}
	return otherwise
}

// inFormat writes a JSON answer in another format. Source: docs, OAuth refresh token process, for the formats; that the XML has the
// root OAuth is of the docs' sample.
func inFormat(a answer, format string) answer {
	fields := fieldsOf(a)
	switch format {
	case "urlencoded":
		q := url.Values{}
		for k, v := range fields {
			q.Set(k, v)
		}
		a.body = []byte(q.Encode())
		a.header.Set("Content-Type", "application/x-www-form-urlencoded;charset=UTF-8")
	case "xml":
		var b strings.Builder
		b.WriteString(xml.Header + "<OAuth>")
		for _, k := range sorted(fields) {
			b.WriteString("<" + k + ">" + escape(fields[k]) + "</" + k + ">")
		}
		b.WriteString("</OAuth>")
		a.body = []byte(b.String())
		a.header.Set("Content-Type", "application/xml;charset=UTF-8")
	}
	return a
}
