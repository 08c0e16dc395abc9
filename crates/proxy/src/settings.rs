//! What an edge is started with: one JSON document, every unknown field refused.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use edgeward_net::origin::{BreakerRules, OriginLimits};
use edgeward_net::{Listener, Network, NotANetwork, ViewerLimits};
use serde::{Deserialize, Deserializer, de};

use crate::explain::ExplainKey;
use crate::geo::GeoFiles;
use crate::held_content::HoldingRoom;
use crate::viewer_content::ContentPace;
use crate::viewer_facts::UserAgentRegexes;

/// Bytes; the disk cache turns over in segments.
const LEAST_DISK: u64 = 4 << 20;

/// Settings of one edge; they do not change while it runs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdgeSettings {
    /// Where http is served.
    pub http: Vec<ListenerSetting>,
    /// Where https is served.
    pub https: Vec<ListenerSetting>,
    /// Whether HTTP/3 is served, over UDP on the addresses of `https` that are not for load balancers.
    pub http3: bool,
    /// Number of worker threads.
    pub workers: usize,
    /// The name of the point of presence, as `X-Amz-Cf-Pop` and the log show it.
    pub pop: String,
    /// Limit of the memory store, in bytes.
    pub memory_bytes: usize,
    /// The cache on disk; `null` for a cache in memory alone.
    pub disk: Option<DiskCache>,
    /// How long a request waits for the origin's answer to another one before it asks itself, in milliseconds.
    pub lock_timeout_ms: u64,
    /// The bounds of viewers.
    pub limits: Limits,
    /// Where access logs go; `null` for no logs.
    pub log: Option<LogFiles>,
    /// The S3 server and the identity that signs requests to it; `null` where no S3 origin is signed.
    pub s3: Option<S3Access>,
    /// PEM certificates of authorities trusted for origins, beside the system's.
    pub trusted_authorities: Vec<String>,
    /// The key of debug tokens, which make a response explain itself; `null`: none does.
    pub explain_key: Option<ExplainKey>,
    /// The file with the secrets of session tickets, for all edges that open each other's; `null`: this one's alone.
    pub ticket_secrets: Option<PathBuf>,
    /// Where addresses are; empty lists for an edge that does not know.
    pub geo: GeoFiles,
    /// What tells devices apart by their User-Agent; `null`: no plan may ask for that.
    pub user_agents: Option<UserAgentRegexes>,
    /// Which clock rules freshness and the log.
    pub clock: ClockSetting,
    /// Networks beside the public Internet that origins may be in.
    #[serde(deserialize_with = "networks")]
    pub allowed_private_origins: Vec<Network>,
    /// Name servers in place of the system's, `address:port`.
    pub name_servers: Vec<SocketAddr>,
    /// The bounds of origins.
    pub origin_limits: OriginBounds,
}

/// What one origin is asked for at once. See [`OriginLimits`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OriginBounds {
    /// In progress.
    pub max_requests: usize,
    /// Waiting for a place.
    pub max_waiting: usize,
    /// Longest wait for one, in milliseconds.
    pub wait_timeout_ms: u64,
    /// Connections in a row that fail, after which none is tried for a moment; 0: never.
    pub breaker_failures: u32,
}

impl From<&OriginBounds> for OriginLimits {
    fn from(bounds: &OriginBounds) -> OriginLimits {
        OriginLimits {
            requests: bounds.max_requests,
            waiting: bounds.max_waiting,
            wait: Duration::from_millis(bounds.wait_timeout_ms),
            breaker: BreakerRules { failures: bounds.breaker_failures },
        }
    }
}

