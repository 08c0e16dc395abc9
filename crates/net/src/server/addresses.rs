//! How many connections each viewer address has open.
//!
//! Invariant: an address is listed exactly while it has connections, so the table is as large as what is open. Asked by
//! the acceptor; a connection's lease takes it out again, however the connection ends.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use ahash::AHashMap;
use parking_lot::Mutex;

/// Open connections by address.
#[derive(Debug, Default)]
pub(super) struct Addresses(Mutex<AHashMap<IpAddr, usize>>);

/// One connection of an address; gives its place back when dropped.
#[derive(Debug)]
pub(super) struct AddressLease {
    addresses: Arc<Addresses>,
    address: IpAddr,
}

impl Addresses {
    /// A place for one more connection from `viewer`, unless `most` are open.
    pub(super) fn enter(self: &Arc<Self>, viewer: IpAddr, most: usize) -> Option<AddressLease> {
        let address = holder(viewer);
        let mut open = self.0.lock();
        let count = open.get(&address).copied().unwrap_or(0);
        if count >= most {
            return None;
        }
        open.insert(address, count + 1);
        Some(AddressLease { addresses: Arc::clone(self), address })
    }
}

impl Drop for AddressLease {
    fn drop(&mut self) {
        let mut open = self.addresses.0.lock();
        match open.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.remove(&self.address)),
        }
    }
}

/// Whoever has one IPv6 address has its network of 64 bits (RFC 6177).
pub(super) fn holder(viewer: IpAddr) -> IpAddr {
    match viewer.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_when_connections_end() {
        let addresses = Arc::new(Addresses::default());
        let viewer = "192.0.2.7".parse().unwrap();
        let first = addresses.enter(viewer, 2).unwrap();
        let second = addresses.enter(viewer, 2);
        assert!(second.is_some() && addresses.enter(viewer, 2).is_none());
        assert!(addresses.enter("192.0.2.8".parse().unwrap(), 2).is_some());
        drop(first);
        assert!(addresses.enter(viewer, 2).is_some());
        drop(second);
        assert!(addresses.0.lock().is_empty());
    }

    #[test]
    fn a_network_of_64_bits_counts_as_one_and_a_mapped_address_as_its_own() {
        for (one, other, is_same) in [
            ("2001:db8::1", "2001:db8::2:3", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
            ("::ffff:192.0.2.7", "192.0.2.7", true),
            ("::ffff:192.0.2.7", "::ffff:192.0.2.8", false),
        ] {
            assert_eq!(holder(one.parse().unwrap()) == holder(other.parse().unwrap()), is_same, "{one} {other}");
        }
    }
}
