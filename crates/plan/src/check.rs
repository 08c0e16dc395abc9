//! From a document to the types of `types`: whatever contradicts itself is rejected here, with a reason.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use edgeward_http_rules::{Selection, SelectionMode};
use http::{HeaderName, HeaderValue};
use thiserror::Error;

use crate::document::{
    BehaviorDocument, CacheDocument, CertificateDocument, DistributionDocument, KindDocument, ModeDocument,
    OcspDocument, OriginDocument, OriginRequestDocument, ProtocolDocument, RulesDocument, SelectionDocument,
    SigningBehaviorDocument, ViewerProtocolDocument,
};
use crate::error_responses::ErrorResponses;
use crate::forwarding::{ForwardedHeaders, Forwarding};
use crate::geo_restriction::GeoRestriction;
use crate::matching::PathPattern;
use crate::origin_groups::{self, Target};
use crate::response_headers::ResponseHeadersDocument;
use crate::types::{
    CacheBehavior, CachePolicy, CachingRules, CertificatePem, Distribution, HeaderSelection, Methods, OcspResponse,
    Origin, OriginKind, OriginProtocol, SigningBehavior, SigningRules, ViewerProtocol,
};
use crate::viewer_fact::ViewerFact;
use crate::viewer_mtls::ViewerMtls;

/// Why an edge does not take a plan or an invalidation order; what it had goes on serving.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Rejected {
    /// Not JSON, a field missing, unknown, or of a wrong type.
    #[error("the document cannot be read: {0}")]
    Unreadable(String),
    /// Written for another version of the edge.
    #[error("format {found} is not known here; this edge reads format {known}")]
    Format {
        /// What the document says.
        found: u32,
        /// What this edge reads.
        known: u32,
    },
    /// A change on top of a plan that this edge does not have; it needs a whole plan.
    #[error("the change builds on plan {base}, this edge has plan {current}; send a whole plan")]
    Base {
        /// What the change builds on.
        base: u64,
        /// What the edge has.
        current: u64,
    },
    /// Older than what the edge has.
    #[error("plan {sequence} is not newer than plan {current}, which is live")]
    Sequence {
        /// Of the document.
        sequence: u64,
        /// Of the live plan.
        current: u64,
    },
    /// A distribution that contradicts itself.
    #[error("distribution {distribution}: {reason}")]
    Distribution {
        /// Its id.
        distribution: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An answer to a certificate authority that is none.
    #[error("challenge of {0}")]
    Challenge(String),
    /// An invalidation order for a pattern that is none.
    #[error("invalidation pattern {0:?} is neither a path that starts with / nor #header:tag")]
    Pattern(String),
    /// An invalidation that holds now and would not after a restart: it could not be written down.
    #[error("the order is carried out and could not be written down, send it again: {0}")]
    NotWritten(String),
    /// A plan that asks for what this edge has no means to tell.
    #[error("this edge cannot tell devices apart: {0}")]
    Devices(String),
    /// A certificate that cannot be used.
    #[error("certificate of {owner}: {reason}")]
    Certificate {
        /// A distribution id, or `the edge` for the default certificate.
        owner: String,
        /// What is wrong with it.
        reason: String,
    },
}

pub(crate) fn distribution(id: &str, document: DistributionDocument) -> Result<Distribution, Rejected> {
    build(id, document).map_err(|reason| Rejected::Distribution { distribution: id.to_owned(), reason })
}

