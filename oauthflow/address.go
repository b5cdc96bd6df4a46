package oauthflow

import (
	"encoding/binary"
	"net"
	"net/netip"
)

// specialPurpose are the networks where no host of Salesforce's has a public address. IPv6 addresses outside of 2000::/3 are
// special as a whole, but for those of NAT64; see [reachable].
//
// Source: IANA IPv4 and IPv6 Special-Purpose Address Registries and Multicast Address Space Registries (RFC 6890, RFC 8190), what they
// list as not globally reachable or as deprecated; Microsoft Learn, "What is IP address 168.63.129.16?".
var specialPurpose = prefixes(
	"0.0.0.0/8",        // this network
	"10.0.0.0/8",       // private use
	"100.64.0.0/10",    // carrier-grade NAT
	"127.0.0.0/8",      // loopback
	"168.63.129.16/32", // the services of Azure's platform, inside every virtual network
	"169.254.0.0/16",   // link-local
	"172.16.0.0/12",    // private use
	"192.0.0.0/24",     // IETF protocol assignments
	"192.0.2.0/24",     // documentation
	"192.88.99.0/24",   // 6to4 relays
	"192.168.0.0/16",   // private use
	"198.18.0.0/15",    // benchmarks
	"198.51.100.0/24",  // documentation
	"203.0.113.0/24",   // documentation
	"224.0.0.0/4",      // multicast
	"240.0.0.0/4",      // reserved, and broadcast

	"2001::/23",     // IETF protocol assignments: Teredo, benchmarks, ORCHID, drone identifiers
	"2001:db8::/32", // documentation
	"2002::/16",     // 6to4
	"3fff::/20",     // documentation
)

// neverReached are networks that no setting allows: of the machine itself, of its link, and of nobody.
var neverReached = prefixes("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32", "::/128", "::1/128", "fe80::/10", "ff00::/8")

var (
	globalUnicast = netip.MustParsePrefix("2000::/3")
	nat64         = netip.MustParsePrefix("64:ff9b::/96")
	sixToFour     = netip.MustParsePrefix("2002::/16")
	nat64Local    = netip.MustParsePrefix("64:ff9b:1::/48")
)

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

// reachable reports whether requests may go to an address: one that the whole internet reaches, or of the networks that are allowed
// beside. One that carries an IPv4 address to which a gateway hands on is judged by that one: NAT64 as resolvers of networks
// without IPv4 make it, ISATAP and 6to4. Where only such a network is allowed, not the address inside, that is not the machine itself.
//
// Source: RFC 6052 §2.1, §2.2; RFC 8215; RFC 5214 §6.1; RFC 3056 §2; RFC 4291 §2.4.
func reachable(ip netip.Addr, allowed []netip.Prefix) bool {
	inner, gateway := handedOn(ip)
	if !gateway {
		return ip.IsValid() && !within(neverReached, ip) && (within(allowed, ip) || isPublic(ip))
	}
	listed, one := within(allowed, ip), false
	if !listed && !isPublic(ip) && !nat64.Contains(ip) && !nat64Local.Contains(ip) {
		return false // the gateway itself is inside
	}
	for _, a := range inner {
		switch {
		case len(inner) > 1 && notInUse(a):
		case within(neverReached, a) || !listed && !within(allowed, a) && !isPublic(a):
			return false
		default:
			one = true
		}
	}
	return one
}

// isPublic reports whether an address of no gateway is one that the whole internet reaches.
func isPublic(ip netip.Addr) bool {
	return !within(specialPurpose, ip) && (ip.Is4() || globalUnicast.Contains(ip))
}

// handedOn returns the IPv4 addresses that a gateway may read in an address; false where that is of no gateway. In the networks that
// are free for NAT64 of a network's own, nobody else knows how long its prefix is.
func handedOn(ip netip.Addr) ([]netip.Addr, bool) {
	if !ip.Is6() {
		return nil, false
	}
	b := ip.As16()
	at := func(w, x, y, z int) netip.Addr { return netip.AddrFrom4([4]byte{b[w], b[x], b[y], b[z]}) }
	last := at(12, 13, 14, 15)
	switch {
	case nat64.Contains(ip):
		return []netip.Addr{last}, true
	case nat64Local.Contains(ip): // prefixes of 48, 56, 64 and 96 bits; byte 8 is none of the address
		return []netip.Addr{at(6, 7, 9, 10), at(7, 9, 10, 11), at(9, 10, 11, 12), last}, true
	case sixToFour.Contains(ip):
		return []netip.Addr{at(2, 3, 4, 5)}, true
	case binary.BigEndian.Uint32(b[8:12])&^0x03000000 == 0x00005efe: // ISATAP, whatever its two flags say
		return []netip.Addr{last}, true
	}
	return nil, false
}

// notInUse reports whether an IPv4 address is none that anything has: bytes that are read in another way than they are meant.
func notInUse(ip netip.Addr) bool { return ip.As4()[0] == 0 || ip.As4()[0] >= 240 }

func within(networks []netip.Prefix, ip netip.Addr) bool {
	for _, p := range networks {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// networkProblem says why a network cannot be allowed; empty where it can.
func networkProblem(p netip.Prefix) string {
	switch {
	case !p.IsValid():
		return "is no network; netip.MustParsePrefix makes one, such as 10.0.0.0/8"
	case p.Addr().Is4In6():
		return "is a network of IPv4 written as IPv6; write it as IPv4"
	case p != p.Masked():
		return "is " + p.String() + ", which names a network by one of its addresses; write " + p.Masked().String()
	}
	for _, never := range neverReached {
		if p.Overlaps(never) && never.Addr() != broadcast {
			return "is " + p.String() + ", which holds addresses of " + never.String() + "; the machine itself, its link, and multicast are never reached"
		}
	}
	return ""
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// reach is which addresses requests may be sent to.
type reach struct{ private []netip.Prefix }

// check refuses addresses inside a network: a name that resolves there is either rebound or misconfigured, and a consumer secret
// must not follow it. Networks that are allowed count for hosts of Salesforce alone. Dialed is what was dialed, by name, and addr
// where that led.
func (r reach) check(dialed, addr string) error {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return &insideError{text: scrub(addr)}
	}
	private := r.private
	if !ofSalesforce(dialed) {
		private = nil
	}
	if ip := ap.Addr().Unmap().WithZone(""); !reachable(ip, private) {
		return &insideError{addr: ip}
	}
	return nil
}

// ofSalesforce reports whether an address that is dialed names a host that a request with a secret may go to.
func ofSalesforce(dialed string) bool {
	name, _, err := net.SplitHostPort(dialed)
	if err != nil {
		return false
	}
	name = bareName(name)
	_, login := loginRegion(name)
	_, api := apiCloud(name)
	return login || api
}
