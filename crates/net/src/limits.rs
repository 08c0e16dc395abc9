//! The bounds put on one viewer and on all viewers together.
//!
//! Invariant: every wait for a viewer ends after one of these, and every buffer filled by a viewer is bounded by one.
//! Read by the acceptor (connections), the TLS acceptor (handshake) and the connection tasks (everything else).

use std::time::Duration;

/// Limits on viewer connections. [`Default`] gives the values stated at each field.
#[derive(Clone, Debug)]
pub struct ViewerLimits {
    /// Longest wait for a complete request head, from its first byte (from the accept for the first one).
    /// Default 10 s. Beyond it the connection is closed without a response.
    pub header_timeout: Duration,
    /// How long a connection without a request in progress is kept open. Default 60 s.
    pub idle_timeout: Duration,
    /// Longest silence in both directions while a request is in progress: a viewer that neither reads its response nor
    /// sends its request. Default 600 s, because a slow origin is silent too.
    pub stall_timeout: Duration,
    /// How long a viewer that closed its sending side may wait for bytes of the response over HTTP/1.1. Beyond it the
    /// viewer counts as gone: closing both sides looks the same until something is written. Default 1 s.
    pub half_closed_timeout: Duration,
    /// Hard limit of the parser for one request head in bytes (HTTP/1.1: request line and field lines; HTTP/2: decoded
    /// field section). Default 64 KiB; beyond it the answer is 431. CloudFront's own limit of 20,480 bytes has an error
    /// page and is the pipeline's business.
    pub max_head_bytes: usize,
    /// Concurrent HTTP/2 streams per connection. Default 128, CloudFront's value.
    pub max_concurrent_streams: u32,
    /// Longest TLS handshake. Default 10 s.
    pub tls_handshake_timeout: Duration,
    /// QUIC handshakes in progress over all workers, above which a viewer has to prove its address first (Retry, RFC 9000
    /// section 8.1.2). Default 256.
    pub quic_handshakes_without_retry: usize,
    /// Open viewer connections over all workers; further ones are closed at once. Default 65,536.
    pub max_connections: usize,
}

impl Default for ViewerLimits {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            stall_timeout: Duration::from_secs(600),
            half_closed_timeout: Duration::from_secs(1),
            max_head_bytes: 64 * 1024,
            max_concurrent_streams: 128,
            tls_handshake_timeout: Duration::from_secs(10),
            quic_handshakes_without_retry: 256,
            max_connections: 65_536,
        }
    }
}