impl EdgeSettings {
    /// Reads settings: UTF-8 JSON.
    ///
    /// # Errors
    /// Names the field, and says what is wrong with it.
    pub(crate) fn parse(settings: &[u8]) -> Result<EdgeSettings, InvalidSettings> {
        let settings: EdgeSettings =
            serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_slice(settings))
                .map_err(|error| InvalidSettings(error.to_string()))?;
        match settings {
            EdgeSettings { workers: 0, .. } => Err(InvalidSettings("workers: at least 1".to_owned())),
            EdgeSettings { disk: Some(DiskCache { limit_bytes: ..LEAST_DISK, .. }), .. } => {
                Err(InvalidSettings(format!("disk.limit_bytes: at least {LEAST_DISK}")))
            }
            EdgeSettings { memory_bytes: 0, .. } => Err(InvalidSettings("memory_bytes: at least 1".to_owned())),
            EdgeSettings { origin_limits: OriginBounds { max_requests: 0, .. }, .. } => {
                Err(InvalidSettings("origin_limits.max_requests: at least 1".to_owned()))
            }
            settings => settings.limits.check().map(|()| settings),
        }
    }
}

/// An address, or one that load balancers connect to in place of viewers.
#[derive(Debug, Deserialize)]
#[serde(try_from = "ListenerDocument")]
pub struct ListenerSetting(pub(crate) Listener);

#[derive(Deserialize)]
#[serde(untagged)]
enum ListenerDocument {
    Address(SocketAddr),
    BehindBalancers(BehindBalancers),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BehindBalancers {
    address: SocketAddr,
    /// Networks, at least one.
    balancers: Vec<String>,
}

impl TryFrom<ListenerDocument> for ListenerSetting {
    type Error = String;

    fn try_from(document: ListenerDocument) -> Result<ListenerSetting, String> {
        let BehindBalancers { address, balancers } = match document {
            ListenerDocument::Address(address) => return Ok(ListenerSetting(address.into())),
            ListenerDocument::BehindBalancers(listener) => listener,
        };
        match parse_networks(&balancers)? {
            none if none.is_empty() => Err("balancers: at least one network".to_owned()),
            balancers => Ok(ListenerSetting(Listener { address, balancers })),
        }
    }
}

fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Network>, D::Error> {
    parse_networks(&Vec::deserialize(deserializer)?).map_err(de::Error::custom)
}

fn parse_networks(texts: &[String]) -> Result<Vec<Network>, String> {
    texts.iter().map(|text| text.parse().map_err(|error: NotANetwork| error.to_string())).collect()
}

/// Settings that no edge can be started with.
#[derive(Debug, thiserror::Error)]
#[error("the settings cannot be used: {0}")]
pub struct InvalidSettings(String);

/// What one viewer, and all of them, may take. Times in milliseconds. See [`ViewerLimits`], whose fields have the same
/// names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// For a TLS handshake.
    pub tls_handshake_timeout_ms: u64,
    /// For a request head.
    pub header_timeout_ms: u64,
    /// Without a request.
    pub idle_timeout_ms: u64,
    /// Of silence while a request is in progress.
    pub stall_timeout_ms: u64,
    /// In which a viewer takes nothing, or less than `least_rate`.
    pub write_timeout_ms: u64,
    /// Of waiting for content, beside what `least_rate` grants.
    pub content_timeout_ms: u64,
    /// Bytes a second.
    pub least_rate: u64,
    /// Open at once.
    pub max_connections: usize,
    /// Open at once from one address.
    pub max_connections_per_address: usize,
    /// On one connection.
    pub max_requests: u64,
    /// At once on one HTTP/2 or HTTP/3 connection.
    pub max_concurrent_streams: u32,
    /// Without request or content, on one HTTP/2 connection.
    pub max_control_frames: u32,
    /// By the viewer, on one HTTP/2 or HTTP/3 connection.
    pub max_reset_streams: u32,
    /// For which nothing is accepted from an address after a flood; 0: never.
    pub flood_pause_ms: u64,
    /// The longest such pause.
    pub longest_flood_pause_ms: u64,
    /// Bytes of a request's content that are awaited before its origin is asked; 0: none.
    pub held_content: usize,
    /// Bytes that are held of all requests' content together.
    pub max_held_content: usize,
    /// QUIC handshakes in progress, beyond which viewers prove their address first.
    pub max_unproven_handshakes: usize,
}

