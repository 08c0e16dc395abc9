//! The header fields in which the edge itself tells origins about viewers (guide, adding-cloudfront-headers).
//!
//! Invariant: a field of CloudFront's that is not among them is refused with the plan, so none is ever left as a viewer
//! sent it. Asked for by `forwarding`; written by `proxy::viewer_facts`.

use http::{HeaderName, header};

use crate::forwarding::ForwardedHeaders;
use crate::types::CachePolicy;
use crate::viewer_mtls::ViewerMtls;

/// A field about the viewer that the edge states, in place of what the viewer may have sent under its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewerFact {
    /// `Host`, which HTTP/2 carries as `:authority`.
    Host,
    /// What the viewer's device is, by its User-Agent.
    Device(DeviceFact),
    /// Where the viewer is, by its address.
    Place(PlaceFact),
    /// How the request came.
    Transport(TransportFact),
    /// What certificate the viewer has shown, where it was asked for one.
    Certificate(CertificateFact),
}

/// `CloudFront-Is-...-Viewer`: `true` or `false`; several may be true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceFact {
    /// Runs Android.
    Android,
    /// Neither mobile nor tablet nor TV.
    Desktop,
    /// Runs iOS or iPadOS.
    Ios,
    /// A telephone or another device that is held in a hand.
    Mobile,
    /// A TV, or a box at one.
    SmartTv,
    /// A tablet.
    Tablet,
}

/// `CloudFront-Viewer-...`, absent where the edge's data do not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceFact {
    /// Number of the autonomous system.
    Asn,
    /// Name of the city.
    City,
    /// ISO 3166-1 alpha-2.
    Country,
    /// Name of the country.
    CountryName,
    /// ISO 3166-2 without the country.
    Region,
    /// Name of the region.
    RegionName,
    /// Degrees.
    Latitude,
    /// Degrees.
    Longitude,
    /// Of the United States.
    MetroCode,
    /// Postal code.
    PostalCode,
    /// IANA name.
    TimeZone,
}

/// What connection and header section tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportFact {
    /// `CloudFront-Viewer-Address`: address and port.
    Address,
    /// `CloudFront-Forwarded-Proto`: `http` or `https`.
    ForwardedProto,
    /// `CloudFront-Viewer-Header-Count`: how many header fields the viewer sent.
    HeaderCount,
    /// `CloudFront-Viewer-Header-Order`: their names in order, with `:` between them.
    HeaderOrder,
    /// `CloudFront-Viewer-Http-Version`: `1.1`, `2.0`.
    HttpVersion,
    /// `CloudFront-Viewer-JA3-Fingerprint` of the ClientHello; absent over http.
    Ja3,
    /// `CloudFront-Viewer-JA4-Fingerprint` of the ClientHello; absent over http.
    Ja4,
    /// `CloudFront-Viewer-TLS`: version, cipher and kind of handshake; absent over http.
    Tls,
}

/// What a viewer's certificate says; absent where it was not asked for one, and all but `Present` where it has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateFact {
    /// `CloudFront-Viewer-Cert-Serial-Number`.
    SerialNumber,
    /// `CloudFront-Viewer-Cert-Issuer`.
    Issuer,
    /// `CloudFront-Viewer-Cert-Subject`.
    Subject,
    /// `CloudFront-Viewer-Cert-Present`: `1` or `0`.
    Present,
    /// `CloudFront-Viewer-Cert-Sha256`.
    Sha256,
    /// `CloudFront-Viewer-Cert-Validity`.
    Validity,
    /// `CloudFront-Viewer-Cert-Pem`, percent-encoded.
    Pem,
    /// `Client-Cert` (RFC 9440), in passthrough mode.
    Leaf,
    /// `Client-Cert-Chain` (RFC 9440): what stands above the leaf, in passthrough mode.
    Chain,
}

