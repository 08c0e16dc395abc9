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
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::exchange::RequestBody;
use super::race::{self, Outcome};
use super::resolver::Resolver;
use super::stream::OriginStream;
use super::wire::{Wire, WireStream};
use super::{ClientIdentity, OriginAddress, OriginError, OriginNetwork, OriginTimeouts};

/// Makes connections; one per pool.
#[derive(Debug)]
pub(super) struct Connector {
    network: OriginNetwork,
    resolver: Resolver,
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
    pub(super) fn new(network: OriginNetwork, tls: Arc<ClientConfig>) -> Self {
        Self { resolver: network.resolver(), network, tls }
    }

    /// A connection, TLS included, on which no HTTP has been spoken yet.
    pub(super) async fn connect(
        &self,
        address: &OriginAddress,
        timeouts: &OriginTimeouts,
    ) -> Result<Connected, OriginError> {
        let entrance = self.network.0.admission.entrance(address);
        let connecting = entrance.connect()?;
        let connected = self.try_to_connect(address, timeouts).await;
        connecting.ended(&connected);
        connected
    }

    async fn try_to_connect(
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
        let found = self.resolver.resolve(&address.host, address.families).await?;
        let reached = found.into_iter().filter(|found| self.network.0.reach.contains(*found));
        let addresses: Vec<_> = reached.map(|found| SocketAddr::new(found, address.port)).collect();
        if addresses.is_empty() { Err(OriginError::OutOfReach) } else { Ok(addresses) }
    }

    /// Tries all addresses, those that failed lately last. That one did not answer in time outweighs that others refused:
    /// often a name has an address of a family that the origin does not listen on.
    async fn attempt(
        &self,
        address: &OriginAddress,
        addresses: &[SocketAddr],
        limit: Duration,
    ) -> Result<Connected, OriginError> {
        let (deadline, failed) = (Instant::now() + limit, &self.network.0.failed);
        let ordered = race::order(addresses.to_vec(), |address| failed.contains(address));
        let Outcome { result, lost } = race::race(&ordered, limit, TcpStream::connect).await;
        failed.add(&lost);
        let (peer, stream) = result.ok_or(OriginError::ConnectTimeout)?.map_err(OriginError::connect)?;
        let connected = self.handshake(address, stream, deadline).await;
        match &connected {
            Ok(_) => failed.remove(&peer),
            Err(_) => failed.add(&[peer]),
        }
        connected
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
        if !address.tls {
            return Ok(Connected { wire, stream: OriginStream::Clear(stream) });
        }
        let tls = address.identity.as_ref().map_or(&self.tls, ClientIdentity::tls);
        let connecting = TlsConnector::from(Arc::clone(tls)).connect(server_name(&address.host)?, stream);
        let finished = timeout_at(deadline, connecting).await.map_err(|_elapsed| OriginError::ConnectTimeout)?;
        Ok(Connected { wire, stream: OriginStream::Tls(Box::new(finished.map_err(OriginError::tls)?)) })
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
