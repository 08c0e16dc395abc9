//! Whether the viewers of a distribution are asked for certificates, and whose are taken (guide, mtls-authentication).
//!
//! Invariant: a distribution that asks is reached over TLS on TCP alone, whatever the document says: neither http nor
//! HTTP/3 has a handshake in which it could ask. Read by `proxy`, which has `net` carry it out.

use aws_lc_rs::digest::{Context, SHA256};
use serde::Deserialize;

use crate::types::{CacheBehavior, ViewerProtocol};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ViewerMtlsDocument {
    mode: ViewerMtlsMode,
    /// Absent in passthrough mode alone.
    #[serde(default)]
    trust_store: Option<TrustStoreDocument>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TrustStoreDocument {
    authorities_pem: String,
    advertise_names: bool,
    ignore_expiry: bool,
}

/// ViewerMtlsConfig.Mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ViewerMtlsMode {
    /// Nobody is served without a certificate that the trust store vouches for.
    Required,
    /// Such a certificate, or none.
    Optional,
    /// Any certificate or none; the origin is told of it and verifies it.
    Passthrough,
}

/// ViewerMtlsConfig, with what its trust store holds.
#[derive(Debug)]
pub struct ViewerMtls {
    /// Who is served.
    pub mode: ViewerMtlsMode,
    /// `None` in passthrough mode alone.
    pub trust_store: Option<ViewerTrustStore>,
    /// Of all the above: two that are equal ask for the same.
    pub digest: [u8; 32],
}

/// The authorities of a trust store and how a distribution uses them.
#[derive(Debug)]
pub struct ViewerTrustStore {
    /// Their certificates.
    pub authorities_pem: String,
    /// Whether viewers are told their names.
    pub advertise_names: bool,
    /// Whether certificates are taken before and after their time.
    pub ignore_expiry: bool,
}

impl ViewerMtls {
    pub(crate) fn check(document: ViewerMtlsDocument) -> Result<ViewerMtls, String> {
        let ViewerMtlsDocument { mode, trust_store } = document;
        if trust_store.is_some() == (mode == ViewerMtlsMode::Passthrough) {
            return Err("viewer_mtls: required and optional have a trust store, passthrough has none".to_owned());
        }
        let trust_store = trust_store.map(|TrustStoreDocument { authorities_pem, advertise_names, ignore_expiry }| {
            ViewerTrustStore { authorities_pem, advertise_names, ignore_expiry }
        });
        Ok(ViewerMtls { mode, digest: digest(mode, trust_store.as_ref()), trust_store })
    }

    /// What keeps a distribution with these cache behaviors from asking viewers for certificates.
    pub(crate) fn check_reach(http3: bool, behaviors: &[std::sync::Arc<CacheBehavior>]) -> Result<(), String> {
        if http3 {
            return Err("viewer_mtls: HTTP/3 asks no viewer for a certificate".to_owned());
        }
        match behaviors.iter().find(|behavior| behavior.viewer_protocol == ViewerProtocol::AllowAll) {
            Some(behavior) => Err(format!("viewer_mtls: behavior {} allows http", behavior.path_pattern.as_str())),
            None => Ok(()),
        }
    }
}

/// The text comes last, so that no two of different parts are made of the same bytes.
fn digest(mode: ViewerMtlsMode, store: Option<&ViewerTrustStore>) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(&[mode as u8]);
    if let Some(store) = store {
        context.update(&[u8::from(store.advertise_names), u8::from(store.ignore_expiry)]);
        context.update(store.authorities_pem.as_bytes());
    }
    let mut made = [0; 32];
    made.copy_from_slice(context.finish().as_ref());
    made
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(document: serde_json::Value) -> Result<ViewerMtls, String> {
        ViewerMtls::check(serde_json::from_value(document).unwrap())
    }

    #[test]
    fn a_trust_store_goes_with_the_modes_that_verify() {
        let store = json!({"authorities_pem": "pem", "advertise_names": true, "ignore_expiry": false});
        for (document, is_sound) in [
            (json!({"mode": "required", "trust_store": store}), true),
            (json!({"mode": "optional", "trust_store": store}), true),
            (json!({"mode": "passthrough"}), true),
            (json!({"mode": "required"}), false),
            (json!({"mode": "optional", "trust_store": null}), false),
            (json!({"mode": "passthrough", "trust_store": store}), false),
        ] {
            assert_eq!(checked(document.clone()).is_ok(), is_sound, "{document}");
        }
    }

    #[test]
    fn the_digest_differs_with_every_part() {
        let document = |mode: &str, pem: &str, advertise: bool, ignore: bool| {
            json!({"mode": mode, "trust_store": {
                "authorities_pem": pem, "advertise_names": advertise, "ignore_expiry": ignore,
            }})
        };
        let documents = [
            document("required", "a", false, false),
            document("optional", "a", false, false),
            document("required", "b", false, false),
            document("required", "a", true, false),
            document("required", "a", false, true),
            json!({"mode": "passthrough"}),
        ];
        let digests: Vec<_> = documents.iter().map(|document| checked(document.clone()).unwrap().digest).collect();
        for (place, digest) in digests.iter().enumerate() {
            assert_eq!(digests.iter().position(|other| other == digest), Some(place), "{}", documents[place]);
            assert_eq!(checked(documents[place].clone()).unwrap().digest, *digest);
        }
    }
}
