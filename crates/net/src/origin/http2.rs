//! Connections to origins over HTTP/2: many requests each, content both ways at the same time.
//!
//! Invariant: a request is sent again only when the origin has said that it has not looked at it (GOAWAY with a lower
//! stream, REFUSED_STREAM; RFC 9113 section 8.7) and all that was sent of its content is still here. Whoever finds no room
//! dials, and others who want the same wait for that. One [`Http2Pool`] per worker, called through `pool`.

mod body;
mod connection;
mod exchange;
mod upload;

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use ahash::AHashMap;
use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, Request, Response, Uri, Version, header};
use http_body::Body;
use http_body_util::BodyExt;
use parking_lot::Mutex;
use rustls::ClientConfig;
use rustls::client::Resumption;
use tokio::sync::watch;

pub use body::Http2Body;
use connection::{Driver, Http2Connection, OpenStreams, Reserved};
use exchange::Failure;
use upload::Upload;

use super::connect::Connector;
use super::stream::OriginStream;
use super::{OriginAddress, OriginError, OriginNetwork, OriginTimeouts};
use crate::tls::ALPN_H2;

/// The connections of one worker.
#[derive(Debug)]
pub(super) struct Http2Pool {
    connector: Arc<Connector>,
    connections: Arc<Connections>,
}

/// What became of an attempt to connect, once it is over.
type Outcome = Option<Result<(), OriginError>>;

#[derive(Debug, Default)]
struct Connections(Mutex<AHashMap<OriginAddress, Entry>>);

/// The connections to one origin.
#[derive(Debug, Default)]
struct Entry {
    open: Vec<Http2Connection>,
    dialing: Option<watch::Receiver<Outcome>>,
}

/// What there is for a request.
enum Room {
    Reserved(Reserved),
    /// Somebody is making a connection.
    Coming(watch::Receiver<Outcome>),
    /// This one has to be made.
    Wanted(watch::Sender<Outcome>, watch::Receiver<Outcome>),
}

impl Http2Pool {
    /// `tls`: as for HTTP/1.1, but for ALPN.
    pub(super) fn new(network: OriginNetwork, tls: &ClientConfig) -> Self {
        let mut tls = tls.clone();
        tls.alpn_protocols = vec![ALPN_H2.to_vec()];
        tls.resumption = Resumption::default();
        Self { connector: Arc::new(Connector::new(network, Arc::new(tls))), connections: Arc::default() }
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.0.lock().values().map(|entry| entry.open.len()).sum()
    }

    pub(super) async fn send<B>(
        &self,
        address: &OriginAddress,
        timeouts: &OriginTimeouts,
        request: Request<B>,
    ) -> Result<Response<Http2Body>, OriginError>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let (parts, content) = request.into_parts();
        let head = head(address, parts)?;
        let mut upload = Upload::new(content.map_err(Into::into).boxed_unsync());
        let mut repeats_left = REPEATS;
        loop {
            let reserved = self.reserve(address, timeouts).await?;
            match exchange::exchange(reserved, &head, &mut upload, timeouts.response).await {
                Ok(answered) => return Ok(answered.into_response(upload, timeouts)),
                Err(Failure::Unprocessed(_)) if repeats_left > 0 && upload.rewind() => repeats_left -= 1,
                Err(Failure::Unprocessed(error) | Failure::Final(error)) => return Err(error),
            }
        }
    }

    async fn reserve(&self, address: &OriginAddress, timeouts: &OriginTimeouts) -> Result<Reserved, OriginError> {
        for _ in 0..SHARED_DIALS {
            let outcome = match self.connections.find(address) {
                Room::Reserved(reserved) => return Ok(reserved),
                Room::Coming(outcome) => outcome,
                Room::Wanted(told, outcome) => {
                    self.dial(address.clone(), *timeouts, told);
                    outcome
                }
            };
            wait_for(outcome).await?;
        }
        // Others took all the streams each time: this connection begins with a stream of ours.
        let (connection, driver) = connection::open(&self.connector, address, timeouts).await?;
        let reserved = connection.reserve_first();
        self.connections.admit(address, connection, driver, timeouts.keepalive);
        Ok(reserved)
    }

    /// On a task of its own: it goes on for those who wait when the first of them goes away.
    fn dial(&self, address: OriginAddress, timeouts: OriginTimeouts, told: watch::Sender<Outcome>) {
        let (connector, connections) = (Arc::clone(&self.connector), Arc::clone(&self.connections));
        tokio::spawn(async move {
            let opened = connection::open(&connector, &address, &timeouts).await;
            let outcome =
                opened.map(|(connection, driver)| connections.admit(&address, connection, driver, timeouts.keepalive));
            connections.dialed(&address);
            told.send_replace(Some(outcome));
        });
    }
}

