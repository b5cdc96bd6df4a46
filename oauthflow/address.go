package oauthflow

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
)

var errNotPublic = errors.New("not a public address")

// specialPurpose are the networks where no host of Salesforce's has a public address. IPv6 addresses outside of 2000::/3 are
// special as a whole, but for those of NAT64; see [isPublic].
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

var (
	globalUnicast = netip.MustParsePrefix("2000::/3")
	nat64         = netip.MustParsePrefix("64:ff9b::/96")
)

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

// isPublic reports whether an address is one that the whole internet reaches. One that carries an IPv4 address to which a gateway
// hands on is judged by that one, too: NAT64 as resolvers of networks without IPv4 make it, and ISATAP.
//
// Source: RFC 6052 §2.1; RFC 5214 §6.1; RFC 4291 §2.4.
func isPublic(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	for _, p := range specialPurpose {
		if p.Contains(ip) {
			return false
		}
	}
	if !ip.Is6() {
		return ip.IsValid()
	}
	b := ip.As16()
	inner := netip.AddrFrom4([4]byte(b[12:]))
	switch {
	case nat64.Contains(ip):
		return isPublic(inner)
	case binary.BigEndian.Uint32(b[8:12])&^0x03000000 == 0x00005efe: // ISATAP, whatever its two flags say
		return globalUnicast.Contains(ip) && isPublic(inner)
	}
	return globalUnicast.Contains(ip)
}

// publicAddress refuses addresses inside a network: a name that resolves there is either rebound or misconfigured, and
// a consumer secret must not follow it.
func publicAddress(addr string) error {
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return fmt.Errorf("address %q is no IP address and port, and so %w", addr, errNotPublic)
	}
	if !isPublic(ap.Addr()) {
		return fmt.Errorf("the host resolves to %s, which is %w", ap.Addr().Unmap().WithZone(""), errNotPublic)
	}
	return nil
}
