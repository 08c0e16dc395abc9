//! How the viewers of each distribution are authenticated, made ready for handshakes.
//!
//! Invariant: a plan whose trust stores cannot be read is not taken, so that no name is ever served without the certificate
//! it asks for. What did not change is taken over from the plan before. Called by `edge` for each plan.

use std::sync::Arc;

use ahash::AHashMap;
use edgeward_net::{CertificateDemand, TermsDigest, TrustStore, ViewerAuthentication, ViewerTerms};
use edgeward_plan::{Distribution, Plan, Rejected, ViewerMtls, ViewerMtlsMode};

use crate::security_policy::viewer_terms;

/// By what is asked for and what is offered: distributions with the same share one.
pub(crate) type Authentications = AHashMap<(TermsDigest, ViewerTerms), Arc<ViewerAuthentication>>;

/// What the distributions of `plan` need; `known` is what there is already.
///
/// # Errors
/// A trust store that cannot be read.
pub(crate) fn authentications(plan: &Plan, known: &Authentications) -> Result<Authentications, Rejected> {
    let asking = plan.distributions().filter_map(|found| Some((found, found.viewer_mtls.as_ref()?)));
    asking.map(|(distribution, asked)| ready(distribution, asked, known)).collect()
}

/// That of one distribution.
pub(crate) fn of(distribution: &Distribution, ready: &Authentications) -> Option<Arc<ViewerAuthentication>> {
    let asked = distribution.viewer_mtls.as_ref()?;
    ready.get(&(asked.digest, viewer_terms(distribution))).cloned()
}

fn ready(
    distribution: &Distribution,
    asked: &ViewerMtls,
    known: &Authentications,
) -> Result<((TermsDigest, ViewerTerms), Arc<ViewerAuthentication>), Rejected> {
    let key = (asked.digest, viewer_terms(distribution));
    if let Some(authentication) = known.get(&key) {
        return Ok((key, Arc::clone(authentication)));
    }
    let demand =
        demand(asked).map_err(|reason| Rejected::Certificate { owner: distribution.id.to_string(), reason })?;
    Ok((key, Arc::new(ViewerAuthentication::new(demand, asked.digest))))
}

fn demand(asked: &ViewerMtls) -> Result<CertificateDemand, String> {
    let Some(store) = &asked.trust_store else { return Ok(CertificateDemand::Unverified) };
    let trusted = TrustStore::from_pem(&store.authorities_pem).map_err(|error| error.to_string())?;
    let trusted = Arc::new(trusted.ignoring_expiry(store.ignore_expiry).telling_names(store.advertise_names));
    match asked.mode {
        ViewerMtlsMode::Required => Ok(CertificateDemand::Required(trusted)),
        ViewerMtlsMode::Optional => Ok(CertificateDemand::Optional(trusted)),
        ViewerMtlsMode::Passthrough => Err("a trust store in passthrough mode".to_owned()),
    }
}
