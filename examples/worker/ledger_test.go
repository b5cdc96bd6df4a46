package main

import (
	"strings"
	"testing"
	"time"
)

func TestALedgerWithALossIsAnError(t *testing.T) {
	tests := []struct {
		name string
		ledger
		want string
	}{
		{"nothing", ledger{}, ""},
		{"caught by a kill", ledger{caught: 1}, ""},
		{"a refresh token used twice", ledger{twice: 1}, "1 refresh tokens used twice"},
		{"a connection lost", ledger{lost: 2}, "2 connections lost"},
		{"a request that failed", ledger{failed: []failure{{0, "HTTP 500"}}}, "HTTP 500"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.verdict(); (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestOnlyAKillAtTheTimeOfTheLastRefreshCutsItOff(t *testing.T) {
	last := time.Now()
	tests := []struct {
		name  string
		kills []time.Time
		want  bool
	}{
		{"no kill", nil, false},
		{"a kill just after it", []time.Time{last.Add(20 * time.Millisecond)}, true},
		{"a kill while the request was on its way", []time.Time{last.Add(-20 * time.Millisecond)}, true},
		{"kills at other times", []time.Time{last.Add(-time.Minute), last.Add(2 * time.Second)}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := cutOff(last, tt.kills); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestALossThatNoSoftwareCanPreventIsExplained(t *testing.T) {
	l := ledger{caught: 1, counts: counts{kills: []time.Time{time.Now()}}}
	if !strings.Contains(l.String(), "stopped\nin good order") {
		t.Errorf("got %s", l)
	}
	l.caught = 0
	if strings.Contains(l.String(), "no software") {
		t.Errorf("explained, but it did not happen: %s", l)
	}
}
