//! A new connection to an origin: resolve, connect, TLS handshake; and the HTTP/1.1 handshake.
//!
//! Invariant: takes at most attempts x connect timeout (plus the name lookup), whatever the origin does. Called by
//! `pool` when it has no idle connection, and by `http2` when its connections have no room.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use super::exchange::RequestBody;
use super::stream::OriginStream;
use super::wire::{Wire, WireStream};
use super::{OriginAddress, OriginError, OriginTimeouts, Reach, Resolver};

/// Makes connections; one per pool.
#[derive(Debug)]
pub(super) struct Connector {
    resolver: Resolver,
    reach: Reach,
    tls: Arc<ClientConfig>,
}

/// A connection on which no HTTP has been spoken yet.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) stream: OriginStream,
    pub(super) wire: Arc<Wire>,
}

/// A connection ready for a request.
#[derive(Debug)]
pub(super) struct OriginConnection {
    pub(super) sender: SendRequest<RequestBody>,
    pub(super) wire: Arc<Wire>,
    pub(super) reused: bool,
}

impl Connector {
    pub(super) fn new(resolver: Resolver, reach: Reach, tls: Arc<ClientConfig>) -> Self {
        Self { resolver, reach, tls }
    }

    pub(super) async fn connect(
        &self,
        address: &OriginAddress,
        timeouts: &OriginTimeouts,
    ) -> Result<Connected, OriginError> {
        let addresses = self.addresses(address).await?;
        let mut failure = OriginError::ConnectTimeout;
        for _ in 0..timeouts.attempts.max(1) {
            match self.attempt(address, &addresses, timeouts.connect).await {
                // Asking again does not make a certificate valid.
                Err(error @ OriginError::Tls { verification: true, .. }) => return Err(error),
                Err(error) => failure = error,
                connected => return connected,
            }
        }
        Err(failure)
    }

    /// Where to connect. Addresses within reach alone, unless the operator has named one.
    async fn addresses(&self, address: &OriginAddress) -> Result<Vec<SocketAddr>, OriginError> {
        if let Some(address) = address.connect_to {
            return Ok(vec![address]);
        }
        let mut found = self.resolver.resolve(&address.host, address.port).await?;
        found.retain(|address| self.reach.contains(address.ip()));
        if found.is_empty() { Err(OriginError::OutOfReach) } else { Ok(found) }
    }

    /// Tries the addresses in their order; each gets an equal part of the time that is left. That one did not answer in
    /// time outweighs that another refused: often a name has an address of a family that the origin does not listen on.
    async fn attempt(
        &self,
        address: &OriginAddress,
        addresses: &[SocketAddr],
        limit: Duration,
    ) -> Result<Connected, OriginError> {
        let deadline = Instant::now() + limit;
        let (mut refused, mut timed_out) = (None, false);
        for (addresses_left, socket_address) in (1..=addresses.len()).rev().zip(addresses) {
            let share = deadline.saturating_duration_since(Instant::now()) / u32::try_from(addresses_left).unwrap_or(1);
            match timeout(share, TcpStream::connect(socket_address)).await {
                Ok(Ok(stream)) => return self.handshake(address, stream, deadline).await,
                Ok(Err(error)) => refused = Some(OriginError::connect(error)),
                Err(_elapsed) => timed_out = true,
            }
        }
        Err(refused.filter(|_| !timed_out).unwrap_or(OriginError::ConnectTimeout))
    }

    async fn handshake(
        &self,
        address: &OriginAddress,
        stream: TcpStream,
        deadline: Instant,
    ) -> Result<Connected, OriginError> {
        stream.set_nodelay(true).map_err(OriginError::connect)?;
        let wire = Wire::new(stream);
        let stream = WireStream(Arc::clone(&wire));
        let stream = if address.tls {
            let connecting = TlsConnector::from(Arc::clone(&self.tls)).connect(server_name(&address.host)?, stream);
            let finished = timeout_at(deadline, connecting).await.map_err(|_elapsed| OriginError::ConnectTimeout)?;
            OriginStream::Tls(Box::new(finished.map_err(OriginError::tls)?))
        } else {
            OriginStream::Clear(stream)
        };
        Ok(Connected { stream, wire })
    }
}

impl Connected {
    /// Gets ready for requests over HTTP/1.1.
    pub(super) async fn speak_http1(self) -> Result<OriginConnection, OriginError> {
        let sender = match self.stream {
            OriginStream::Clear(stream) => speak_http(stream).await?,
            OriginStream::Tls(stream) => speak_http(*stream).await?,
        };
        Ok(OriginConnection { sender, wire: self.wire, reused: false })
    }
}

fn server_name(host: &str) -> Result<ServerName<'static>, OriginError> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    ServerName::try_from(host.to_owned())
        .map_err(|error| OriginError::Dns(format!("{host:?} is no domain name: {error}").into()))
}

async fn speak_http<IO>(io: IO) -> Result<SendRequest<RequestBody>, OriginError>
where
    IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(BUFFER)
        .max_header_size(MAX_RESPONSE_HEAD)
        .handshake(TokioIo::new(io))
        .await
        .map_err(|error| OriginError::Read(Arc::new(std::io::Error::other(error))))?;
    tokio::spawn(async move {
        // Errors reach whoever waits for the response; between requests nobody minds the end of a connection.
        let _closed = connection.with_upgrades().await;
    });
    Ok(sender)
}

/// Largest response head in bytes, field lines and status line.
const MAX_RESPONSE_HEAD: usize = 64 * 1024;
/// The parser's buffer: large enough for few reads of big content.
const BUFFER: usize = 256 * 1024;
