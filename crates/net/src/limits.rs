//! The bounds put on one viewer and on all viewers together, and why a viewer's connection was refused or ended.
//!
//! Invariant: every wait for a viewer ends after one of these, and every buffer filled by a viewer is bounded by one.
//! Read by the acceptor (connections), the TLS acceptor (handshake) and the connection tasks (everything else).

use std::sync::atomic::{AtomicU64, Ordering};
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
    /// How long a viewer may not take what is written to it, or take it at less than `least_rate`. Default 60 s.
    pub write_timeout: Duration,
    /// Bytes a second at which a viewer must take content over any `write_timeout`. Default 500.
    pub least_rate: u64,
    /// How long a viewer that closed its sending side may wait for bytes of the response over HTTP/1.1. Beyond it the
    /// viewer counts as gone: closing both sides looks the same until something is written. Default 1 s.
    pub half_closed_timeout: Duration,
    /// Hard limit of the parser for one request head in bytes (HTTP/1.1: request line and field lines; HTTP/2: decoded
    /// field section). Default 64 KiB; beyond it the answer is 431. CloudFront's own limit of 20,480 bytes has an error
    /// page and is the pipeline's business.
    pub max_head_bytes: usize,
    /// Concurrent HTTP/2 streams per connection. Default 128, CloudFront's value.
    pub max_concurrent_streams: u32,
    /// HTTP/2 frames that bring neither a request nor content: so many at once, a tenth of it more every second, and some
    /// for every request and for content. Default 1,000.
    pub max_control_frames: u32,
    /// Streams of one HTTP/2 connection that the viewer resets: so many at once, a tenth of it more every second.
    /// Default 200.
    pub max_reset_streams: u32,
    /// How long nothing is accepted from an address (IPv6: network of 64 bits) after one of its viewers was cut off for a
    /// flood; twice as long after each further one. Default 10 s; zero: never.
    pub flood_pause: Duration,
    /// Longest of these pauses, and how long an address must be quiet after one for its floods to be forgotten. Default
    /// 10 min.
    pub longest_flood_pause: Duration,
    /// Longest TLS handshake. Default 10 s.
    pub tls_handshake_timeout: Duration,
    /// QUIC handshakes in progress over all workers, above which a viewer has to prove its address first (Retry, RFC 9000
    /// section 8.1.2). Default 256.
    pub max_unproven_handshakes: usize,
    /// Open viewer connections over all workers; further ones are closed at once. Default 65,536.
    pub max_connections: usize,
    /// Of them, from one IPv4 address or one IPv6 network of 64 bits. Default 4,096.
    pub max_connections_per_address: usize,
    /// Requests on one connection; it is closed in an orderly way with the last. Default 1,000,000.
    pub max_requests: u64,
}

impl Default for ViewerLimits {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            stall_timeout: Duration::from_secs(600),
            write_timeout: Duration::from_secs(60),
            least_rate: 500,
            half_closed_timeout: Duration::from_secs(1),
            max_head_bytes: 64 * 1024,
            max_concurrent_streams: 128,
            max_control_frames: 1_000,
            max_reset_streams: 200,
            flood_pause: Duration::from_secs(10),
            longest_flood_pause: Duration::from_secs(600),
            tls_handshake_timeout: Duration::from_secs(10),
            max_unproven_handshakes: 256,
            max_connections: 65_536,
            max_connections_per_address: 4_096,
            max_requests: 1_000_000,
        }
    }
}

impl ViewerLimits {
    /// Bytes that a viewer must take within `write_timeout`.
    pub(crate) fn least_progress(&self) -> u64 {
        let milliseconds = u64::try_from(self.write_timeout.as_millis()).unwrap_or(u64::MAX);
        (self.least_rate.saturating_mul(milliseconds) / 1000).max(1)
    }
}

/// Why a viewer's connection was refused, or ended against its will.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewerRefusal {
    /// `max_connections` were open.
    Connections,
    /// `max_connections_per_address` were open from there.
    ConnectionsOfAddress,
    /// The TLS handshake failed or took longer than `tls_handshake_timeout`.
    Handshake,
    /// The name asks for a certificate, and the viewer showed none, or one that is not taken.
    Certificate,
    /// A request head took longer than `header_timeout`.
    SlowHead,
    /// The viewer did not take what was written: `write_timeout`, `least_rate`.
    SlowReading,
    /// Silence for `stall_timeout` while a request was in progress.
    Stalled,
    /// More HTTP/2 frames without request or content than `max_control_frames`.
    ControlFrames,
    /// More HTTP/2 streams reset by the viewer than `max_reset_streams`.
    ResetStreams,
    /// A viewer of the address had flooded: `flood_pause`.
    Paused,
    /// Not HTTP: answered by the parser with 400 or 431, or with GOAWAY.
    Malformed,
}

impl ViewerRefusal {
    /// All of them, in the order of [`RefusalCounters`].
    pub const ALL: [Self; 11] = [
        Self::Connections,
        Self::ConnectionsOfAddress,
        Self::Handshake,
        Self::Certificate,
        Self::SlowHead,
        Self::SlowReading,
        Self::Stalled,
        Self::ControlFrames,
        Self::ResetStreams,
        Self::Paused,
        Self::Malformed,
    ];

    /// Its name among an edge's figures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connections => "viewers_refused_connections",
            Self::ConnectionsOfAddress => "viewers_refused_connections_of_address",
            Self::Handshake => "viewers_refused_handshake",
            Self::Certificate => "viewers_refused_certificate",
            Self::SlowHead => "viewers_refused_slow_head",
            Self::SlowReading => "viewers_refused_slow_reading",
            Self::Stalled => "viewers_refused_stalled",
            Self::ControlFrames => "viewers_refused_control_frames",
            Self::ResetStreams => "viewers_refused_reset_streams",
            Self::Paused => "viewers_refused_paused",
            Self::Malformed => "viewers_refused_malformed",
        }
    }

    /// Whether it is for work that the viewer made on purpose: no viewer does so by being slow, old or far away.
    pub(crate) const fn is_flood(self) -> bool {
        matches!(self, Self::ControlFrames | Self::ResetStreams)
    }
}

/// How often each refusal came about since the start.
#[derive(Debug, Default)]
pub(crate) struct RefusalCounters([AtomicU64; ViewerRefusal::ALL.len()]);

impl RefusalCounters {
    pub(crate) fn count(&self, refusal: ViewerRefusal) {
        if let Some(counter) = self.0.get(refusal as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn of(&self, refusal: ViewerRefusal) -> u64 {
        self.0.get(refusal as usize).map_or(0, |counter| counter.load(Ordering::Relaxed))
    }
}
