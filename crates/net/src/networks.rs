//! Sets of IP networks. Pure.

use std::net::IpAddr;
use std::str::FromStr;

/// An address with the number of its leading bits that count: `192.0.2.0/24`, `2001:db8::/32`; an address alone is all bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// IPv4 as mapped into IPv6.
    first: u128,
    mask: u128,
}

/// A text that is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no network such as 192.0.2.0/24 or 2001:db8::/32")]
pub struct NotANetwork(String);

impl Network {
    /// Whether `address` is in it; an IPv4 address may be mapped into IPv6.
    pub fn contains(&self, address: IpAddr) -> bool {
        bits(address) & self.mask == self.first
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        parse(text).ok_or_else(|| NotANetwork(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<Network> {
    let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let address: IpAddr = address.parse().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let length = length.map_or(Some(width), |length| length.parse().ok())?;
    let ignored = u32::checked_sub(width, length)?;
    let mask = u128::MAX.checked_shl(ignored).unwrap_or(0);
    Some(Network { first: bits(address) & mask, mask })
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
    .to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_contains_what_begins_with_its_bits() {
        for (network, address, expected) in [
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.77/24", "192.0.2.1", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("192.0.2.0/24", "::ffff:192.0.2.9", true),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("0.0.0.0/0", "198.51.100.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::1", "::1", true),
            ("::/0", "2001:db8::1", true),
            ("::/0", "192.0.2.1", true),
        ] {
            let found = network.parse::<Network>().unwrap().contains(address.parse().unwrap());
            assert_eq!(found, expected, "{network} {address}");
        }
    }

    #[test]
    fn what_is_no_network_is_named() {
        for text in ["", "a", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/-1", "::/129", "192.0.2/24", "192.0.2.0/24/1"] {
            assert_eq!(text.parse::<Network>(), Err(NotANetwork(text.to_owned())), "{text}");
        }
    }
}
