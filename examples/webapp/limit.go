package main

import (
	"hash/maphash"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// limit bounds how often each client may try to sign in: ten times at once, then once every six seconds. Its memory is
// constant: clients that share a bucket by chance share its limit. Each process counts alone; a service uses what it has.
type limit struct {
	seed  maphash.Seed
	proxy bool // the site speaks https, which a proxy ends: it appends the client's address to X-Forwarded-For

	mu   sync.Mutex
	next [1024]time.Time // of each bucket, when its tries so far would have been made at the steady rate
}

const (
	tries    = 10
	interval = 6 * time.Second
)

func (l *limit) bucket(r *http.Request) *time.Time {
	from := r.RemoteAddr
	if address, err := netip.ParseAddrPort(from); err == nil {
		from = address.Addr().Unmap().String()
	}
	if said := r.Header.Values("X-Forwarded-For"); l.proxy && len(said) > 0 {
		last := said[len(said)-1] // what the proxy has appended; what stands before it the client may have made up
		from = strings.Trim(last[strings.LastIndex(last, ",")+1:], ` "`)
		if address, err := netip.ParseAddrPort(from); err == nil { // some proxies append the port, which a client may choose
			from = address.Addr().String()
		}
	}
	if a, err := netip.ParseAddr(from); err == nil && a.Unmap().Is6() {
		network, _ := a.WithZone("").Prefix(64) // which one customer of a provider has whole
		from = network.String()
	}
	return &l.next[maphash.String(l.seed, from)%uint64(len(l.next))]
}

// take counts a try, before it is judged, and returns 0; or it returns how long to wait for the next.
func (l *limit) take(r *http.Request) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, now := l.bucket(r), time.Now()
	if b.Before(now) {
		*b = now
	}
	if wait := b.Sub(now) - (tries-1)*interval; wait > 0 {
		return wait
	}
	*b = b.Add(interval)
	return 0
}

// giveBack makes a try that was right not count.
func (l *limit) giveBack(r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(r)
	*b = b.Add(-interval)
}
