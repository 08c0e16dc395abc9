//! Who is told of handshakes in which viewers were asked for certificates.
//!
//! Invariant: told once for each such handshake, when it is over, however it ended; but for those that the server's end
//! cut off. Called by the worker of the connection, which must not be kept waiting.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::time::Duration;

use crate::connection::TlsSession;
use crate::viewer_authentication::CertificateFailure;

/// A handshake that is over.
#[derive(Debug)]
pub struct AskedHandshake<'a> {
    /// The viewer's address.
    pub viewer: SocketAddr,
    /// The edge's own.
    pub local: SocketAddr,
    /// The name that the viewer asked for (SNI), lower case.
    pub server_name: &'a str,
    /// From the first byte that was waited for.
    pub duration: Duration,
    /// What was agreed on, or why nothing was.
    pub end: Result<&'a TlsSession, CertificateFailure>,
}

/// Is told of handshakes.
pub trait HandshakeObserver: Debug + Send + Sync {
    /// One is over.
    fn ended(&self, handshake: &AskedHandshake<'_>);
}