const DEVICE: [(DeviceFact, &str); 6] = [
    (DeviceFact::Android, "cloudfront-is-android-viewer"),
    (DeviceFact::Desktop, "cloudfront-is-desktop-viewer"),
    (DeviceFact::Ios, "cloudfront-is-ios-viewer"),
    (DeviceFact::Mobile, "cloudfront-is-mobile-viewer"),
    (DeviceFact::SmartTv, "cloudfront-is-smarttv-viewer"),
    (DeviceFact::Tablet, "cloudfront-is-tablet-viewer"),
];

const PLACE: [(PlaceFact, &str); 11] = [
    (PlaceFact::Asn, "cloudfront-viewer-asn"),
    (PlaceFact::City, "cloudfront-viewer-city"),
    (PlaceFact::Country, "cloudfront-viewer-country"),
    (PlaceFact::CountryName, "cloudfront-viewer-country-name"),
    (PlaceFact::Region, "cloudfront-viewer-country-region"),
    (PlaceFact::RegionName, "cloudfront-viewer-country-region-name"),
    (PlaceFact::Latitude, "cloudfront-viewer-latitude"),
    (PlaceFact::Longitude, "cloudfront-viewer-longitude"),
    (PlaceFact::MetroCode, "cloudfront-viewer-metro-code"),
    (PlaceFact::PostalCode, "cloudfront-viewer-postal-code"),
    (PlaceFact::TimeZone, "cloudfront-viewer-time-zone"),
];

const TRANSPORT: [(TransportFact, &str); 8] = [
    (TransportFact::Address, "cloudfront-viewer-address"),
    (TransportFact::ForwardedProto, "cloudfront-forwarded-proto"),
    (TransportFact::HeaderCount, "cloudfront-viewer-header-count"),
    (TransportFact::HeaderOrder, "cloudfront-viewer-header-order"),
    (TransportFact::HttpVersion, "cloudfront-viewer-http-version"),
    (TransportFact::Ja3, "cloudfront-viewer-ja3-fingerprint"),
    (TransportFact::Ja4, "cloudfront-viewer-ja4-fingerprint"),
    (TransportFact::Tls, "cloudfront-viewer-tls"),
];

const CERTIFICATE: [(CertificateFact, &str); 7] = [
    (CertificateFact::SerialNumber, "cloudfront-viewer-cert-serial-number"),
    (CertificateFact::Issuer, "cloudfront-viewer-cert-issuer"),
    (CertificateFact::Subject, "cloudfront-viewer-cert-subject"),
    (CertificateFact::Present, "cloudfront-viewer-cert-present"),
    (CertificateFact::Sha256, "cloudfront-viewer-cert-sha256"),
    (CertificateFact::Validity, "cloudfront-viewer-cert-validity"),
    (CertificateFact::Pem, "cloudfront-viewer-cert-pem"),
];

/// The fields of any proxy that speaks for its viewers (RFC 9440). A distribution that asks viewers for certificates never
/// lets them say themselves what they have shown.
const CLIENT_CERTIFICATE: [(CertificateFact, &str); 2] =
    [(CertificateFact::Leaf, "client-cert"), (CertificateFact::Chain, "client-cert-chain")];

impl ViewerFact {
    pub(crate) fn is_about_header_names(self) -> bool {
        matches!(self, ViewerFact::Transport(TransportFact::HeaderCount | TransportFact::HeaderOrder))
    }

    /// Each with the field that states it.
    fn all() -> impl Iterator<Item = (ViewerFact, HeaderName)> {
        let device = DEVICE.into_iter().map(|(fact, field)| (ViewerFact::Device(fact), field));
        let place = PLACE.into_iter().map(|(fact, field)| (ViewerFact::Place(fact), field));
        let transport = TRANSPORT.into_iter().map(|(fact, field)| (ViewerFact::Transport(fact), field));
        let certificate = CERTIFICATE.into_iter().map(|(fact, field)| (ViewerFact::Certificate(fact), field));
        let of_the_edge = device.chain(place).chain(transport).chain(certificate);
        std::iter::once((ViewerFact::Host, header::HOST))
            .chain(of_the_edge.map(|(fact, field)| (fact, HeaderName::from_static(field))))
    }

