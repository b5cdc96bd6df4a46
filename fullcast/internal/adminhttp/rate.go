package adminhttp

import (
	"sync"
	"time"
)

// Rate bounds how often each tenant may do something: so many times at once, and so many times an hour. Each process counts alone.
// What it remembers of a tenant ends with the hour, and it never remembers more than rateTenants.
type Rate struct {
	every time.Duration
	burst time.Duration

	mu   sync.Mutex
	full map[string]time.Time // by tenant, when its allowance will be whole again
}

const rateTenants = 1 << 16

// NewRate returns a Rate of so many times an hour.
func NewRate(perHour int) *Rate {
	every := time.Hour / time.Duration(perHour)
	return &Rate{every: every, burst: every * time.Duration(perHour), full: map[string]time.Time{}}
}

// Take counts one, and returns 0; or it counts none, and returns how long to wait for the next.
func (r *Rate) Take(tenant string, now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	full := r.full[tenant]
	if full.Before(now) {
		full = now
	}
	full = full.Add(r.every)
	if wait := full.Sub(now) - r.burst; wait > 0 {
		return wait
	}
	if _, known := r.full[tenant]; !known && len(r.full) >= rateTenants {
		r.forget(now)
	}
	r.full[tenant] = full
	return 0
}

// forget drops the tenants whose allowance is whole, or, where those are too few, some others: a tenant cannot make up others.
func (r *Rate) forget(now time.Time) {
	for tenant, full := range r.full {
		if !full.After(now) {
			delete(r.full, tenant)
		}
	}
	for tenant := range r.full {
		if len(r.full) < rateTenants/8*7 { // so that not every further one comes here
			return
		}
		delete(r.full, tenant)
	}
}