/// Without an outcome the edge is stopping.
async fn wait_for(mut outcome: watch::Receiver<Outcome>) -> Result<(), OriginError> {
    match outcome.wait_for(Option::is_some).await {
        Ok(outcome) => outcome.clone().unwrap_or(Ok(())),
        Err(_stopping) => Err(OriginError::ConnectTimeout),
    }
}

impl Connections {
    fn find(&self, address: &OriginAddress) -> Room {
        let mut by_address = self.0.lock();
        let entry = by_address.entry(address.clone()).or_default();
        entry.open.retain_mut(Http2Connection::takes_requests);
        if let Some(reserved) = entry.open.iter().find_map(Http2Connection::reserve) {
            return Room::Reserved(reserved);
        }
        if let Some(outcome) = &entry.dialing {
            return Room::Coming(outcome.clone());
        }
        let (told, outcome) = watch::channel(None);
        entry.dialing = Some(outcome.clone());
        Room::Wanted(told, outcome)
    }

    fn admit(
        self: &Arc<Self>,
        address: &OriginAddress,
        connection: Http2Connection,
        driver: Driver<OriginStream>,
        keepalive: Duration,
    ) {
        self.0.lock().entry(address.clone()).or_default().open.push(connection);
        let (connections, address) = (Arc::downgrade(self), address.clone());
        let forget =
            move |streams: &_| connections.upgrade().is_none_or(|connections| connections.forget(&address, streams));
        tokio::spawn(driver.run(keepalive, forget));
    }

    fn dialed(&self, address: &OriginAddress) {
        self.change(address, |entry| entry.dialing = None);
    }

    /// Lets go of a connection; `false` while somebody uses it.
    fn forget(&self, address: &OriginAddress, streams: &Arc<OpenStreams>) -> bool {
        self.change(address, |entry| {
            let before = entry.open.len();
            entry.open.retain(|connection| !connection.is_idle(streams));
            entry.open.len() < before || streams.count() == 0
        })
        .unwrap_or(true)
    }

    fn change<T>(&self, address: &OriginAddress, change: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        let mut by_address = self.0.lock();
        let entry = by_address.get_mut(address)?;
        let changed = change(entry);
        if entry.open.is_empty() && entry.dialing.is_none() {
            by_address.remove(address);
        }
        Some(changed)
    }
}

/// RFC 9113 section 8.3.1: the host goes into `:authority`.
fn head(address: &OriginAddress, parts: http::request::Parts) -> Result<Request<()>, OriginError> {
    let invalid = |_| OriginError::InvalidRequest("the host is no authority".into());
    let mut request = Request::new(());
    *request.method_mut() = parts.method;
    *request.version_mut() = Version::HTTP_2;
    let mut uri = parts.uri.into_parts();
    let host = parts.headers.get(header::HOST).map_or(address.host.as_bytes(), |host| host.as_bytes());
    uri.authority = Some(Authority::try_from(host).map_err(invalid)?);
    uri.scheme = Some(if address.tls { Scheme::HTTPS } else { Scheme::HTTP });
    *request.uri_mut() = Uri::from_parts(uri).map_err(|error| OriginError::InvalidRequest(error.to_string().into()))?;
    *request.headers_mut() = fields(parts.headers);
    Ok(request)
}

/// RFC 9113 section 8.2.2: fields about the connection have no place in HTTP/2.
fn fields(mut headers: HeaderMap) -> HeaderMap {
    for name in [header::HOST, header::CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE] {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    headers.remove("proxy-connection");
    headers
}

/// How often a request is sent again that the origin has not looked at.
const REPEATS: u8 = 3;
/// Connections that a request shares with others before it makes one of its own.
const SHARED_DIALS: u8 = 4;
/// Largest header section of a response, and largest trailers, in bytes.
const MAX_FIELD_SECTION: u32 = 64 * 1024;
/// Bytes that an origin may send ahead of a viewer.
const STREAM_WINDOW: u32 = 256 * 1024;
/// Enough for all streams of a connection: a viewer that does not read must not hold up those whose streams are beside its.
const CONNECTION_WINDOW: u32 = MAX_STREAMS * STREAM_WINDOW;
/// Bytes of a request's content that are kept to be sent again.
const REPEATABLE: usize = 64 * 1024;
/// Streams of one connection, however many more its origin takes.
const MAX_STREAMS: u32 = 100;
/// An origin that has been silent for so long while it has streams open is asked whether it is there. gRPC servers close
/// connections that ask more often than every five minutes (grpc/doc/keepalive.md).
const PING_AFTER: Duration = Duration::from_secs(310);
/// How long it may take to say so.
const PONG_WITHIN: Duration = Duration::from_secs(20);
/// How long an idle connection may take to say goodbye.
const LINGER: Duration = Duration::from_secs(1);
