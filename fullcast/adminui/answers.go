package adminui

// What the pages use of the API's answers; docs/admin-api.json describes them whole.

type problem struct {
	Code     string
	Message  string
	Fields   []wrong
	Remedy   *remedy
	Answered *struct{ OrgID, UserID string }
	Status   int `json:"-"`
}

// wrong is a field of a form that has to be corrected.
type wrong struct{ Field, Message string }

type remedy struct{ ID, Who, Text, Clicks string }

type connection struct {
	Name, Status, Kind       string
	LoginHost                string
	ConnectedAt, RefreshedAt string
	Org                      struct{ ID, UserID, URL, Type string }
	Problem                  *problem
	Notices                  []notice
}

type notice struct {
	Code, Message string
	Remedy        *remedy
}

type listed struct {
	Connections []connection
	Unreadable  []struct {
		Name    string
		Problem *problem
	}
	More bool
}

type begun struct{ Redirect string }

type completed struct {
	Connected  bool
	Migrated   bool
	Connection connection
	Next       []string
}

type migration struct {
	State, Why            string
	Before, During, After []string
	Differences           []struct{ Setting, ConnectedApp, ExternalClientApp string }
}

type checked struct {
	App  string
	Note string
	Org  *struct {
		Name, Edition, User, Username string
		Sandbox                       bool
	}
	Findings   []finding
	NotVisible []unseen
	Passed     []string
}

type finding struct{ Severity, Field, Message, Fix string }

type unseen struct{ Field, Message, Screen string }

type diagnosis struct {
	Cause *line
	Lines []line
}

type line struct {
	Code                   string
	Subject, Outcome, Text string
	Remedy                 *remedy
}

type guide struct {
	Site string
	Kind string
	Host *struct {
		LoginHost, Type, Advice string
		Links                   map[string]string
	}
	Title, Source string
	Before, After []string
	Sections      []struct {
		Title, Note string
		Steps       []struct {
			Do, Note string
			Settings []struct {
				Label, Hint, Note string
				Values            []string
				Copy              bool
			}
		}
	}
}
