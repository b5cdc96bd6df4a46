package oauthflow

import (
	"io"
	"net/http"

	scrubber "github.com/fullcast/sfauth/internal/scrub"
)

// requestError tells of a host that does not exist: trying again is no use then. An address that no request goes to, a
// connection without a verified certificate, and a dial function that panics are typed, too. Other errors of the network stay as they are, unless they quote
// what the request carries, as net/http may where an answer repeats it, or are no plain line of text.
func requestError(req *http.Request, v *view, err error) error {
	if own := ownFault(err); own != nil {
		return &Error{Op: opRequest, Host: bareHost(req), Kind: KindNotSent, Err: own}
	}
	if noSuchHost(err) {
		return &Error{Op: opRequest, Host: bareHost(req), Kind: KindNotSent, Err: ErrNoSuchHost}
	}
	if fault := dialFault(err); fault != nil {
		return &Error{Op: opRequest, Host: bareHost(req), Kind: KindNotSent, Err: fault}
	}
	return plainError(req, err, NewSecret(v.access()))
}

// plainError returns an error of the network as it is where it is a plain line of text that says nothing of what a request was
// sent with, nor of the other secrets.
func plainError(req *http.Request, err error, more ...Secret) error {
	sent := secretsSent([]*http.Request{req}, more...)
	if text := err.Error(); scrubber.New(sent...).Line(text, len(text)) == text {
		return err
	}
	return &Error{Op: opRequest, Host: bareHost(req), Kind: KindInDoubt, Err: plainCause(req.Context(), err, sent)}
}

// answerBody is the body of an answer. What breaks it off may be quoted, too: a line of a trailer, or why a connection ends.
type answerBody struct {
	io.ReadCloser
	req *http.Request // as it was sent
}

func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = plainError(b.req, err)
	}
	return n, err
}
