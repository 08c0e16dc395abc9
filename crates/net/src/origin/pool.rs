//! The idle connections to origins over HTTP/1.1.
//!
//! Invariant: a connection is either in this pool or owned by exactly one exchange; it comes back only after a complete
//! response. At most [`MAX_IDLE`] per origin address are kept, the most recently used is taken first, and none outlives
//! its keep-alive timeout by more than a second. One pool per worker; the pipeline calls [`OriginPool::send`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use ahash::AHashMap;
use bytes::Bytes;
use http::{Request, Response, header};
use http_body::Body;
use parking_lot::Mutex;
use rustls::ClientConfig;
use tokio::time::{Instant, sleep, timeout_at};

use super::admission::Place;
use super::connect::{Connector, OriginConnection};
use super::exchange::{self, Failure, RequestBody};
use super::http2::{Http2Body, Http2Pool};
use super::{OriginAddress, OriginBody, OriginError, OriginNetwork, OriginTimeouts};

/// Connections to origins, shared by its clones.
#[derive(Clone, Debug)]
pub struct OriginPool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    network: OriginNetwork,
    connector: Connector,
    idle: Arc<IdleConnections>,
    http2: Http2Pool,
}

#[derive(Debug, Default)]
struct IdleConnections {
    by_address: Mutex<AHashMap<OriginAddress, Vec<Idle>>>,
    is_reaped: AtomicBool,
}

#[derive(Debug)]
struct Idle {
    connection: OriginConnection,
    expires: Instant,
}

/// Brings a connection back to its pool, or closes it when dropped.
#[derive(Debug)]
pub(super) struct Lease {
    connection: OriginConnection,
    address: OriginAddress,
    keepalive: Duration,
    idle: Weak<IdleConnections>,
    place: Arc<Place>,
}

