package adminhttp

// Problem is why a request was not done, in the one form that all routes use; also what is wrong with a connection.
type Problem struct {
	Code       string    `json:"code"`                 // stable
	Message    string    `json:"message"`              // what happened, for the person at the page
	Fields     []Field   `json:"fields,omitempty"`     // of the request, that have to be corrected
	Remedy     *Remedy   `json:"remedy,omitempty"`     // what to do, where that is known
	RetryAfter int       `json:"retryAfter,omitempty"` // seconds
	Answered   *Stranger `json:"answered,omitempty"`   // who has logged in, where another was expected
	Status     int       `json:"-"`
}

// Field is a field of the request that has to be corrected.
type Field struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Remedy says who has to do what.
type Remedy struct {
	ID     string `json:"id"`               // stable
	Who    string `json:"who"`              // nobody, admin, operator or programmer
	Text   string `json:"text"`             // one sentence
	Clicks string `json:"clicks,omitempty"` // to send to the org's admin, who has to act
}

// Stranger is the org and the user who have answered in place of the expected ones.
type Stranger struct {
	OrgID  string `json:"orgId"`
	UserID string `json:"userId"`
}

type problemBody struct {
	Error *Problem `json:"error"`
}

// Answer returns the problem as an answer.
func (p *Problem) Answer() Answer { return Answer{p.Status, problemBody{p}} }

// Codes of problems that are about the request itself.
const (
	CodeNoRoute     = "no-such-path"
	CodeMethod      = "method"
	CodeCrossOrigin = "cross-origin"
	CodeNotSignedIn = "not-signed-in"
	CodeForbidden   = "forbidden"
	CodeMediaType   = "media-type"
	CodeTooLarge    = "too-large"
	CodeMalformed   = "malformed"
	CodeFields      = "fields"
	CodeRate        = "too-many-logins"
	CodeInternal    = "internal"
)

func refuse(status int, code, message string) Answer {
	return (&Problem{Status: status, Code: code, Message: message}).Answer()
}

// Invalid is the problem of fields that have to be corrected.
func Invalid(fields ...Field) *Problem {
	return &Problem{Status: 422, Code: CodeFields, Message: "Some fields have to be corrected.", Fields: fields}
}
