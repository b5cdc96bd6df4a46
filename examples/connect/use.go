package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/go-resty/resty/v2"

	"github.com/fullcast/sfauth/examples/internal/outcome"
	"github.com/fullcast/sfauth/examples/internal/stored"
	"github.com/fullcast/sfauth/fullcast"
)

// identify asks Salesforce who the connection's user is: an API call, so that it shows whether the connection works.
func identify(ctx context.Context, conn *fullcast.Connection, stdout io.Writer) error {
	var who struct {
		Name     string `json:"name"`
		Username string `json:"preferred_username"`
	}
	resp, err := conn.Resty().R().SetContext(ctx).SetResult(&who).Get("/services/oauth2/userinfo")
	if err := refused(resp, err); err != nil {
		return err
	}
	now, err := conn.Status(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "user       %s (%s), %s\n", who.Username, who.Name, now.UserID)
	fmt.Fprintf(stdout, "org        %s at %s\n", now.OrgID, now.InstanceURL)
	fmt.Fprintf(stdout, "app        %s with key %s, login at %s\n", now.Kind, abridged(now.ConsumerKey), now.Host)
	fmt.Fprintf(stdout, "connected  %s; tokens of %s; %s\n", now.ConnectedAt.Format("2006-01-02 15:04"), now.RefreshedAt.Format("2006-01-02 15:04"), now.Status)
	return nil
}

// records prints the records of a query as they come, one a line.
func records(ctx context.Context, conn *fullcast.Connection, soql string, stdout io.Writer) error {
	call := conn.Resty().R().SetQueryParam("q", soql)
	for next := "/services/data/v66.0/query"; next != ""; call = conn.Resty().R() {
		var page struct {
			Records        []json.RawMessage
			NextRecordsURL string `json:"nextRecordsUrl"`
		}
		resp, err := call.SetContext(ctx).SetResult(&page).Get(next)
		if err := refused(resp, err); err != nil {
			return err
		}
		for _, r := range page.Records {
			fmt.Fprintf(stdout, "%s\n", r)
		}
		next = page.NextRecordsURL
	}
	return nil
}

// examine holds the app in the org against the instructions.
func examine(ctx context.Context, conn *fullcast.Connection, stdout io.Writer) error {
	report, err := conn.Check(ctx)
	if err != nil {
		return err
	}
	fmt.Fprint(stdout, report)
	if n := len(report.Findings); n > 0 {
		return fmt.Errorf("the app is not as the instructions say: %d findings", n)
	}
	return nil
}

func goodbye(ctx context.Context, sf *stored.Opened, stdout io.Writer) error {
	if _, err := sf.Connection(ctx); errors.Is(err, stored.ErrNotConnected) {
		fmt.Fprintf(stdout, "No org is connected in %s; there is nothing to do.\n", sf.Dir)
		return nil
	}
	if err := sf.Disconnect(ctx, stored.Key); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "Disconnected: Salesforce has revoked the tokens, %s has forgotten them.\n", sf.Dir)
	return nil
}

// refused makes an error of an answer that is one. A query that the org does not understand is the caller's.
func refused(resp *resty.Response, err error) error {
	if err != nil || resp.IsSuccess() {
		return err
	}
	var said []struct{ Message, ErrorCode string }
	if json.Unmarshal(resp.Body(), &said) != nil || len(said) == 0 {
		return fmt.Errorf("the org answered HTTP %d", resp.StatusCode())
	}
	if resp.StatusCode() == http.StatusBadRequest {
		return outcome.Input("the org does not understand the query: %s (%s)", said[0].Message, said[0].ErrorCode)
	}
	return fmt.Errorf("the org answered HTTP %d: %s (%s)", resp.StatusCode(), said[0].Message, said[0].ErrorCode)
}

// abridged shows enough of a consumer key to tell it from another.
func abridged(key string) string {
	if len(key) <= 12 {
		return key
	}
	return key[:6] + "…" + key[len(key)-4:]
}