    fn of_client_certificates() -> impl Iterator<Item = (ViewerFact, HeaderName)> {
        let with_name = |(fact, field)| (ViewerFact::Certificate(fact), HeaderName::from_static(field));
        CLIENT_CERTIFICATE.into_iter().map(with_name)
    }

    /// Those that `key` and `forwarded` ask for, with their fields; an error names a field of CloudFront's that this edge
    /// cannot write.
    pub(crate) fn asked_for(
        key: &CachePolicy,
        forwarded: &ForwardedHeaders,
        viewer_mtls: Option<&ViewerMtls>,
    ) -> Result<Vec<(ViewerFact, HeaderName)>, String> {
        let named = || key.headers.0.iter().chain(forwarded.named());
        let is_known = |name: &HeaderName| ViewerFact::all().any(|(_, field)| field == *name);
        match named().find(|name| name.as_str().starts_with("cloudfront-") && !is_known(name)) {
            Some(unknown) => Err(format!("this edge cannot write the header {unknown}")),
            None => Ok(ViewerFact::all()
                .chain(viewer_mtls.into_iter().flat_map(|_asked| ViewerFact::of_client_certificates()))
                .filter(|(_, field)| forwarded.forwards(field) || named().any(|name| name == field))
                .collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use edgeward_http_rules::{Selection, SelectionMode};

    use super::*;
    use crate::types::{CachingRules, HeaderSelection};

    fn names(names: &[&'static str]) -> Vec<HeaderName> {
        names.iter().map(|name| HeaderName::from_static(name)).collect()
    }

    fn key(headers: &[&'static str]) -> CachePolicy {
        CachePolicy {
            min_ttl: 0,
            default_ttl: 0,
            max_ttl: 0,
            gzip: false,
            brotli: false,
            rules: CachingRules::CloudFront,
            headers: HeaderSelection(names(headers)),
            cookies: Selection::new(SelectionMode::None, [""; 0]),
            query_strings: Selection::new(SelectionMode::None, [""; 0]),
        }
    }

    #[test]
    fn the_edge_states_what_key_or_policy_name() {
        let all = |except: &[&'static str], also: &[&'static str]| ForwardedHeaders::All {
            except: names(except),
            also: names(also),
        };
        let listed = |listed: &[&'static str]| ForwardedHeaders::Listed(names(listed));
        let proto = ViewerFact::Transport(TransportFact::ForwardedProto);
        for (key, forwarded, facts) in [
            (key(&["x-a"]), listed(&["referer"]), vec![]),
            (key(&[]), listed(&["host"]), vec![ViewerFact::Host]),
            (key(&["cloudfront-forwarded-proto"]), listed(&[]), vec![proto]),
            (
                key(&["cloudfront-is-tablet-viewer"]),
                listed(&["cloudfront-viewer-asn"]),
                vec![ViewerFact::Device(DeviceFact::Tablet), ViewerFact::Place(PlaceFact::Asn)],
            ),
            (
                key(&[]),
                all(&[], &["cloudfront-viewer-address"]),
                vec![ViewerFact::Host, ViewerFact::Transport(TransportFact::Address)],
            ),
            (key(&[]), all(&["host"], &[]), vec![]),
        ] {
            let asked: Vec<ViewerFact> =
                ViewerFact::asked_for(&key, &forwarded, None).unwrap().into_iter().map(|(fact, _)| fact).collect();
            assert_eq!(asked, facts, "{key:?} {forwarded:?}");
        }
    }

    #[test]
    fn a_field_that_this_edge_cannot_write_is_an_error_that_names_it() {
        let error =
            ViewerFact::asked_for(&key(&["cloudfront-viewer-shoe-size"]), &ForwardedHeaders::Listed(Vec::new()), None);
        assert_eq!(error, Err("this edge cannot write the header cloudfront-viewer-shoe-size".to_owned()));
    }
}
