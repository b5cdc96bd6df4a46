package adminhttp_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/fullcast/sfauth/fullcast/internal/adminhttp"
)

func TestARateIsSoManyAtOnceAndSoManyAnHour(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	r := adminhttp.NewRate(3)
	for i := range 3 {
		if wait := r.Take("acme", now); wait != 0 {
			t.Fatalf("number %d waits %s", i, wait)
		}
	}
	for range 2 { // what is refused is not counted
		if wait := r.Take("acme", now); wait != 20*time.Minute {
			t.Errorf("waits %s", wait)
		}
	}
	if wait := r.Take("globex", now); wait != 0 {
		t.Errorf("another tenant waits %s", wait)
	}
	now = now.Add(20 * time.Minute)
	if first, second := r.Take("acme", now), r.Take("acme", now); first != 0 || second != 20*time.Minute {
		t.Errorf("after 20 minutes: %s, then %s", first, second)
	}
	if wait := r.Take("acme", now.Add(-time.Hour)); wait <= 0 {
		t.Error("a clock that is set back gives more")
	}
}

func TestARateRemembersABoundedNumberOfTenants(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	r := adminhttp.NewRate(1)
	for i := range 200_000 {
		if wait := r.Take(strconv.Itoa(i), now); wait != 0 {
			t.Fatalf("tenant %d waits %s", i, wait)
		}
	}
	if n := adminhttp.Remembered(r); n > 1<<16 || n < 1<<15 {
		t.Errorf("%d tenants are remembered", n)
	}
	later := now.Add(2 * time.Hour)
	for i := range 20_000 {
		r.Take("later "+strconv.Itoa(i), later)
	}
	if n := adminhttp.Remembered(r); n > 1<<16 {
		t.Errorf("%d tenants are remembered", n)
	}
}
