//! The origin side: pooled HTTP/1.1 connections over TCP or TLS, one request each at a time, and HTTP/2 for what streams.
//!
//! Invariant: a request is sent at most once. The exceptions are a kept connection that turns out to be closed before a
//! byte of the request was written, and a request that the origin says it has not looked at (HTTP/2 only); then it goes out
//! on another one. Whether to try again after anything else
//! is the pipeline's decision, which it makes from the [`OriginError`]. One [`OriginPool`] per worker.

mod admission;
mod body;
mod breaker;
mod connect;
mod error;
mod exchange;
mod http2;
mod identity;
mod network;
mod pool;
mod race;
mod reach;
mod resolver;
mod stream;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

pub use crate::tls::{AuthorityError, client_config};
pub use admission::OriginLimits;
pub use body::OriginBody;
pub use breaker::BreakerRules;
pub use error::{ConnectFailure, OriginError};
pub use http2::Http2Body;
pub use identity::ClientIdentity;
pub use network::{MonotonicClock, OriginNetwork, OriginSettings};
pub use pool::{OriginPlace, OriginPool};
pub use reach::Reach;
pub use resolver::AddressFamilies;
pub use rustls::ClientConfig;

/// Where an origin is; connections are kept per address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OriginAddress {
    /// HTTPS.
    pub tls: bool,
    /// Domain name or IP address: resolved, sent as SNI, and the name its certificate must have.
    pub host: Arc<str>,
    /// TCP port.
    pub port: u16,
    /// Connect here without resolving `host`.
    pub connect_to: Option<SocketAddr>,
    /// Which of its addresses are used.
    pub families: AddressFamilies,
    /// The certificate that is shown to it, where it asks for one.
    pub identity: Option<ClientIdentity>,
}

impl OriginAddress {
    /// HTTP in clear on port 80, at any address.
    pub fn new(host: Arc<str>) -> Self {
        Self { tls: false, host, port: 80, connect_to: None, families: AddressFamilies::default(), identity: None }
    }
}

/// The limits of one exchange with an origin, CloudFront's Origin settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OriginTimeouts {
    /// ConnectionAttempts: passes over the origin's addresses, at least 1.
    pub attempts: u8,
    /// ConnectionTimeout: longest time of one attempt, TLS handshake included.
    pub connect: Duration,
    /// ReadTimeout (origin response timeout): longest wait for the first byte and between packets.
    pub response: Duration,
    /// OriginKeepaliveTimeout: how long an idle connection is kept.
    pub keepalive: Duration,
    /// ResponseCompletionTimeout: when the response has to be complete.
    pub complete_by: Option<Instant>,
}

impl Default for OriginTimeouts {
    /// CloudFront's defaults: 3 attempts of 10 s, 30 s, 5 s.
    fn default() -> Self {
        Self {
            attempts: 3,
            connect: Duration::from_secs(10),
            response: Duration::from_secs(30),
            keepalive: Duration::from_secs(5),
            complete_by: None,
        }
    }
}
