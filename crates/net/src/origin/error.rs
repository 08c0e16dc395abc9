//! What goes wrong with origins, as plain data.
//!
//! Invariant: every failure of this module is exactly one [`OriginError`]; the pipeline maps it to a status and to
//! `x-edge-detailed-result-type` without looking at texts. `Clone`, so that waiters of one fetch can share it.

use std::error::Error;
use std::io;
use std::sync::Arc;

use h2::Reason;

/// Why an origin gave no response, or not all of it.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OriginError {
    /// The origin's domain name has no address, or its lookup failed or took too long.
    #[error("the origin's domain name cannot be resolved: {0}")]
    Dns(Arc<str>),
    /// All addresses of the origin's domain name are outside the edge's [`super::Reach`]. They are not told: whoever
    /// may choose the name is not always one who may know the operator's network.
    #[error("the origin's domain name leads to a private address, which this edge does not connect to")]
    OutOfReach,
    /// No address of the origin accepted a connection in any attempt.
    #[error("cannot connect to the origin ({failure:?}): {source}")]
    Connect {
        /// Plain reason.
        failure: ConnectFailure,
        /// The last address's error.
        source: Arc<io::Error>,
    },
    /// No connection, TLS handshake included, within the connection timeout in any attempt.
    #[error("the connection to the origin timed out")]
    ConnectTimeout,
    /// The TLS handshake failed.
    #[error("the TLS handshake with the origin failed: {source}")]
    Tls {
        /// Whether the origin's certificate was not accepted: untrusted, expired, or for another name.
        verification: bool,
        /// The error of the TLS library.
        source: Arc<io::Error>,
    },
    /// The request could not be written.
    #[error("the request cannot be sent to the origin: {0}")]
    Write(Arc<io::Error>),
    /// The connection failed, or closed within the response head.
    #[error("the response cannot be read from the origin: {0}")]
    Read(Arc<io::Error>),
    /// No byte of the response within the response timeout, or none between two packets.
    #[error("the origin did not respond in time")]
    ResponseTimeout,
    /// The response was not complete by the time that was set for it.
    #[error("the origin's response was not complete in time")]
    CompletionTimeout,
    /// As many requests as the origin may have are in progress, and as many as may wait for one of them to end do so, or
    /// one has waited for too long.
    #[error("the origin has as many requests in progress as this edge lets it have")]
    Busy,
    /// Connections to the origin have been failing, and it is too early to try another one.
    #[error("connections to the origin have been failing; it is tried again in a moment")]
    GivenUp,
    /// What came is not an HTTP/1.1 response.
    #[error("the origin's response is not valid HTTP: {0}")]
    InvalidResponse(Arc<str>),
    /// The response head is larger than 64 KiB or has more than 100 field lines.
    #[error("the header section of the origin's response is too large")]
    HeaderTooBig,
    /// The origin closed the connection without sending a byte.
    #[error("the origin closed the connection without a response")]
    ZeroSize {
        /// The connection had served a request before: the origin may just have been closing it as idle.
        reused: bool,
    },
    /// The connection closed before the end of the content: Content-Length not reached, or no last chunk.
    #[error("the origin's response ended before its content was complete")]
    Truncated,
    /// The content of the request failed while it was sent: the viewer's fault, not the origin's.
    #[error("the content of the request ended with an error: {0}")]
    RequestContent(Arc<str>),
    /// The request has no form in HTTP/2.
    #[error("the request cannot be sent over HTTP/2: {0}")]
    InvalidRequest(Arc<str>),
    /// The origin gave up the stream, over HTTP/2, with this code (RFC 9113 section 7).
    #[error("the origin reset the stream with code {0}")]
    Reset(u32),
}

/// Why a TCP connection was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectFailure {
    /// Nothing listens there.
    Refused,
    /// No route to the host or network.
    Unreachable,
    /// Anything else: see the source.
    Other,
}

impl OriginError {
    /// What makes hyper reset a viewer's HTTP/2 stream as the origin reset its own. `None` where it did not, or for a reason
    /// between the origin and this edge alone.
    pub fn as_viewer_reset(&self) -> Option<Box<dyn Error + Send + Sync>> {
        let Self::Reset(code) = self else { return None };
        let reason = Reason::from(*code);
        let is_for_viewers = !matches!(reason, Reason::NO_ERROR | Reason::HTTP_1_1_REQUIRED);
        is_for_viewers.then(|| Box::new(h2::Error::from(reason)) as _)
    }

    pub(super) fn connect(error: io::Error) -> Self {
        let failure = match error.kind() {
            io::ErrorKind::ConnectionRefused => ConnectFailure::Refused,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => ConnectFailure::Unreachable,
            _ => ConnectFailure::Other,
        };
        Self::Connect { failure, source: Arc::new(error) }
    }

    pub(super) fn tls(error: io::Error) -> Self {
        let rejected = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let verification = matches!(rejected, Some(rustls::Error::InvalidCertificate(_)));
        Self::Tls { verification, source: Arc::new(error) }
    }
}
