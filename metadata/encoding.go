package metadata

import (
	"bytes"
	"fmt"
	"regexp"
)

// wideStarts are the first bytes of documents in encodings of two or four bytes a character, with a byte order mark or without
// one, longer ones first.
//
// Source: XML 1.0, appendix F, "Autodetection of Character Encodings".
var wideStarts = []struct{ bytes, encoding string }{
	{"\xff\xfe\x00\x00", "UTF-32"}, {"\x00\x00\xfe\xff", "UTF-32"}, {"<\x00\x00\x00", "UTF-32"}, {"\x00\x00\x00<", "UTF-32"},
	{"\xff\xfe", "UTF-16"}, {"\xfe\xff", "UTF-16"}, {"<\x00", "UTF-16"}, {"\x00<", "UTF-16"},
}

// wideEncoding names the encoding of a document that is of two or four bytes a character; "" where it is not.
func wideEncoding(document []byte) string {
	for _, start := range wideStarts {
		if bytes.HasPrefix(document, []byte(start.bytes)) {
			return start.encoding
		}
	}
	return ""
}

// encodingName is what a declared encoding must look like to be named: anything else may be a secret.
var encodingName = regexp.MustCompile(`encoding "((?i:(?:utf|ucs|utf-ebcdic)-?\d{1,2}(?:[bl]e)?|iso-?(?:8859|10646|2022)-[a-z0-9-]{1,8}|(?:windows|cp|ibm)-?\d{3,5}|us-ascii|ascii|latin-?\d|shift_jis|euc-[a-z]{2}|gb\d{4,5}|gbk|big5|koi8-[ru]|macintosh))"`)

// declaredEncoding is the error about an encoding that the decoder does not take.
func declaredEncoding(decoder error) error {
	if m := encodingName.FindStringSubmatch(decoder.Error()); m != nil {
		return encodingError(m[1])
	}
	return encodingError("not UTF-8")
}

func encodingError(encoding string) error {
	return fmt.Errorf("its encoding is %s, and only UTF-8 is taken: save it as UTF-8", encoding)
}
