//! What all workers share: the live plan, the cache, the clock, and who this edge is.
//!
//! Invariant: the plan is swapped whole; a request reads it once and keeps what it read.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use arc_swap::ArcSwap;
use edgeward_cache::Cache;
use edgeward_plan::{InvalidationOrder, Plan};
use http::HeaderValue;

use crate::clock::Clock;
use crate::explain::ExplainKey;
use crate::geo::GeoData;
use crate::held_content::HoldingRoom;
use crate::identity::EdgeIdentity;
use crate::origin_request::S3Endpoint;
use crate::origins::ClientIdentities;
use crate::refusal::Refusal;
use crate::signing::SigningIdentity;
use crate::viewer_content::ContentPace;
use crate::viewer_facts::DeviceRules;

/// The shared state of an edge.
pub(crate) struct Engine {
    pub(crate) plan: ArcSwap<Plan>,
    pub(crate) cache: Cache<Refusal>,
    pub(crate) clock: Clock,
    pub(crate) identity: EdgeIdentity,
    pub(crate) s3: Option<SigningIdentity>,
    pub(crate) s3_endpoint: Option<S3Endpoint>,
    /// The port that https is redirected to where the viewer named a port; `None`: 443.
    pub(crate) https_port: std::sync::OnceLock<u16>,
    /// What tells viewers that HTTP/3 is to be had (RFC 7838); unset where it is not.
    pub(crate) alt_svc: std::sync::OnceLock<HeaderValue>,
    /// How long a request waits for the origin's answer to another one.
    pub(crate) lock_timeout: Duration,
    /// How fast viewers must send content.
    pub(crate) content_pace: ContentPace,
    /// What is held of content until there is enough of it to ask an origin.
    pub(crate) holding_room: Arc<HoldingRoom>,
    /// Requests whose viewers sent content too slowly.
    pub(crate) slow_contents: AtomicU64,
    /// Whose tokens are explained to; `None`: nobody's.
    pub(crate) explain_key: Option<ExplainKey>,
    /// Debug tokens that were wrong, had expired or were for another distribution.
    pub(crate) explain_tokens_refused: AtomicU64,
    /// Where addresses are; swapped whole.
    pub(crate) geo: ArcSwap<GeoData>,
    pub(crate) devices: DeviceRules,
    /// Changes of the file with the secrets of session tickets that could not be used.
    pub(crate) ticket_secrets_refused: AtomicU64,
    /// Requests that have ended.
    pub(crate) requests: AtomicU64,
    /// What origins are shown that ask for a certificate.
    pub(crate) client_identities: ClientIdentities,
}

impl Engine {
    /// From here on nothing that the order matches and that was fetched before is served.
    ///
    /// # Errors
    /// The order holds, but not yet over a restart.
    pub(crate) fn invalidate(&self, order: &InvalidationOrder) -> io::Result<()> {
        let plan = self.plan.load();
        let mut patterns = order.patterns.clone();
        // `/` and the default root object are one stored response under two names.
        let root = plan.distribution(&order.distribution).map_or("", |found| found.default_root_object.as_str());
        if !root.is_empty() && patterns.iter().any(|pattern| pattern == "/") {
            patterns.push(format!("/{root}"));
        }
        self.cache.invalidate(&order.distribution, order.sequence, &patterns)
    }

    pub(crate) fn current_plan(&self) -> Arc<Plan> {
        self.plan.load_full()
    }
}