fn build(id: &str, document: DistributionDocument) -> Result<Distribution, String> {
    let origins = document
        .origins
        .into_iter()
        .map(|(id, origin)| Ok((id.clone(), Arc::new(self::origin(id, origin)?))))
        .collect::<Result<BTreeMap<_, _>, String>>()?;
    let viewer_mtls = document.viewer_mtls.map(ViewerMtls::check).transpose()?;
    let targets = origin_groups::targets(origins, document.origin_groups)?;
    let behaviors = document
        .behaviors
        .into_iter()
        .map(|behavior| self::behavior(behavior, &targets, viewer_mtls.as_ref()).map(Arc::new))
        .collect::<Result<Vec<_>, String>>()?;
    if behaviors.last().is_none_or(|last| last.path_pattern.as_str() != "*") {
        return Err("the last behavior is the default one and has the path pattern *".to_owned());
    }
    if viewer_mtls.is_some() {
        ViewerMtls::check_reach(document.http3, &behaviors)?;
    }
    let states_header_names =
        behaviors.iter().any(|behavior| behavior.forwarding.states(ViewerFact::is_about_header_names));
    Ok(Distribution {
        states_header_names,
        id: id.into(),
        arn: document.arn,
        domain_name: document.domain_name.to_ascii_lowercase(),
        aliases: document.aliases.iter().map(|alias| alias.to_ascii_lowercase()).collect(),
        enabled: document.enabled,
        certificate: document.certificate.map(certificate),
        security_policy: document.security_policy,
        default_root_object: document.default_root_object,
        http2: document.http2,
        http3: document.http3,
        behaviors,
        viewer_mtls,
        geo_restriction: document.geo_restriction.map(GeoRestriction::check).transpose()?,
        error_responses: ErrorResponses::check(document.error_responses)?,
        cache_tag_header: document.cache_tag_header.map(|name| header_name(&name)).transpose()?,
    })
}

pub(crate) fn certificate(document: CertificateDocument) -> CertificatePem {
    let ocsp =
        document.ocsp.map(|OcspDocument { response, expires, revoked }| OcspResponse { response, expires, revoked });
    CertificatePem { chain_pem: document.chain_pem, key_pem: document.key_pem, ocsp }
}

fn origin(id: String, document: OriginDocument) -> Result<Origin, String> {
    if !document.path.is_empty() && (!document.path.starts_with('/') || document.path.ends_with('/')) {
        return Err(format!("origin {id}: path {:?} starts with / and does not end with it", document.path));
    }
    if document.connection_attempts == 0 {
        return Err(format!("origin {id}: at least one connection attempt"));
    }
    let headers = document
        .headers
        .iter()
        .map(|(name, value)| header(name, value).ok_or_else(|| format!("origin {id}: header {name:?} is malformed")))
        .collect::<Result<_, _>>()?;
    let seconds = |value: u32| Duration::from_secs(u64::from(value));
    Ok(Origin {
        kind: match document.kind {
            KindDocument::S3 => OriginKind::S3,
            KindDocument::Custom => OriginKind::Custom,
        },
        domain_name: document.domain_name.to_ascii_lowercase().into(),
        path: document.path,
        protocol: match document.protocol {
            ProtocolDocument::HttpOnly => OriginProtocol::HttpOnly,
            ProtocolDocument::HttpsOnly => OriginProtocol::HttpsOnly,
            ProtocolDocument::MatchViewer => OriginProtocol::MatchViewer,
        },
        http_port: document.http_port,
        https_port: document.https_port,
        headers,
        connection_attempts: document.connection_attempts,
        connection_timeout: seconds(document.connection_timeout),
        response_timeout: seconds(document.response_timeout),
        keepalive_timeout: seconds(document.keepalive_timeout),
        signing: document.signing.map(|signing| SigningRules {
            service: signing.service,
            region: signing.region,
            behavior: match signing.behavior {
                SigningBehaviorDocument::Always => SigningBehavior::Always,
                SigningBehaviorDocument::Never => SigningBehavior::Never,
                SigningBehaviorDocument::NoOverride => SigningBehavior::NoOverride,
            },
        }),
        ip_address_type: document.ip_address_type,
        response_completion_timeout: document.response_completion_timeout.map(seconds),
        client_certificate: document.client_certificate.map(certificate),
        id,
    })
}

fn header(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_str(value).ok()?))
}

fn behavior(
    document: BehaviorDocument,
    targets: &BTreeMap<String, Target>,
    viewer_mtls: Option<&ViewerMtls>,
) -> Result<CacheBehavior, String> {
    let pattern = &document.path_pattern;
    let target = targets
        .get(&document.origin)
        .ok_or_else(|| format!("behavior {pattern}: there is no origin {:?}", document.origin))?;
    let methods = |names: &[String]| {
        Methods::parse(names).map_err(|name| format!("behavior {pattern}: {name:?} is no method CloudFront knows"))
    };
    let in_behavior = |reason: String| format!("behavior {pattern}: {reason}");
    let cache = cache_policy(document.cache).map_err(in_behavior)?;
    let forwarding = forwarding(document.origin_request, &cache, viewer_mtls).map_err(in_behavior)?;
    let response_headers =
        document.response_headers.map(ResponseHeadersDocument::check).transpose().map_err(in_behavior)?;
    Ok(CacheBehavior {
        path_pattern: PathPattern::new(pattern),
        target: target.clone(),
        viewer_protocol: match document.viewer_protocol {
            ViewerProtocolDocument::AllowAll => ViewerProtocol::AllowAll,
            ViewerProtocolDocument::HttpsOnly => ViewerProtocol::HttpsOnly,
            ViewerProtocolDocument::RedirectToHttps => ViewerProtocol::RedirectToHttps,
        },
        allowed_methods: methods(&document.allowed_methods)?,
        cached_methods: methods(&document.cached_methods)?,
        compress: document.compress,
        cache,
        forwarding,
        response_headers,
        grpc: document.grpc,
    })
}

