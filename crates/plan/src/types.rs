//! What the edge works with: a checked, immutable picture of each distribution.

use std::sync::Arc;
use std::time::Duration;

use edgeward_http_rules::Selection;
use http::{HeaderName, HeaderValue, Method};
use serde::Deserialize;

use crate::error_responses::ErrorResponses;
use crate::forwarding::Forwarding;
use crate::geo_restriction::GeoRestriction;
use crate::matching::PathPattern;
use crate::origin_groups::Target;
use crate::response_headers::ResponseHeadersPolicy;
use crate::security_policy::SecurityPolicy;
use crate::viewer_fact::ViewerFact;
use crate::viewer_mtls::ViewerMtls;

/// One distribution as an edge serves it.
#[derive(Debug)]
pub struct Distribution {
    /// `E…`, CloudFront's id.
    pub id: Arc<str>,
    /// `arn:aws:cloudfront::<account>:distribution/<id>`.
    pub arn: String,
    /// The name CloudFront gave it, in lower case.
    pub domain_name: String,
    /// Alternate domain names in lower case; `*.example.org` covers every name below `example.org`.
    pub aliases: Vec<String>,
    /// Whether viewers are served at all.
    pub enabled: bool,
    /// The certificate that covers the aliases, when there is one.
    pub certificate: Option<CertificatePem>,
    /// Which TLS its viewers may use, by whichever of its names they come.
    pub security_policy: SecurityPolicy,
    /// The object that answers `/`, without a leading slash; empty for none.
    pub default_root_object: String,
    /// Whether HTTP/2 is offered to viewers.
    pub http2: bool,
    /// Whether HTTP/3 is offered to viewers.
    pub http3: bool,
    /// In the order of matching; the last one is the default cache behavior and matches every path.
    pub behaviors: Vec<Arc<CacheBehavior>>,
    /// How long errors are kept, and which pages stand in their place.
    pub error_responses: ErrorResponses,
    /// The header field in which origins name the tags of a response.
    pub cache_tag_header: Option<HeaderName>,
    /// Whether a behavior tells an origin which header fields the viewer sent.
    pub states_header_names: bool,
    /// Which countries' viewers are served; `None`: all.
    pub geo_restriction: Option<GeoRestriction>,
    /// Whether viewers are asked for certificates, and whose are taken; `None`: they are not asked.
    pub viewer_mtls: Option<ViewerMtls>,
}

impl Distribution {
    /// Every origin that requests may go to, some of them more than once.
    pub fn origins(&self) -> impl Iterator<Item = &Arc<Origin>> {
        self.behaviors.iter().flat_map(|behavior| behavior.target.origins())
    }

    /// Whether a behavior tells an origin what the viewer's device is.
    pub fn asks_for_devices(&self) -> bool {
        self.behaviors.iter().any(|behavior| behavior.forwarding.states(|fact| matches!(fact, ViewerFact::Device(_))))
    }
}

/// A certificate chain and its private key, both PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct CertificatePem {
    /// Leaf first.
    pub chain_pem: String,
    /// Never logged.
    pub key_pem: String,
    /// What its authority says of it.
    pub ocsp: Option<OcspResponse>,
}

/// An OCSP response that viewers are shown beside a certificate (RFC 6066 section 8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OcspResponse {
    /// DER, as hexadecimal digits.
    pub response: String,
    /// From then on it is not shown; seconds since the epoch.
    pub expires: u64,
    /// Whether it says that the certificate is revoked.
    pub revoked: bool,
}

impl std::fmt::Debug for CertificatePem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("CertificatePem(..)")
    }
}

/// What happens to the requests that a path pattern matches.
#[derive(Debug)]
pub struct CacheBehavior {
    /// The paths it is for.
    pub path_pattern: PathPattern,
    /// Where misses go.
    pub target: Target,
    /// Which of http and https viewers may use.
    pub viewer_protocol: ViewerProtocol,
    /// Methods that are served.
    pub allowed_methods: Methods,
    /// Methods whose responses may be stored.
    pub cached_methods: Methods,
    /// Whether responses are compressed for viewers who accept a coding.
    pub compress: bool,
    /// What makes up the cache key, and for how long responses stay fresh.
    pub cache: CachePolicy,
    /// What of the request reaches the origin.
    pub forwarding: Forwarding,
    /// What is changed in responses on their way to the viewer.
    pub response_headers: Option<ResponseHeadersPolicy>,
    /// Whether gRPC requests go to the origin as such.
    pub grpc: bool,
}

impl CacheBehavior {
    /// Whether requests with `method` are served. CloudFront knows seven methods; by RFC 9111 section 4 a cache writes
    /// through what it does not know, so with its rules all seven stand for all. TRACE would show the origin's secrets.
    pub fn allows(&self, method: &Method) -> bool {
        let writes_through = self.cache.rules == CachingRules::Rfc9111 && self.allowed_methods == Methods::all();
        self.allowed_methods.contains(method) || (writes_through && *method != Method::TRACE)
    }
}

/// ViewerProtocolPolicy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewerProtocol {
    /// Both http and https.
    AllowAll,
    /// http is refused with 403.
    HttpsOnly,
    /// http is answered with a redirect.
    RedirectToHttps,
}

/// A set of request methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Methods(u8);

