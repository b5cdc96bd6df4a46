package oauthflow

import (
	"log/slog"
	"time"
)

// EventType says what an [Event] reports.
type EventType string

// Types of events.
const (
	EventConnected   EventType = "connected"        // a login was completed or a connection adopted
	EventAbandoned   EventType = "login abandoned"  // the browser never came back: the admin gave up, or saw an error on a page of Salesforce's
	EventRefreshed   EventType = "refreshed"        // the access token was replaced
	EventRotated     EventType = "rotated"          // the refresh token, too
	EventInDoubt     EventType = "in doubt"         // a refresh was sent and its answer is lost
	EventSuspended   EventType = "suspended"        // Salesforce refuses refreshes, or all API calls, for a reason that an admin's switch heals
	EventBroken      EventType = "broken"           // only a new authorization or new credentials help
	EventRepaired    EventType = "repaired"         // a suspended or doubtful connection works again
	EventReplay      EventType = "replay suspected" // the grant died although its latest refresh token was here: another may have used it
	EventClient      EventType = "client replaced"  // the credentials given to SetClient have worked
	EventKind        EventType = "kind changed"     // the app is of another kind now
	EventMoved       EventType = "moved"            // the tokens have gone to another key
	EventOrgChanged  EventType = "org changed"      // a refresh was answered for another org
	EventUserChanged EventType = "user changed"     // a refresh was answered for another user
	EventForeign     EventType = "foreign record"   // a record was sealed elsewhere, with another key, or was changed, or is not the one that was asked for; see tokenstore.ErrForeignRecord
	EventResealed    EventType = "key rotated"      // every record is sealed with the current key
	EventRevoked     EventType = "revoked"          // disconnected, and Salesforce has confirmed it; with an error, it could not be asked for a week; see [Manager.Disconnect]
	EventInstance    EventType = "instance"         // the instance URL has changed
	EventSignature   EventType = "signature"        // an answer's signature is not of the consumer secret
	EventTransport   EventType = "transport"        // a transport of the caller's undoes a check, or nobody can see whether it does; see [ErrTransport]
	EventLimit       EventType = "API requests low" // the org has used four fifths of its API requests of 24 hours or more: Event.APIUsed of APIAllowed; told once, and again after it fell below seven tenths
	EventMissed      EventType = "events missed"    // the observer was too slow: one for each type of event that was dropped, with their number
)

// Event tells an observer what happened to a connection. It holds ids, never names, mail addresses or secrets.
type Event struct {
	Type  EventType
	Key   Key
	OrgID string
	At    time.Time
	Took  time.Duration // of the request that it is about; 0 when there was none
	Err   *Error        // nil when nothing failed

	APIUsed, APIAllowed int64 // of an event "API requests low": the org's API requests of the last 24 hours, and how many it may send

	// Count is how many events this one stands for, 1 or more: while 64 and more wait for the observer, a routine event (such as
	// "refreshed") that follows one of the same type of its connection is added to that, which then says what the newest said.
	Count  int
	Missed EventType // of an event "events missed": the type of those that were dropped, of which there were Count
}

// LogValue returns the event as a group of slog fields, those that hold something:
//
//	type         what happened, an EventType
//	missed       of "events missed": the type of those that were dropped
//	count        how many events it stands for, when more than one
//	connection   its key, tenant/name
//	org          the org's id
//	took         duration of the request
//	api_used     of "API requests low": the org's API requests of the last 24 hours
//	api_allowed  of "API requests low": how many it may send
//	host         host that was asked
//	kind         what the error means, an ErrorKind
//	reason       what stands behind the kind, a Reason
//	code         Salesforce's error code
//	status       HTTP status
//	retry_after  duration until another try
//	error        the whole error, one line
//
// So slog.Info("salesforce", "event", e) is enough for a log that can be searched.
func (e Event) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("type", string(e.Type))}
	text := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	span := func(key string, d time.Duration) {
		if d != 0 {
			attrs = append(attrs, slog.Duration(key, d))
		}
	}
	text("missed", string(e.Missed))
	if e.Count > 1 || e.Missed != "" {
		attrs = append(attrs, slog.Int("count", e.Count))
	}
	if e.Key != (Key{}) {
		text("connection", e.Key.String())
	}
	text("org", e.OrgID)
	span("took", e.Took)
	if e.APIAllowed != 0 {
		attrs = append(attrs, slog.Int64("api_used", e.APIUsed), slog.Int64("api_allowed", e.APIAllowed))
	}
	if e.Err == nil {
		return slog.GroupValue(attrs...)
	}
	text("host", e.Err.Host)
	text("kind", string(e.Err.Kind))
	text("reason", string(e.Err.Reason()))
	text("code", e.Err.Code)
	if e.Err.Status != 0 {
		attrs = append(attrs, slog.Int("status", e.Err.Status))
	}
	span("retry_after", e.Err.RetryAfter)
	text("error", e.Err.Error())
	return slog.GroupValue(attrs...)
}

// observe hands the event to the observer's goroutine, or counts it as missed when the observer is behind: nobody
// waits for an observer. It reports whether the observer will be told.
func (m *Manager) observe(e Event) bool {
	if m.cfg.Observe == nil {
		return true
	}
	e.At, e.Count = m.flow.now(), 1
	return m.events.put(e)
}

// deliver hands events on. It runs until the manager is closed and nothing waits.
func (m *Manager) deliver() {
	over := false
	defer func() {
		if !over { // the observer has ended the goroutine, by runtime.Goexit
			go m.deliver()
			return
		}
		close(m.delivered)
	}()
	for {
		if e, told := m.events.take(); told {
			m.deliverOne(e)
			continue
		}
		select {
		case <-m.events.wake:
		case <-m.ctx.Done():
			if over = m.events.empty(); over {
				return
			}
		}
	}
}

// deliveryWait is how long Close waits for one call of the observer.
const deliveryWait = 5 * time.Second

// awaitDelivery waits until everything is handed on, or somebody does not return.
func (m *Manager) awaitDelivery() {
	for {
		before := m.handed.Load()
		select {
		case <-m.delivered:
			return
		case <-time.After(deliveryWait):
			if m.handed.Load() == before {
				return
			}
		}
	}
}

// deliverOne tells the observer of an event, and then of those that were missed since it was told last.
func (m *Manager) deliverOne(e Event) {
	defer m.handed.Add(1)
	m.tell(e)
	for _, missed := range m.events.takeMissed(m.flow.now()) {
		m.tell(missed)
	}
}

func (m *Manager) tell(e Event) {
	defer func() {
		if r := recover(); r != nil {
			m.logPanic(r)
		}
	}()
	m.cfg.Observe(e)
}
