//! Certificates that viewers show (mutual TLS): which names ask for one, who verifies it, and what is kept of it.
//!
//! Invariant: a session carries the terms under which its certificate was asked for, also when it is taken up again; one
//! of other terms is never taken for it. Set by name in `certificates`, carried out by `tls`, read by the pipeline.

mod facts;
#[cfg(test)]
mod tests;
mod trust;
mod verifier;

use std::sync::{Arc, OnceLock};

use rustls::server::ProducesTickets;
use rustls::server::danger::ClientCertVerifier;
use rustls::{HandshakeKind, ServerConfig, ServerConnection};
use rustls_pki_types::{CertificateDer, UnixTime};

pub use facts::CertificateFacts;
pub use trust::{TrustError, TrustStore};
pub use verifier::CertificateFailure;

use crate::tls::KeyExchange;
use verifier::Verifier;

/// What a name asks of its viewers.
#[derive(Clone, Debug)]
pub enum CertificateDemand {
    /// A certificate of the trust store's authorities; no handshake without one.
    Required(Arc<TrustStore>),
    /// The same, or none.
    Optional(Arc<TrustStore>),
    /// Any certificate or none: whoever reads it verifies it. Its key is proved all the same.
    Unverified,
}

/// The terms under which certificates are asked for, as a digest of all that they are made of: equal digests, equal terms.
pub type TermsDigest = [u8; 32];

/// How the viewers of a name are authenticated. One for each combination of terms; cheap to share.
#[derive(Debug)]
pub struct ViewerAuthentication {
    verifier: Arc<Verifier>,
    terms: TermsDigest,
    /// By key exchange; made when the first viewer comes.
    configs: [OnceLock<Arc<ServerConfig>>; KeyExchange::COUNT],
}

impl ViewerAuthentication {
    /// `terms` stands for `demand` and whatever else a session may not survive a change of.
    pub fn new(demand: CertificateDemand, terms: TermsDigest) -> Self {
        Self { verifier: Arc::new(Verifier::new(demand)), terms, configs: Default::default() }
    }

    /// The digest it was made with.
    pub fn terms(&self) -> TermsDigest {
        self.terms
    }

    pub(crate) fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::clone(&self.verifier) as Arc<dyn ClientCertVerifier>
    }

    /// The configuration that `make` made for an earlier viewer, or makes now.
    pub(crate) fn config(
        &self,
        key_exchange: KeyExchange,
        make: impl FnOnce() -> Result<ServerConfig, rustls::Error>,
    ) -> Result<Arc<ServerConfig>, rustls::Error> {
        let Some(place) = self.configs.get(key_exchange as usize) else { return make().map(Arc::new) };
        match place.get() {
            Some(config) => Ok(Arc::clone(config)),
            None => make().map(|config| Arc::clone(place.get_or_init(|| Arc::new(config)))),
        }
    }

    /// What the viewer of a finished handshake has shown. A session that was taken up again is verified anew: its
    /// certificate may have expired since.
    pub(crate) fn authenticated(
        &self,
        session: &ServerConnection,
        now: UnixTime,
    ) -> Result<ShownCertificate, rustls::Error> {
        let chain: Vec<_> =
            session.peer_certificates().unwrap_or_default().iter().map(|each| each.clone().into_owned()).collect();
        if session.handshake_kind() == Some(HandshakeKind::Resumed) {
            self.verifier.verify_again(&chain, now)?;
        }
        Ok(ShownCertificate { terms: self.terms, chain, facts: OnceLock::new() })
    }
}

/// What a viewer has shown when it was asked for a certificate.
#[derive(Clone, Debug)]
pub struct ShownCertificate {
    terms: TermsDigest,
    /// Leaf first; empty when it has none.
    chain: Vec<CertificateDer<'static>>,
    facts: OnceLock<Option<CertificateFacts>>,
}

impl ShownCertificate {
    /// For tests: as if a viewer had shown `chain`.
    pub fn new(terms: TermsDigest, chain: Vec<CertificateDer<'static>>) -> Self {
        Self { terms, chain, facts: OnceLock::new() }
    }

    /// The terms under which it was asked for, and verified.
    pub fn terms(&self) -> TermsDigest {
        self.terms
    }

    /// Leaf first; empty when the viewer has none.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The leaf as PEM, percent-encoded.
    pub fn percent_encoded_pem(&self) -> Option<String> {
        self.chain.first().map(facts::percent_encoded_pem)
    }

    /// The leaf as the `Client-Cert` field has it (RFC 9440 section 2.2).
    pub fn leaf_field(&self) -> Option<String> {
        self.chain.first().map(facts::byte_sequence)
    }

    /// What was shown above the leaf, as the `Client-Cert-Chain` field has it (section 2.3); `None` when nothing was.
    pub fn chain_field(&self) -> Option<String> {
        let above = self.chain.get(1..).filter(|above| !above.is_empty())?;
        Some(above.iter().map(facts::byte_sequence).collect::<Vec<_>>().join(", "))
    }

    /// What the leaf says; `None` where there is none, or nothing that can be read.
    pub fn facts(&self) -> Option<&CertificateFacts> {
        self.facts.get_or_init(|| self.chain.first().and_then(|leaf| CertificateFacts::read(leaf))).as_ref()
    }
}

/// Of the same certificates, shown under the same terms.
impl PartialEq for ShownCertificate {
    fn eq(&self, other: &Self) -> bool {
        (self.terms, &self.chain) == (other.terms, &other.chain)
    }
}

impl Eq for ShownCertificate {}

/// Tickets of sessions under some terms: those of others are not opened, so that their viewers are asked again.
#[derive(Debug)]
pub(crate) struct TicketsOfTerms {
    pub(crate) tickets: Arc<dyn ProducesTickets>,
    pub(crate) terms: TermsDigest,
}

impl ProducesTickets for TicketsOfTerms {
    fn enabled(&self) -> bool {
        self.tickets.enabled()
    }

    fn lifetime(&self) -> u32 {
        self.tickets.lifetime()
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.tickets.encrypt(&[&self.terms[..], plain].concat())
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        let plain = self.tickets.decrypt(cipher)?;
        plain.strip_prefix(&self.terms[..]).map(<[u8]>::to_vec)
    }
}
