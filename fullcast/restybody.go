package fullcast

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"

	"github.com/go-resty/resty/v2"
)

// refusalBody is the body of a refusal that resty reads. Resty asks nobody what to make of a read that fails, so the error of the
// read holds the refusal.
type refusalBody struct {
	io.Closer
	from  io.Reader
	call  *restyCall
	resp  *http.Response
	limit int // in bytes; 0 for none
	read  int
}

// carry makes the errors of reading a refusal's body hold the refusal. Where resty would undo gzip, that is done below it.
func (call *restyCall) carry(resp *http.Response) {
	b := &refusalBody{Closer: resp.Body, from: resp.Body, call: call, resp: resp, limit: bodyLimit(call.request)}
	if strings.EqualFold(resp.Header.Get("Content-Encoding"), "gzip") && resp.ContentLength != 0 {
		b.from = &unzipped{packed: resp.Body}
		resp.Header = resp.Header.Clone() // a mock may give one to many
		resp.Header.Del("Content-Encoding")
		resp.Header.Del("Content-Length")
		resp.ContentLength, resp.Uncompressed = -1, true
	}
	resp.Body = b
}

func (b *refusalBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.limit > 0 && n > b.limit-b.read {
		n, err = b.limit-b.read, resty.ErrResponseBodyTooLarge
	}
	b.read += n
	b.call.body = append(b.call.body, p[:min(n, maxRefusal-len(b.call.body))]...)
	if err != nil && err != io.EOF {
		b.call.resp = b.resp
		err = fmt.Errorf("%w (the body was not read whole: %w)", b.call.refused, err)
	}
	return n, err
}

// bodyLimit reads the limit of a request, which has a setter and no getter; 0 where there is none.
func bodyLimit(r *resty.Request) int {
	f := reflect.ValueOf(r).Elem().FieldByName("responseBodyLimit")
	if !f.IsValid() || !f.CanInt() {
		return 0
	}
	return max(0, int(f.Int()))
}

// unzipped undoes gzip from the first read on. A body without a byte is empty.
type unzipped struct {
	packed io.Reader
	plain  *gzip.Reader
}

func (u *unzipped) Read(p []byte) (int, error) {
	if u.plain == nil {
		plain, err := gzip.NewReader(u.packed)
		if err != nil {
			return 0, err
		}
		u.plain = plain
	}
	return u.plain.Read(p)
}
