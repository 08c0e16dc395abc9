//! Who the edge is to an origin that asks for a certificate (mutual TLS).
//!
//! Invariant: connections and TLS sessions that were made with one certificate are never used with another, or with none.
//! Part of an [`super::OriginAddress`].

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::sign::SingleCertAndKey;

use crate::certificates::Certificate;

/// A certificate that is shown to origins, with the TLS sessions made with it. Its clones are one and the same; two of the
/// same certificate are not.
#[derive(Clone)]
pub struct ClientIdentity(Arc<ClientConfig>);

impl ClientIdentity {
    /// `tls`, but showing `certificate`.
    pub fn new(tls: &ClientConfig, certificate: &Certificate) -> Self {
        let mut config = tls.clone();
        config.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(Arc::clone(certificate.key())));
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        Self(Arc::new(config))
    }

    pub(super) fn tls(&self) -> &Arc<ClientConfig> {
        &self.0
    }
}

impl PartialEq for ClientIdentity {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for ClientIdentity {}

impl Hash for ClientIdentity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl std::fmt::Debug for ClientIdentity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("ClientIdentity(..)")
    }
}

/// Origins whose sessions are remembered for one certificate; as many as the library keeps by itself.
const SESSIONS: usize = 256;
