//! Which addresses an edge connects to for the sake of an origin's name.
//!
//! Whoever may write a distribution chooses its origins' names, and whoever owns a name chooses its addresses: without
//! this, either could have the edge ask what only the edge's own network reaches (server-side request forgery).
//! Invariant: asked of every address right before it is connected to, so that a name that changes between two look-ups
//! (DNS rebinding) gains nothing. Pure; called by `connect`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::networks::Network;

/// The public Internet, and the networks beside it that the operator allows.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    allowed: Vec<Network>,
}

impl Reach {
    /// The public Internet and `allowed`.
    pub fn new(allowed: Vec<Network>) -> Self {
        Self { allowed }
    }

    /// Whether an origin may be there.
    pub fn contains(&self, address: IpAddr) -> bool {
        is_public(address) || self.allowed.iter().any(|network| network.contains(address))
    }
}

fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_ipv4(address),
        IpAddr::V6(address) => is_public_ipv6(address),
    }
}

/// What IANA's registry of special-purpose addresses does not call globally reachable is not public, and neither are
/// multicast, the reserved rest and 6to4's relays.
fn is_public_ipv4(address: Ipv4Addr) -> bool {
    let is_special = match address.octets() {
        // This network (RFC 791), private use (RFC 1918), loopback (RFC 1122).
        [0 | 10 | 127, ..] => true,
        // Shared by carriers (RFC 6598).
        [100, second, ..] => second & 0xc0 == 64,
        // Link-local (RFC 3927): clouds tell machines their credentials at 169.254.169.254.
        [169, 254, ..] => true,
        [172, second, ..] => second & 0xf0 == 16,
        // Protocol assignments (RFC 6890), documentation (RFC 5737), 6to4 relays (RFC 7526), private use.
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [192, 168, ..] => true,
        // Benchmarks (RFC 2544), documentation.
        [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => true,
        // Multicast, reserved, broadcast.
        [first, ..] => first >= 224,
    };
    !is_special
}

/// Global unicast (RFC 4291) without the parts of it that are for something else, and what NAT64 leads to.
fn is_public_ipv6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_public_ipv4(ipv4_of(high, low)),
        // 6to4 (RFC 3056) leads to the IPv4 address within.
        [0x2002, high, low, ..] => is_public_ipv4(ipv4_of(high, low)),
        // Protocol assignments, Teredo and ORCHID among them (RFC 2928); documentation (RFC 3849, RFC 9637).
        [0x2001, second, ..] => second >= 0x200 && second != 0xdb8,
        [0x3fff, second, ..] => second >= 0x1000,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

fn ipv4_of(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_reached_unless_more_is_allowed() {
        for (address, expected) in [
            ("8.8.8.8", true),
            ("1.1.1.1", true),
            ("100.63.255.255", true),
            ("100.128.0.0", true),
            ("172.15.255.255", true),
            ("172.32.0.0", true),
            ("192.0.1.1", true),
            ("198.17.0.1", true),
            ("223.255.255.255", true),
            ("2606:4700:4700::1111", true),
            ("2001:4860:4860::8888", true),
            ("64:ff9b::808:808", true),
            ("2002:808:808::1", true),
            ("::ffff:8.8.8.8", true),
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("10.0.0.1", false),
            ("100.64.0.1", false),
            ("100.127.255.255", false),
            ("127.0.0.1", false),
            ("127.255.255.254", false),
            ("169.254.169.254", false),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("192.0.0.1", false),
            ("192.0.2.1", false),
            ("192.88.99.1", false),
            ("192.168.1.1", false),
            ("198.18.0.1", false),
            ("198.19.255.255", false),
            ("198.51.100.1", false),
            ("203.0.113.1", false),
            ("224.0.0.1", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("::", false),
            ("::1", false),
            ("::127.0.0.1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:169.254.169.254", false),
            ("64:ff9b::a00:1", false),
            ("64:ff9b:1::1", false),
            ("100::1", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("2002:7f00:1::1", false),
            ("3fff::1", false),
            ("5f00::1", false),
            ("fc00::1", false),
            ("fd00:ec2::254", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
        ] {
            assert_eq!(Reach::default().contains(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn an_allowed_network_is_reached_and_no_other() {
        let reach = Reach::new(vec!["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        for (address, expected) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("10.2.0.1", false),
            ("fd00::1", true),
            ("fe80::1", false),
            ("8.8.8.8", true),
        ] {
            assert_eq!(reach.contains(address.parse().unwrap()), expected, "{address}");
        }
    }
}
