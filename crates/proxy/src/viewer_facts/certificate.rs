//! What certificate the viewer has shown (guide, viewer-mtls-headers and mtls-validation-modes).
//!
//! Invariant: everything comes from the handshake. A field is left out where the distribution asks for no certificate, and
//! all but `Present` where the viewer has none. Pure. Called by `viewer_facts`.

use edgeward_net::{ShownCertificate, TlsSession};
use edgeward_plan::{CertificateFact, Distribution, ViewerMtlsMode};
use http::HeaderValue;

/// `None` leaves the field out.
pub(super) fn value(
    fact: CertificateFact,
    session: Option<&TlsSession>,
    distribution: &Distribution,
) -> Option<HeaderValue> {
    let asked = distribution.viewer_mtls.as_ref()?;
    let shown = session?.shown.as_ref()?;
    let text = match fact {
        CertificateFact::Leaf | CertificateFact::Chain if asked.mode != ViewerMtlsMode::Passthrough => return None,
        CertificateFact::Present => return Some(HeaderValue::from_static(present(shown))),
        CertificateFact::SerialNumber => shown.facts()?.serial_number.clone(),
        CertificateFact::Issuer => shown.facts()?.issuer.clone(),
        CertificateFact::Subject => shown.facts()?.subject.clone(),
        CertificateFact::Sha256 => shown.facts()?.sha256.clone(),
        CertificateFact::Validity => shown.facts()?.validity.clone(),
        CertificateFact::Pem => shown.percent_encoded_pem()?,
        CertificateFact::Leaf => shown.leaf_field()?,
        CertificateFact::Chain => shown.chain_field()?,
    };
    HeaderValue::from_str(&text).ok()
}

fn present(shown: &ShownCertificate) -> &'static str {
    if shown.chain().is_empty() { "0" } else { "1" }
}
