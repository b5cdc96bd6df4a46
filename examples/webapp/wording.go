package main

import (
	"errors"
	"strings"

	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/oauthflow"
)

// failure puts an error into words for an admin: what happened, and what to do. No error of the SDK holds a secret.
func (a *app) failure(title string, err error) note {
	n := note{Title: title, Text: explain(err), Admin: a.sf.ForAdmin(err)}
	var e *fullcast.Error
	if errors.As(err, &e) && e.Actor() != fullcast.ActorOperator && e.Actor() != fullcast.ActorProgrammer { // who are not the reader
		n.To = e.Remedy.String()
	}
	return n
}

func explain(err error) string {
	var cause *oauthflow.Error
	if errors.As(err, &cause) {
		if cause.Kind == oauthflow.KindInvalid && cause.Err != nil {
			return sentenceOf(cause.Err.Error()) // names the field
		}
		return sentenceOf(cause.Sentence())
	}
	var e *fullcast.Error
	if errors.As(err, &e) {
		err = e.Err
	}
	return sentenceOf(err.Error())
}

// sentenceOf begins a text with a capital letter and ends it with a full stop.
func sentenceOf(s string) string {
	s = strings.ToUpper(s[:1]) + s[1:]
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}

func isNotConnected(err error) bool {
	var e *oauthflow.Error
	return errors.As(err, &e) && e.Kind == oauthflow.KindNotConnected
}
