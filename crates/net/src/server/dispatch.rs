//! Which worker gets a connection: the one that has the fewest.
//!
//! Invariant: balance is exact whatever the kernel does, because everything that accepts goes through here. Used by
//! `acceptor` and `quic`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc::UnboundedSender;

use super::Shared;
use super::addresses::AddressLease;
use super::worker::{Arrival, Order};
use crate::limits::ViewerRefusal;

/// The way to the workers.
#[derive(Clone, Debug)]
pub(super) struct Dispatcher {
    shared: Arc<Shared>,
    workers: Arc<[UnboundedSender<Order>]>,
}

impl Dispatcher {
    pub(super) fn new(shared: Arc<Shared>, workers: Arc<[UnboundedSender<Order>]>) -> Self {
        Self { shared, workers }
    }

    /// A place for one more connection of a viewer; a refusal is counted.
    pub(super) fn admit(&self, viewer: SocketAddr) -> Option<AddressLease> {
        let Shared { limits, addresses, refusals, .. } = &*self.shared;
        if self.shared.connections() >= limits.max_connections {
            refusals.count(ViewerRefusal::Connections);
            return None;
        }
        let address = addresses.enter(viewer.ip(), limits.max_connections_per_address);
        if address.is_none() {
            refusals.count(ViewerRefusal::ConnectionsOfAddress);
        }
        address
    }

    pub(super) fn dispatch(&self, address: AddressLease, arrival: Arrival) {
        let loads = self.shared.loads.iter().zip(self.workers.iter());
        let Some((load, worker)) = loads.min_by_key(|(load, _)| load.connections.load(Ordering::Relaxed)) else {
            return;
        };
        load.connections.fetch_add(1, Ordering::Relaxed);
        if worker.send(Order::Serve { arrival, address }).is_err() {
            load.leave();
            return;
        }
        self.shared.counters.accepted.fetch_add(1, Ordering::Relaxed);
    }
}
