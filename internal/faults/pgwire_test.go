package faults

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"
)

// interruption is what happens to a statement on its way to PostgreSQL, once it is armed.
type interruption struct {
	at     int           // the statement, from 1 on; 0 for none
	what   string        // "before" or "after" it its session is ended, or an SQLSTATE for an answer, without doing it
	during time.Duration // an SQLSTATE is also the answer to all that come within this time
}

// interrupted is an address of PostgreSQL on which one statement meets an interruption. A statement is what a client sends
// and waits for: a query, or the preparation or execution of one.
type interrupted struct {
	t      *testing.T
	target string
	admin  *sql.DB
	addr   string

	mu    sync.Mutex
	armed bool
	plan  interruption
	until time.Time
	seen  int // statements
	hit   int // of them, interrupted
}

// interrupt starts the address for a place, and returns the place as it is reached there.
func interrupt(t *testing.T, at place, admin *sql.DB, plan interruption) (*interrupted, place) {
	t.Helper()
	database, err := url.Parse(at.DSN)
	must(t, err)
	target := database.Host
	if database.Port() == "" {
		target += ":5432"
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	x := &interrupted{t: t, target: target, admin: admin, addr: listener.Addr().String(), plan: plan}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { x.serve(conn) })
		}
	})
	t.Cleanup(func() { listener.Close(); all.Wait() }) // the clients have closed before
	database.Host = x.addr
	at.DSN = database.String()
	return x, at
}

// arm has the next statement be the first.
func (x *interrupted) arm() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.armed, x.seen = true, 0
}

// disarm lets everything through, and returns what there was.
func (x *interrupted) disarm() (seen, hit int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.armed = false
	return x.seen, x.hit
}

// next returns what is to happen to the next statement; nothing if it is empty.
func (x *interrupted) next() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.armed {
		return ""
	}
	x.seen++
	if x.seen == x.plan.at {
		x.until = time.Now().Add(x.plan.during)
	} else if !time.Now().Before(x.until) {
		return ""
	}
	x.hit++
	return x.plan.what
}

const sslRequest = 80877103

// serve carries one session.
func (x *interrupted) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", x.target)
	if err != nil {
		return
	}
	defer server.Close()
	start, err := opening(client)
	if err == nil && binary.BigEndian.Uint32(start[4:]) == sslRequest { // in the clear, please
		if _, err = client.Write([]byte{'N'}); err == nil {
			start, err = opening(client)
		}
	}
	if err != nil {
		return
	}
	if _, err := server.Write(start); err != nil {
		return
	}
	var session uint32
	for ready := false; !ready; {
		m, err := message(server)
		if err != nil {
			return
		}
		if _, err := client.Write(m); err != nil {
			return
		}
		switch m[0] {
		case 'R': // how to sign in, or that it was done
			if code := binary.BigEndian.Uint32(m[5:]); code == 0 || code == 12 {
				break
			}
			if m, err = message(client); err != nil {
				return
			}
			if _, err := server.Write(m); err != nil {
				return
			}
		case 'K':
			session = binary.BigEndian.Uint32(m[5:])
		case 'Z':
			ready = true
		}
	}
	for x.statement(client, server, session) == nil {
	}
}

var errEnded = errors.New("the session was ended")

// statement carries one statement and its answer.
func (x *interrupted) statement(client, server net.Conn, session uint32) error {
	var sent bytes.Buffer
	for complete := false; !complete; {
		m, err := message(client)
		if err != nil {
			return err
		}
		sent.Write(m)
		complete = m[0] == 'Q' || m[0] == 'S' || m[0] == 'X'
	}
	what := x.next()
	switch what {
	case "", "after":
	case "before":
		x.end(session)
	default:
		_, err := client.Write(refusal(what))
		return err
	}
	if _, err := server.Write(sent.Bytes()); err != nil && what == "" {
		return err
	}
	if what == "before" {
		_, _ = io.Copy(client, server) // its last words
		return errEnded
	}
	for {
		m, err := message(server)
		if err != nil {
			return err
		}
		if what == "" {
			if _, err := client.Write(m); err != nil {
				return err
			}
		}
		if m[0] != 'Z' {
			continue
		}
		if what == "after" { // it is done, and nobody is told
			x.end(session)
			_, _ = io.Copy(client, server)
			return errEnded
		}
		return nil
	}
}

// end has PostgreSQL end a session, and waits for that.
func (x *interrupted) end(session uint32) {
	var ended bool
	if err := x.admin.QueryRow("SELECT pg_terminate_backend($1, 5000)", session).Scan(&ended); err != nil || !ended {
		x.t.Errorf("ending session %d: %v %v", session, ended, err)
	}
}

// opening reads the first message of a client, which has no type.
func opening(r io.Reader) ([]byte, error) { return sized(r, make([]byte, 4), 0) }

// message reads one message.
func message(r io.Reader) ([]byte, error) { return sized(r, make([]byte, 5), 1) }

// sized reads a head that ends with the size of what follows, itself included, and that.
func sized(r io.Reader, head []byte, typed int) ([]byte, error) {
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[typed:])
	if size < 4 || size > 1<<20 {
		return nil, errors.New("this is no message of PostgreSQL")
	}
	m := append(head, make([]byte, size-4)...)
	_, err := io.ReadFull(r, m[len(head):])
	return m, err
}

// refusal is the answer of PostgreSQL that says by its SQLSTATE why a statement was not done, and that it waits for the next.
func refusal(sqlState string) []byte {
	fields := "SERROR\x00VERROR\x00C" + sqlState + "\x00Mthe drill says so\x00\x00"
	m := binary.BigEndian.AppendUint32([]byte{'E'}, uint32(4+len(fields)))
	m = append(m, fields...)
	return append(m, 'Z', 0, 0, 0, 5, 'I')
}