impl Methods {
    /// The methods CloudFront knows, in the order of the bits.
    const KNOWN: [Method; 7] =
        [Method::GET, Method::HEAD, Method::OPTIONS, Method::PUT, Method::POST, Method::PATCH, Method::DELETE];

    /// The set of `names`, or the first name that is no method CloudFront knows.
    pub(crate) fn parse(names: &[String]) -> Result<Methods, &str> {
        names.iter().try_fold(Methods(0), |set, name| {
            let known = Methods::KNOWN.iter().position(|method| method.as_str() == name);
            known.map(|bit| Methods(set.0 | 1 << bit)).ok_or(name.as_str())
        })
    }

    const fn all() -> Methods {
        Methods(0x7f)
    }

    /// Whether `method` is in the set.
    pub fn contains(self, method: &Method) -> bool {
        Methods::KNOWN.iter().position(|known| known == method).is_some_and(|bit| self.0 & (1 << bit) != 0)
    }
}

/// The cache policy of a behavior.
#[derive(Debug)]
pub struct CachePolicy {
    /// Seconds.
    pub min_ttl: u64,
    /// Seconds.
    pub default_ttl: u64,
    /// Seconds.
    pub max_ttl: u64,
    /// EnableAcceptEncodingGzip.
    pub gzip: bool,
    /// EnableAcceptEncodingBrotli.
    pub brotli: bool,
    /// Whose rules decide what is stored and reused.
    pub rules: CachingRules,
    /// Request header fields in the key, forwarded to the origin.
    pub headers: HeaderSelection,
    /// Cookies in the key, forwarded to the origin.
    pub cookies: Selection,
    /// Query strings in the key, forwarded to the origin.
    pub query_strings: Selection,
}

impl CachePolicy {
    /// Whether anything can be stored at all: with every TTL 0 CloudFront does not cache.
    pub fn allows_caching(&self) -> bool {
        self.max_ttl > 0
    }

    /// Whether Accept-Encoding is normalised, so that it is part of the key by what is accepted alone.
    pub fn normalizes_codings(&self) -> bool {
        self.gzip || self.brotli
    }

    /// Whether zstd is one of the codings. CloudFront has none.
    pub fn zstd(&self) -> bool {
        self.normalizes_codings() && self.rules == CachingRules::Rfc9111
    }
}

/// Whose rules decide what is stored, for how long, and which requests it answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CachingRules {
    /// CloudFront's, as its guide describes them.
    #[default]
    CloudFront,
    /// Those of RFC 9111, for a shared cache; of the policy, the TTLs only bound them.
    Rfc9111,
}

/// Which request header fields belong to the cache key: none, or these.
#[derive(Debug, Default)]
pub struct HeaderSelection(pub Vec<HeaderName>);

/// An origin and how to reach it.
#[derive(Debug)]
pub struct Origin {
    /// Its id within the distribution.
    pub id: String,
    /// S3 bucket or custom origin.
    pub kind: OriginKind,
    /// The name that is resolved, verified and sent as Host.
    pub domain_name: Arc<str>,
    /// Put before the path of every request; starts with `/` and does not end with one, or is empty.
    pub path: String,
    /// Which scheme requests use.
    pub protocol: OriginProtocol,
    /// For http.
    pub http_port: u16,
    /// For https.
    pub https_port: u16,
    /// Origin custom headers; they replace what the viewer sent.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// How often a connection is tried.
    pub connection_attempts: u8,
    /// Bound on one attempt.
    pub connection_timeout: Duration,
    /// Bound on the wait for the first byte and between two reads.
    pub response_timeout: Duration,
    /// How long an idle connection is kept.
    pub keepalive_timeout: Duration,
    /// Set when requests are signed (origin access control).
    pub signing: Option<SigningRules>,
    /// Which of its addresses are used.
    pub ip_address_type: IpAddressType,
    /// Bound on a whole response, from the first attempt to ask for it.
    pub response_completion_timeout: Option<Duration>,
    /// What it is shown where it asks for a certificate.
    pub client_certificate: Option<CertificatePem>,
}

/// IpAddressType of an origin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IpAddressType {
    /// Its IPv4 addresses.
    Ipv4,
    /// Its IPv6 addresses.
    Ipv6,
    /// All of them.
    #[default]
    Dualstack,
}

/// The two kinds of origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OriginKind {
    /// An S3 bucket.
    S3,
    /// Any HTTP server.
    Custom,
}

/// OriginProtocolPolicy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OriginProtocol {
    /// Always http.
    HttpOnly,
    /// Always https.
    HttpsOnly,
    /// As the viewer's request came.
    MatchViewer,
}

/// How requests to an origin are signed with SigV4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningRules {
    /// `s3`.
    pub service: String,
    /// The bucket's region.
    pub region: String,
    /// When to sign.
    pub behavior: SigningBehavior,
}

/// SigningBehavior of an origin access control.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningBehavior {
    /// Every request, in place of what the viewer sent.
    Always,
    /// No request.
    Never,
    /// Only requests without an Authorization of the viewer's.
    NoOverride,
}

/// An order to invalidate: every stored response that a pattern matches and that was filled before `sequence`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidationOrder {
    /// Distribution id.
    pub distribution: String,
    /// Counts up per distribution.
    pub sequence: u64,
    /// Paths, where a trailing `*` is a wildcard, and tags: `#header:tag`.
    pub patterns: Vec<String>,
}
