package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/fullcast/sfauth/examples/internal/outcome"
	"github.com/fullcast/sfauth/examples/internal/stored"
	"github.com/fullcast/sfauth/fullcast"
	"github.com/fullcast/sfauth/internal/scrub"
	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/policy"
)

// identify asks Salesforce who the connection's user is: an API call, so that it shows whether the connection works.
func identify(ctx context.Context, conn *fullcast.Connection, stdout io.Writer) error {
	var who struct {
		Name     string `json:"name"`
		Username string `json:"preferred_username"`
	}
	if _, err := conn.Resty().R().SetContext(ctx).SetResult(&who).Get("/services/oauth2/userinfo"); err != nil {
		return err // a refusal, too; see [fullcast.Connection.Resty]
	}
	now, err := conn.Status(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "user       %s (%s), %s\n", scrub.Printable(who.Username), scrub.Printable(who.Name), now.UserID)
	fmt.Fprintf(stdout, "org        %s at %s\n", now.OrgID, now.InstanceURL)
	fmt.Fprintf(stdout, "app        %s with key %s, login at %s\n", now.Kind, abridged(now.ConsumerKey), now.Host)
	fmt.Fprintf(stdout, "connected  %s; tokens of %s; %s\n", now.ConnectedAt.Format("2006-01-02 15:04"), now.RefreshedAt.Format("2006-01-02 15:04"), now.Status)
	return nil
}

// records prints the records of a query as they come, one a line.
func records(ctx context.Context, conn *fullcast.Connection, soql string, stdout io.Writer) error {
	call := conn.Resty().R().SetQueryParam("q", soql)
	for next := "/services/data/v" + fullcast.APIVersion.String() + "/query"; next != ""; call = conn.Resty().R() {
		var page struct {
			Records        []json.RawMessage
			NextRecordsURL string `json:"nextRecordsUrl"`
		}
		if _, err := call.SetContext(ctx).SetResult(&page).Get(next); err != nil {
			return misunderstood(err)
		}
		for _, r := range page.Records {
			fmt.Fprintf(stdout, "%s\n", scrub.JSON(r))
		}
		next = page.NextRecordsURL
	}
	return nil
}

// examine compares the app in the org with the instructions.
func examine(ctx context.Context, conn *fullcast.Connection, stdout io.Writer) error {
	report, err := conn.Check(ctx)
	if err != nil {
		return err
	}
	fmt.Fprint(stdout, report)
	if len(report.Findings)+len(report.Passed) == 0 && len(report.NotVisible) > 0 {
		return errors.New("nothing of the app could be seen; the report says why")
	}
	if worst := report.Worst(); worst != "" && worst != policy.SeverityNote {
		return fmt.Errorf("the app is not as the instructions say: %d findings", len(report.Findings))
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

// misunderstood tells a query that the org does not understand, which is the caller's, from every other error. That of a call
// over resty is a *fullcast.Error with a remedy, around an *oauthflow.Error with Salesforce's words.
func misunderstood(err error) error {
	var said *oauthflow.Error
	if errors.As(err, &said) && said.Status == http.StatusBadRequest && said.Code != "" {
		return outcome.Input("the org does not understand the query: %s (%s)", said.Description, said.Code)
	}
	return err
}

// abridged shows enough of a consumer key to tell it from another.
func abridged(key string) string {
	if len(key) <= 12 {
		return key
	}
	return key[:6] + "…" + key[len(key)-4:]
}
