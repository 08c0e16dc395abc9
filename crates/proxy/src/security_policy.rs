//! TLS as a distribution asks for it: what the handshake offers under its names, and whether a request belongs on the
//! connection it came over.
//!
//! Invariant: no request reaches a distribution over a session that its security policy does not allow, that was agreed
//! on for another distribution, or whose viewer was not asked for the certificate that the distribution asks for. Pure.
//! Called by `edge` for each plan and by `stages::route` for each request.

use edgeward_net::{TlsSession, ViewerTerms};
use edgeward_plan::{Distribution, Plan};

use crate::refusal::Refusal;

/// What viewers are offered under the names of `distribution`.
pub(crate) fn viewer_terms(distribution: &Distribution) -> ViewerTerms {
    ViewerTerms {
        http2: distribution.http2,
        tls12: distribution.security_policy.allows_tls12(),
        chacha20: distribution.security_policy.allows_chacha20(),
    }
}

/// Whether a request for `host`, which belongs to `distribution`, may come over `session`. The viewer may have asked for
/// another name, or for none, and the policy may have changed since (RFC 9110 section 7.4, RFC 6066 section 3).
pub(crate) fn check(session: &TlsSession, plan: &Plan, distribution: &Distribution, host: &str) -> Result<(), Refusal> {
    if let Some(asked) = session.server_name.as_deref().filter(|asked| *asked != host)
        && plan.distribution_for(asked).is_none_or(|other| other.id != distribution.id)
    {
        return Err(Refusal::Misdirected);
    }
    if !session.is_within(viewer_terms(distribution)) {
        return Err(Refusal::TlsBelowPolicy);
    }
    if is_authenticated(session, distribution) { Ok(()) } else { Err(Refusal::NotAuthenticated) }
}

/// Whether the viewer was asked for a certificate as the distribution has it now: the connection may be for a name that does
/// not ask, for none, or older than the trust store.
fn is_authenticated(session: &TlsSession, distribution: &Distribution) -> bool {
    let Some(asked) = &distribution.viewer_mtls else { return true };
    session.shown.as_ref().is_some_and(|shown| shown.terms() == asked.digest)
}
