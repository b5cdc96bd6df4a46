package storetest_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/fullcast/sfauth/oauthflow/tokenstore"
	"github.com/fullcast/sfauth/oauthflow/tokenstore/storetest"
)

func TestTheMemoryStoreKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func() tokenstore.Store {
		s := tokenstore.NewMemory()
		return func() tokenstore.Store { return s }
	})
}

// strict refuses what is no record by the words of tokenstore.Record.
type strict struct {
	*tokenstore.Memory
	t *testing.T
}

func (s strict) Save(ctx context.Context, r tokenstore.Record) error {
	printable := func(c rune) bool { return c >= ' ' && c <= '~' }
	switch {
	case len(r.ID) < 1, len(r.ID) > 255, strings.ContainsFunc(r.ID, func(c rune) bool { return !printable(c) }):
		s.t.Errorf("Save of the id %q", r.ID)
	case r.Due.Year() < 1970, r.Due.Year() > 9999, r.Due.Location() != time.UTC, r.Due.Nanosecond()%1000 != 0:
		s.t.Errorf("Save of %q with the due time %v", r.ID, r.Due)
	case r.Data == nil, len(r.Data) > tokenstore.MaxRecordData:
		s.t.Errorf("Save of %q with %d bytes of data, nil: %v", r.ID, len(r.Data), r.Data == nil)
	}
	return s.Memory.Save(ctx, r)
}

func TestTheClausesSaveValidRecordsOnlyUnlessTheySayOtherwise(t *testing.T) {
	for _, c := range storetest.Clauses() {
		if strings.Contains(c.Name, "refused as invalid") {
			continue
		}
		s := strict{tokenstore.NewMemory(), t}
		if err := c.Check(t.Context(), func() tokenstore.Store { return s }); err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}
