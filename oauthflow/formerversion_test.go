package oauthflow_test

import (
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow"
	"github.com/fullcast/sfauth/oauthflow/tokenstore"
)

const userRecord = "subject/of-an-org-user-and-app"

// Earlier versions marked a connection with "Unsettled", and kept one record for each org, user and app.
func TestRecordsOfEarlierVersionsAreReadAndHinderNobody(t *testing.T) {
	for name, row := range map[string]struct {
		unsettled bool
		stays     bool
	}{
		"settled":                           {false, false},
		"which a process may take back yet": {true, true}, // the earlier version, which may run beside, reads it
	} {
		t.Run(name, func(t *testing.T) {
			w := rotating(t)
			v := w.unlocked()
			w.connect(w.manager(), mainKey)
			v.change(w.store, mainRecord, func(fields map[string]any) { fields["Unsettled"] = row.unsettled })
			v.write(w.store, tokenstore.Record{ID: userRecord, Due: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)},
				map[string]any{"Format": 1, "Key": mainKey, "Epoch": "of-a-login"})
			m := w.manager()
			if c, err := m.Load(t.Context(), mainKey); err != nil || c.Status != oauthflow.StatusActive {
				t.Fatalf("it is %q, %v", c.Status, err)
			}
			if err := m.Renew(t.Context(), mainKey); err != nil {
				t.Errorf("a refresh: %v", err)
			}
			if _, there := v.read(w.record(mainKey))["Unsettled"]; there != row.stays {
				t.Errorf("that the field is there after a save is %v, want %v", there, row.stays)
			}
			if _, err := m.Complete(t.Context(), w.begin(m, secondKey)); err != nil {
				t.Errorf("a login of the same user under another key: %v", err)
			}
			if err := m.Reseal(t.Context(), nil); err != nil {
				t.Errorf("Reseal: %v", err)
			}
			if left := w.records("subject/"); len(left) != 0 {
				t.Errorf("after Reseal the records %v are left, which nothing reads", left)
			}
		})
	}
}

// Earlier versions could leave access tokens out of the store.
func TestARecordWithoutAccessTokenIsRefreshedOnceForAllProcesses(t *testing.T) {
	w := rotating(t)
	v := w.unlocked()
	w.connect(w.manager(), mainKey)
	v.change(w.store, mainRecord, func(fields map[string]any) { fields["Access"] = "" })
	for range 3 {
		if !w.alive(w.token(w.manager().Source(mainKey))) {
			t.Error("the token is dead")
		}
	}
	if n := w.wire.refreshes(); n != 1 {
		t.Errorf("%d refreshes, want one", n)
	}
	if err := w.manager().Disconnect(t.Context(), mainKey); err != nil || len(w.liveApprovals()) != 0 {
		t.Errorf("disconnected: %v, alive are %v", err, w.liveApprovals())
	}
}

// Earlier versions checked the id_token of a refresh, and suspended the connection for one that was not to be trusted.
func TestAConnectionThatWasSuspendedForAnIDTokenHeals(t *testing.T) {
	w := rotating(t)
	v := w.unlocked()
	w.connect(w.manager(), mainKey)
	v.change(w.store, mainRecord, func(fields map[string]any) {
		fields["Access"], fields["Failures"] = "", 1
		fields["Fault"] = map[string]any{"Op": "id_token", "Kind": "id_token", "At": time.Now()}
	})
	m := w.manager()
	if c, err := m.Load(t.Context(), mainKey); err != nil || c.Status != oauthflow.StatusSuspended {
		t.Fatalf("it is %q, %v", c.Status, err)
	}
	if !w.alive(w.token(m.Source(mainKey))) {
		t.Error("the token is dead")
	}
	if c, err := m.Load(t.Context(), mainKey); err != nil || c.Status != oauthflow.StatusActive {
		t.Errorf("after a refresh it is %q, %v", c.Status, err)
	}
}