/// The place of a connection that switched protocols among those its origin may have; in the extensions of the response.
#[derive(Clone, Debug)]
pub struct OriginPlace(#[expect(dead_code, reason = "held, not read")] Arc<Place>);

impl OriginPool {
    /// An empty pool, to be used in one runtime. `tls` from [`super::client_config`].
    pub fn new(network: &OriginNetwork, tls: Arc<ClientConfig>) -> Self {
        let http2 = Http2Pool::new(network.clone(), &tls);
        let connector = Connector::new(network.clone(), tls);
        Self(Arc::new(Shared { network: network.clone(), connector, idle: Arc::default(), http2 }))
    }

    /// Sends a request over HTTP/2, its content and that of the response at the same time, trailers included, and returns
    /// the final response head. Target and fields as [`Self::send`] takes them; TLS by ALPN, in clear with prior knowledge
    /// (RFC 9113 section 3). Dropping the response, or the future, tells the origin to stop (CANCEL).
    ///
    /// # Errors
    /// See [`OriginError`]. Errors of the content come out of the [`Http2Body`].
    pub async fn stream<B>(
        &self,
        address: &OriginAddress,
        timeouts: &OriginTimeouts,
        request: Request<B>,
    ) -> Result<Response<Http2Body>, OriginError>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
    {
        within(timeouts, async {
            let place = self.0.network.0.admission.entrance(address).enter().await?;
            let response = self.0.http2.send(address, timeouts, request).await?;
            Ok(response.map(|content| content.holding(place)))
        })
        .await
    }

    /// Sends a request with an origin-form target and its `Host` field, and returns the final response head; 1xx
    /// responses are passed over, but for 101 where the request has `Upgrade`: then `hyper::upgrade::OnUpgrade` is among
    /// the extensions of the response. The version of the request is ignored, HTTP/1.1 is spoken.
    ///
    /// # Errors
    /// See [`OriginError`]. Errors of the content come out of the [`OriginBody`].
    pub async fn send<B>(
        &self,
        address: &OriginAddress,
        timeouts: &OriginTimeouts,
        request: Request<B>,
    ) -> Result<Response<OriginBody>, OriginError>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
    {
        within(timeouts, self.send_prepared(address, timeouts, exchange::prepare(request))).await
    }

    async fn send_prepared(
        &self,
        address: &OriginAddress,
        timeouts: &OriginTimeouts,
        mut request: Request<RequestBody>,
    ) -> Result<Response<OriginBody>, OriginError> {
        let place = Arc::new(self.0.network.0.admission.entrance(address).enter().await?);
        let lease = |connection| self.lease(connection, address, timeouts, &place);
        // One that switches protocols does not come back; a new one is sure to be there.
        let asks_to_switch = request.headers().contains_key(header::UPGRADE);
        while !asks_to_switch && let Some(connection) = self.0.idle.take(address) {
            match exchange::exchange(lease(connection), timeouts, request).await {
                Err(Failure::Unsent(unsent)) => request = *unsent,
                Err(Failure::Final(error)) => return Err(error),
                Ok(response) => return Ok(response),
            }
        }
        let connection = self.0.connector.connect(address, timeouts).await?.speak_http1().await?;
        exchange::exchange(lease(connection), timeouts, request).await.map_err(|failure| match failure {
            Failure::Unsent(_) => OriginError::ZeroSize { reused: false },
            Failure::Final(error) => error,
        })
    }

    fn lease(
        &self,
        connection: OriginConnection,
        address: &OriginAddress,
        timeouts: &OriginTimeouts,
        place: &Arc<Place>,
    ) -> Lease {
        Lease {
            connection,
            address: address.clone(),
            keepalive: timeouts.keepalive,
            idle: Arc::downgrade(&self.0.idle),
            place: Arc::clone(place),
        }
    }

    /// Connections that speak HTTP/2, over all origins.
    pub fn http2_connections(&self) -> usize {
        self.0.http2.connections()
    }

    /// Idle connections over all origins.
    pub fn idle_connections(&self) -> usize {
        self.0.idle.by_address.lock().values().map(Vec::len).sum()
    }
}

/// Bounds what leads to the head of a response by the time that the whole response has.
async fn within<T>(
    timeouts: &OriginTimeouts,
    sending: impl Future<Output = Result<T, OriginError>>,
) -> Result<T, OriginError> {
    match timeouts.complete_by {
        Some(deadline) => timeout_at(deadline, sending).await.unwrap_or(Err(OriginError::CompletionTimeout)),
        None => sending.await,
    }
}

impl Lease {
    pub(super) fn connection(&mut self) -> &mut OriginConnection {
        &mut self.connection
    }

    /// The connection is not for other requests: it speaks another protocol from now on. Its place at the origin is taken
    /// for as long as somebody holds what this returns.
    pub(super) fn end_with_response(&mut self) -> OriginPlace {
        self.keepalive = Duration::ZERO;
        OriginPlace(Arc::clone(&self.place))
    }

    /// The response is complete: the connection may serve another request.
    pub(super) fn give_back(mut self) {
        if self.keepalive.is_zero() || self.connection.sender.is_closed() {
            return;
        }
        if let Some(idle) = self.idle.upgrade() {
            self.connection.reused = true;
            let idle_connection = Idle { connection: self.connection, expires: Instant::now() + self.keepalive };
            idle.put(self.address, idle_connection);
        }
    }
}

impl IdleConnections {
    /// The most recently used connection that is still open.
    fn take(&self, address: &OriginAddress) -> Option<OriginConnection> {
        let mut by_address = self.by_address.lock();
        let connections = by_address.get_mut(address)?;
        while let Some(Idle { connection, expires }) = connections.pop() {
            if expires > Instant::now() && !connection.sender.is_closed() && connection.wire.is_quiet() {
                return Some(connection);
            }
        }
        by_address.remove(address);
        None
    }

    fn put(self: &Arc<Self>, address: OriginAddress, connection: Idle) {
        let mut by_address = self.by_address.lock();
        let connections = by_address.entry(address).or_default();
        if connections.len() >= MAX_IDLE {
            connections.remove(0);
        }
        connections.push(connection);
        drop(by_address);
        self.start_reaping();
    }

    /// Without a runtime (a body finished while it shuts down) nothing is reaped, and the pool ends soon.
    fn start_reaping(self: &Arc<Self>) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current()
            && !self.is_reaped.swap(true, Ordering::Relaxed)
        {
            runtime.spawn(reap(Arc::downgrade(self)));
        }
    }

    /// Closes what has expired. Returns when to look again, or nothing when no connection is left.
    fn close_expired(&self, now: Instant) -> Option<Instant> {
        let mut by_address = self.by_address.lock();
        by_address.retain(|_, connections| {
            connections.retain(|idle| idle.expires > now && !idle.connection.sender.is_closed());
            !connections.is_empty()
        });
        let next = by_address.values().flatten().map(|idle| idle.expires).min();
        if next.is_none() {
            self.is_reaped.store(false, Ordering::Relaxed);
        }
        next
    }
}

/// Runs while there are idle connections.
async fn reap(idle: Weak<IdleConnections>) {
    while let Some(connections) = idle.upgrade() {
        let now = Instant::now();
        let Some(next) = connections.close_expired(now) else { return };
        drop(connections);
        sleep(next.saturating_duration_since(now).min(REAP_INTERVAL)).await;
    }
}

/// Idle connections kept per origin address.
const MAX_IDLE: usize = 64;
/// A connection that expires before those already waited for is noticed this late at worst.
const REAP_INTERVAL: Duration = Duration::from_secs(1);
