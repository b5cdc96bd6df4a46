package salesforce

import "strings"

// XMLSpace are the characters that XML calls white space.
const XMLSpace = " \t\r\n"

// Trim takes off a value what Salesforce takes off: white space around it, as XML has it. A no-break space, which looks like
// one in an editor, is part of the value.
//
// Source: Metadata API, upsertMetadata(): "the API trims any leading and trailing whitespace"; XML Schema Part 2, whiteSpace.
// That nothing else is taken off is assumed.
func Trim(value string) string { return strings.Trim(value, XMLSpace) }