impl Limits {
    /// No limit is 0: it would let nobody in, or have no effect.
    fn check(&self) -> Result<(), InvalidSettings> {
        let least = [
            ("tls_handshake_timeout_ms", self.tls_handshake_timeout_ms),
            ("header_timeout_ms", self.header_timeout_ms),
            ("idle_timeout_ms", self.idle_timeout_ms),
            ("stall_timeout_ms", self.stall_timeout_ms),
            ("write_timeout_ms", self.write_timeout_ms),
            ("content_timeout_ms", self.content_timeout_ms),
            ("least_rate", self.least_rate),
            ("max_connections", self.max_connections as u64),
            ("max_connections_per_address", self.max_connections_per_address as u64),
            ("max_requests", self.max_requests),
            ("max_concurrent_streams", u64::from(self.max_concurrent_streams)),
            ("max_control_frames", u64::from(self.max_control_frames)),
            ("max_reset_streams", u64::from(self.max_reset_streams)),
            ("longest_flood_pause_ms", self.longest_flood_pause_ms),
            ("max_held_content", self.max_held_content as u64),
        ];
        match least.iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => Err(InvalidSettings(format!("limits.{name}: at least 1"))),
            None if self.longest_flood_pause_ms < self.flood_pause_ms => {
                Err(InvalidSettings("limits.longest_flood_pause_ms: at least flood_pause_ms".to_owned()))
            }
            None => Ok(()),
        }
    }
}

impl From<&Limits> for ViewerLimits {
    fn from(limits: &Limits) -> ViewerLimits {
        ViewerLimits {
            tls_handshake_timeout: Duration::from_millis(limits.tls_handshake_timeout_ms),
            header_timeout: Duration::from_millis(limits.header_timeout_ms),
            idle_timeout: Duration::from_millis(limits.idle_timeout_ms),
            stall_timeout: Duration::from_millis(limits.stall_timeout_ms),
            write_timeout: Duration::from_millis(limits.write_timeout_ms),
            least_rate: limits.least_rate,
            max_connections: limits.max_connections,
            max_connections_per_address: limits.max_connections_per_address,
            max_requests: limits.max_requests,
            max_concurrent_streams: limits.max_concurrent_streams,
            max_control_frames: limits.max_control_frames,
            max_reset_streams: limits.max_reset_streams,
            max_unproven_handshakes: limits.max_unproven_handshakes,
            flood_pause: Duration::from_millis(limits.flood_pause_ms),
            longest_flood_pause: Duration::from_millis(limits.longest_flood_pause_ms),
            ..ViewerLimits::default()
        }
    }
}

impl From<&Limits> for ContentPace {
    fn from(limits: &Limits) -> ContentPace {
        ContentPace { grace: Duration::from_millis(limits.content_timeout_ms), least_rate: limits.least_rate }
    }
}

impl From<&Limits> for HoldingRoom {
    fn from(limits: &Limits) -> HoldingRoom {
        HoldingRoom::new(limits.held_content, limits.max_held_content)
    }
}

/// The cache on disk.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiskCache {
    /// Made when it is missing, mode 0700; one edge at a time.
    pub directory: PathBuf,
    /// Bytes of all its files together, at least 4 MiB.
    pub limit_bytes: u64,
}

/// Access log segments.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogFiles {
    /// Made when it is missing, mode 0700.
    pub directory: PathBuf,
    /// A segment is finished when it is this old.
    pub segment_seconds: u64,
    /// A segment is finished when it holds this many bytes, before compression.
    pub segment_bytes: u64,
}

/// How S3 origins are reached and with whose signature.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3Access {
    /// `http://host:port` of the S3 server; `null`: the origin's own domain name.
    pub endpoint: Option<String>,
    /// Of the edge's identity.
    pub access_key: String,
    /// Never logged.
    pub secret_key: String,
}

impl std::fmt::Debug for S3Access {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("S3Access").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// The system's clock, or one that stands still until it is moved.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockSetting {
    /// The time of day.
    System,
    /// Starts at this many milliseconds since the epoch.
    Manual(u64),
}
