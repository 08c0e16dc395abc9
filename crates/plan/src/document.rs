//! The plan as it crosses the wire: JSON, format 1, every unknown field refused.
//!
//! These types mirror the document and nothing else; `check` turns them into the types the edge works with.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::geo_restriction::GeoRestrictionDocument;
use crate::origin_groups::OriginGroupDocument;
use crate::response_headers::ResponseHeadersDocument;
use crate::security_policy::SecurityPolicy;
use crate::types::IpAddressType;
use crate::viewer_mtls::ViewerMtlsDocument;

pub(crate) const FORMAT: u32 = 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanDocument {
    pub(crate) format: u32,
    pub(crate) sequence: u64,
    /// The sequence this change builds on; absent for a whole plan.
    pub(crate) base: Option<u64>,
    pub(crate) default_certificate: Option<CertificateDocument>,
    /// All of them, key authorizations by token by host; absent where they stay as they are.
    #[serde(default)]
    pub(crate) challenges: Option<BTreeMap<String, BTreeMap<String, String>>>,
    /// By distribution id; `None` removes the distribution.
    pub(crate) distributions: BTreeMap<String, Option<DistributionDocument>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DistributionDocument {
    pub(crate) arn: String,
    pub(crate) domain_name: String,
    pub(crate) aliases: Vec<String>,
    pub(crate) enabled: bool,
    pub(crate) certificate: Option<CertificateDocument>,
    /// Absent where the distribution has no certificate of its own.
    #[serde(default)]
    pub(crate) security_policy: SecurityPolicy,
    pub(crate) default_root_object: String,
    pub(crate) http2: bool,
    pub(crate) http3: bool,
    pub(crate) origins: BTreeMap<String, OriginDocument>,
    /// Absent where there are none.
    #[serde(default)]
    pub(crate) origin_groups: BTreeMap<String, OriginGroupDocument>,
    pub(crate) behaviors: Vec<BehaviorDocument>,
    pub(crate) error_responses: Vec<ErrorResponseDocument>,
    /// The header field with the tags of a response; absent where there are none.
    #[serde(default)]
    pub(crate) cache_tag_header: Option<String>,
    /// Absent where viewers of every country are served.
    #[serde(default)]
    pub(crate) geo_restriction: Option<GeoRestrictionDocument>,
    /// Absent where viewers are not asked for certificates.
    #[serde(default)]
    pub(crate) viewer_mtls: Option<ViewerMtlsDocument>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErrorResponseDocument {
    pub(crate) status: u16,
    pub(crate) min_ttl: u64,
    pub(crate) page: Option<ErrorPageDocument>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErrorPageDocument {
    pub(crate) path: String,
    pub(crate) status: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CertificateDocument {
    pub(crate) chain_pem: String,
    pub(crate) key_pem: String,
    /// Absent where nothing is stapled.
    #[serde(default)]
    pub(crate) ocsp: Option<OcspDocument>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OcspDocument {
    /// DER, hexadecimal digits.
    pub(crate) response: String,
    /// Seconds since the epoch.
    pub(crate) expires: u64,
    pub(crate) revoked: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OriginDocument {
    pub(crate) kind: KindDocument,
    pub(crate) domain_name: String,
    pub(crate) path: String,
    pub(crate) protocol: ProtocolDocument,
    pub(crate) http_port: u16,
    pub(crate) https_port: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) connection_attempts: u8,
    pub(crate) connection_timeout: u32,
    pub(crate) response_timeout: u32,
    pub(crate) keepalive_timeout: u32,
    pub(crate) signing: Option<SigningDocument>,
    /// Absent where addresses of both kinds are used.
    #[serde(default)]
    pub(crate) ip_address_type: IpAddressType,
    /// Seconds; absent where a response may take as long as it likes.
    #[serde(default)]
    pub(crate) response_completion_timeout: Option<u32>,
    /// What is shown to an origin that asks for a certificate; absent for nothing.
    #[serde(default)]
    pub(crate) client_certificate: Option<CertificateDocument>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum KindDocument {
    S3,
    Custom,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ProtocolDocument {
    HttpOnly,
    HttpsOnly,
    MatchViewer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SigningDocument {
    pub(crate) service: String,
    pub(crate) region: String,
    pub(crate) behavior: SigningBehaviorDocument,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SigningBehaviorDocument {
    Always,
    Never,
    NoOverride,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BehaviorDocument {
    pub(crate) path_pattern: String,
    /// The id of an origin, or of an origin group.
    pub(crate) origin: String,
    pub(crate) viewer_protocol: ViewerProtocolDocument,
    pub(crate) allowed_methods: Vec<String>,
    pub(crate) cached_methods: Vec<String>,
    pub(crate) compress: bool,
    pub(crate) cache: CacheDocument,
    /// What is forwarded beside the values of the cache key; absent for nothing.
    pub(crate) origin_request: Option<OriginRequestDocument>,
    /// Absent where nothing is changed on the way to the viewer.
    pub(crate) response_headers: Option<ResponseHeadersDocument>,
    /// Absent where gRPC is not told from other requests.
    #[serde(default)]
    pub(crate) grpc: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ViewerProtocolDocument {
    AllowAll,
    HttpsOnly,
    RedirectToHttps,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CacheDocument {
    pub(crate) min_ttl: u64,
    pub(crate) default_ttl: u64,
    pub(crate) max_ttl: u64,
    pub(crate) gzip: bool,
    pub(crate) brotli: bool,
    pub(crate) rules: RulesDocument,
    pub(crate) headers: SelectionDocument,
    pub(crate) cookies: SelectionDocument,
    pub(crate) query_strings: SelectionDocument,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RulesDocument {
    CloudFront,
    Rfc9111,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OriginRequestDocument {
    /// The names of mode `all` are header fields of CloudFront's that are added.
    pub(crate) headers: SelectionDocument,
    pub(crate) cookies: SelectionDocument,
    pub(crate) query_strings: SelectionDocument,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SelectionDocument {
    pub(crate) mode: ModeDocument,
    pub(crate) names: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ModeDocument {
    None,
    Whitelist,
    /// A whitelist whose names are patterns: `*` and `?`. Cookies only.
    Patterns,
    AllExcept,
    All,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InvalidationDocument {
    pub(crate) format: u32,
    pub(crate) distribution: String,
    pub(crate) sequence: u64,
    pub(crate) patterns: Vec<String>,
}
