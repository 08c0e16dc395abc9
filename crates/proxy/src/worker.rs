//! What belongs to one worker thread: its origin connections and its log records.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use edgeward_net::origin::OriginPool;
use tokio::sync::Semaphore;

use crate::access_log::{self, LogBuffer};
use crate::engine::Engine;
use crate::exchange::Exchange;
use crate::viewer_facts::KnownDevices;

/// One worker thread's part of the edge.
pub(crate) struct Worker {
    pub(crate) engine: Arc<Engine>,
    pub(crate) origins: OriginPool,
    pub(crate) log: Arc<LogBuffer>,
    /// One permit for each response that is being compressed.
    pub(crate) compressions: Arc<Semaphore>,
    /// By User-Agent.
    pub(crate) devices: KnownDevices,
}

/// Responses that one worker compresses at a time; what comes beyond them is stored as it is. Each takes a few MB.
pub(crate) const COMPRESSIONS: usize = 32;

impl Worker {
    /// Counts and records an exchange that has ended.
    pub(crate) fn log_exchange(&self, exchange: &Exchange) {
        self.engine.requests.fetch_add(1, Ordering::Relaxed);
        let now = self.engine.clock.now();
        let distribution = exchange.route.as_ref().map(|route| &route.distribution.id);
        self.log.append(distribution, now, |prepared, line| access_log::write(exchange, now, prepared, line));
    }
}
