//! The plan: the one document that the control plane hands to an edge.
//!
//! Owns the versioned wire format (`document`), its check and compilation into immutable types (`check`), the set of
//! distributions an edge serves (`plan`) and the two look-ups every request makes (`matching`): host to distribution,
//! path to cache behavior. Invariant: a `Plan` that exists is valid; whatever is wrong with a document is found before
//! the swap, so nothing on the request path can fail on configuration.
//!
//! Called by `proxy`; knows no HTTP caching rule, no clock and no socket.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod challenges;
mod check;
mod document;
mod error_responses;
mod forwarding;
mod geo_restriction;
mod matching;
mod origin_groups;
mod plan;
mod response_headers;
mod security_policy;
mod types;
mod viewer_fact;
mod viewer_mtls;

pub use challenges::Challenges;
pub use check::Rejected;
pub use error_responses::{ErrorPage, ErrorResponses};
pub use forwarding::{ForwardedHeaders, Forwarding};
pub use geo_restriction::{CountryCode, GeoRestriction};
pub use matching::PathPattern;
pub use origin_groups::{OriginGroup, Target};
pub use plan::Plan;
pub use response_headers::{Cors, OriginPattern, PolicyField, ResponseHeadersPolicy};
pub use security_policy::SecurityPolicy;
pub use types::{
    CacheBehavior, CachePolicy, CachingRules, CertificatePem, Distribution, HeaderSelection, InvalidationOrder,
    IpAddressType, Methods, OcspResponse, Origin, OriginKind, OriginProtocol, SigningBehavior, SigningRules,
    ViewerProtocol,
};
pub use viewer_fact::{CertificateFact, DeviceFact, PlaceFact, TransportFact, ViewerFact};
pub use viewer_mtls::{ViewerMtls, ViewerMtlsMode, ViewerTrustStore};
