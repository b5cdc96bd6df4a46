package fullcast_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"net/http"
	"testing"

	"github.com/go-resty/resty/v2"
)

// What an org answers may be far larger than what it sends. The SDK's own reads have limits; that of Resty is the service's.
func TestAServiceBoundsWhatRestyTakesInOfAnAnswerHoweverSmallItIsSent(t *testing.T) {
	var sent bytes.Buffer
	z := gzip.NewWriter(&sent)
	if _, err := z.Write(make([]byte, 4<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, status := range []int{200, 400} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			_, conn := refusingWorld(t, status, sent.String(), "Content-Encoding", "gzip")
			all, err := conn.Resty().R().Get(limits)
			if (err != nil) != (status >= 400) || all == nil || len(all.Body()) != 4<<20 {
				t.Fatalf("without a limit: %v", err)
			}
			resp, err := conn.Resty().SetResponseBodyLimit(1 << 20).R().Get(limits)
			if !errors.Is(err, resty.ErrResponseBodyTooLarge) || resp != nil && len(resp.Body()) > 1<<20 {
				t.Errorf("with a limit of 1 MiB: %v", err)
			}
		})
	}
}