fn cache_policy(document: CacheDocument) -> Result<CachePolicy, String> {
    if document.min_ttl > document.max_ttl {
        return Err(format!("min_ttl {} is over max_ttl {}", document.min_ttl, document.max_ttl));
    }
    Ok(CachePolicy {
        min_ttl: document.min_ttl,
        default_ttl: document.default_ttl,
        max_ttl: document.max_ttl,
        gzip: document.gzip,
        brotli: document.brotli,
        rules: match document.rules {
            RulesDocument::CloudFront => CachingRules::CloudFront,
            RulesDocument::Rfc9111 => CachingRules::Rfc9111,
        },
        headers: header_selection(document.headers)?,
        cookies: selection(document.cookies),
        query_strings: selection(document.query_strings),
    })
}

fn header_selection(document: SelectionDocument) -> Result<HeaderSelection, String> {
    match document.mode {
        ModeDocument::None => Ok(HeaderSelection::default()),
        ModeDocument::Whitelist => {
            let mut names = header_names(&document.names)?;
            // The order in which a policy lists its headers must not make another key.
            names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
            Ok(HeaderSelection(names))
        }
        ModeDocument::AllExcept | ModeDocument::All | ModeDocument::Patterns => {
            Err("headers are selected by none or whitelist".to_owned())
        }
    }
}

fn header_names(names: &[String]) -> Result<Vec<HeaderName>, String> {
    names.iter().map(|name| header_name(name)).collect()
}

fn header_name(name: &str) -> Result<HeaderName, String> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("header name {name:?} is malformed"))
}

fn forwarding(
    document: Option<OriginRequestDocument>,
    key: &CachePolicy,
    viewer_mtls: Option<&ViewerMtls>,
) -> Result<Forwarding, String> {
    let nothing = || Selection::new(SelectionMode::None, [""; 0]);
    let (headers, cookies, query_strings) = match document {
        None => (ForwardedHeaders::Listed(Vec::new()), nothing(), nothing()),
        Some(policy) => {
            (forwarded_headers(policy.headers)?, selection(policy.cookies), selection(policy.query_strings))
        }
    };
    let headers = headers.joined_with(&key.headers.0);
    Ok(Forwarding {
        viewer_facts: ViewerFact::asked_for(key, &headers, viewer_mtls)?,
        headers,
        cookies: cookies.union(&key.cookies),
        query_strings: query_strings.union(&key.query_strings),
    })
}

fn forwarded_headers(document: SelectionDocument) -> Result<ForwardedHeaders, String> {
    let names = header_names(&document.names)?;
    match document.mode {
        ModeDocument::None | ModeDocument::Whitelist => Ok(ForwardedHeaders::Listed(names)),
        ModeDocument::AllExcept => Ok(ForwardedHeaders::All { except: names, also: Vec::new() }),
        ModeDocument::All => Ok(ForwardedHeaders::All { except: Vec::new(), also: names }),
        ModeDocument::Patterns => Err("header names are no patterns".to_owned()),
    }
}

fn selection(document: SelectionDocument) -> Selection {
    let mode = match document.mode {
        ModeDocument::Patterns => return Selection::with_wildcards(SelectionMode::Whitelist, document.names),
        ModeDocument::None => SelectionMode::None,
        ModeDocument::Whitelist => SelectionMode::Whitelist,
        ModeDocument::AllExcept => SelectionMode::AllExcept,
        ModeDocument::All => SelectionMode::All,
    };
    Selection::new(mode, document.names)
}
