//! Which worker gets a connection: the one that has the fewest.
//!
//! Invariant: balance is exact whatever the kernel does, because everything that accepts goes through here. Used by
//! `acceptor` and `quic`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc::UnboundedSender;

use super::Shared;
use super::worker::Order;

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

    /// Whether one more connection may be open; a refusal is counted.
    pub(super) fn admits(&self) -> bool {
        let is_full = self.shared.connections() >= self.shared.limits.max_connections;
        if is_full {
            self.shared.counters.refused.fetch_add(1, Ordering::Relaxed);
        }
        !is_full
    }

    pub(super) fn dispatch(&self, order: Order) {
        let loads = self.shared.loads.iter().zip(self.workers.iter());
        let Some((load, worker)) = loads.min_by_key(|(load, _)| load.connections.load(Ordering::Relaxed)) else {
            return;
        };
        load.connections.fetch_add(1, Ordering::Relaxed);
        if worker.send(order).is_err() {
            load.leave();
            return;
        }
        self.shared.counters.accepted.fetch_add(1, Ordering::Relaxed);
    }
}
