//! TLS towards viewers and origins: one crypto provider, forward secret suites only, TLS 1.2 and 1.3.
//!
//! Invariant: the provider is always named here and never taken from the process default, so that a library linked into
//! the same process cannot change it. Called by `server` (one configuration for all workers) and `origin`.

use std::sync::{Arc, LazyLock};

use ahash::AHashMap;
use quinn::TransportConfig;
use quinn::crypto::rustls::QuicServerConfig;
use rustls::crypto::aws_lc_rs::{self, cipher_suite as suite, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ProducesTickets, ResolvesServerCert, WebPkiClientVerifier};
use rustls::time_provider::TimeProvider;
use rustls::{
    CipherSuite, ClientConfig, HandshakeKind, ProtocolVersion, RootCertStore, ServerConfig, ServerConnection,
    SupportedCipherSuite, SupportedProtocolVersion, version,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, UnixTime};

use crate::certificates::{CertificateStore, Http3Certificates};
use crate::client_hello::ClientHello;
use crate::connection::TlsSession;
use crate::quic_keys::AddressTokens;
use crate::quic_session::{QuicHandshake, RememberingConfig};
use crate::tickets::Tickets;
use crate::viewer_authentication::{ShownCertificate, TicketsOfTerms, ViewerAuthentication};
use crate::viewer_terms::ViewerTerms;

/// Negotiated by ALPN for HTTP/3.
const ALPN_H3: &[u8] = b"h3";
/// Negotiated by ALPN for HTTP/2.
pub(crate) const ALPN_H2: &[u8] = b"h2";
const ALPN_HTTP_11: &[u8] = b"http/1.1";

/// As the `ssl-protocol` log field spells TLS 1.2.
pub(crate) const TLS_12: &str = "TLSv1.2";

/// Of TLS 1.3 in a ClientHello.
const TLS_13_CODE: u16 = 0x0304;

/// The suites in CloudFront's order of preference (guide: secure-connections-supported-viewer-protocols-ciphers).
/// All of them are forward secret; rustls has no others.
static SUITES: &[rustls::SupportedCipherSuite] = &[
    suite::TLS13_AES_128_GCM_SHA256,
    suite::TLS13_AES_256_GCM_SHA384,
    suite::TLS13_CHACHA20_POLY1305_SHA256,
    suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];

/// Key exchange with viewers who offer a post-quantum one: nothing else, because rustls would follow their order.
static POST_QUANTUM: &[&dyn SupportedKxGroup] = &[kx_group::X25519MLKEM768, kx_group::SECP256R1MLKEM768];
/// Key exchange with all others.
static CLASSICAL: &[&dyn SupportedKxGroup] = &[kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1];

static PROVIDER: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(CryptoProvider { cipher_suites: SUITES.to_vec(), ..aws_lc_rs::default_provider() }));

/// The one crypto provider of the edge.
pub(crate) fn provider() -> &'static CryptoProvider {
    &PROVIDER
}

/// The configurations of viewer connections; which one a viewer gets depends on the name it asks for.
#[derive(Debug)]
pub(crate) struct ViewerTls {
    certificates: Arc<CertificateStore>,
    ticketer: Arc<dyn ProducesTickets>,
    /// Where their secrets are shared.
    tickets: Option<Arc<Tickets>>,
    configs: AHashMap<(ViewerTerms, KeyExchange), Arc<ServerConfig>>,
    /// For the default terms, and a classical key exchange.
    default: Arc<ServerConfig>,
}

/// What one viewer's handshake goes on with.
pub(crate) struct Offer {
    pub(crate) config: Arc<ServerConfig>,
    /// Where the name asks its viewers for certificates.
    pub(crate) authentication: Option<Arc<ViewerAuthentication>>,
}

/// How the secrets of a session are agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum KeyExchange {
    /// With a hybrid of an elliptic curve and ML-KEM, in TLS 1.3: what is recorded now stays secret from a quantum computer.
    PostQuantum,
    /// With an elliptic curve alone.
    Classical,
}

impl KeyExchange {
    /// How many there are.
    pub(crate) const COUNT: usize = 2;

    /// The best that the viewer offers: a hybrid goes before all others, also where it costs a HelloRetryRequest because the
    /// viewer guessed that the edge would choose another (RFC 8446 section 4.1.4).
    pub(crate) fn best_of(hello: Option<&ClientHello>) -> KeyExchange {
        let offer = hello.and_then(ClientHello::offer);
        let is_hybrid = |group: &u16| POST_QUANTUM.iter().any(|known| u16::from(known.name()) == *group);
        match offer {
            Some(offer) if offer.versions.contains(&TLS_13_CODE) && offer.groups.iter().any(is_hybrid) => {
                KeyExchange::PostQuantum
            }
            _ => KeyExchange::Classical,
        }
    }

    fn groups(self) -> Vec<&'static dyn SupportedKxGroup> {
        match self {
            KeyExchange::PostQuantum => POST_QUANTUM.to_vec(),
            KeyExchange::Classical => CLASSICAL.to_vec(),
        }
    }
}

impl ViewerTls {
    pub(crate) fn new(
        certificates: Arc<CertificateStore>,
        tickets: Option<Arc<Tickets>>,
    ) -> Result<Self, rustls::Error> {
        let ticketer: Arc<dyn ProducesTickets> = match &tickets {
            Some(tickets) => Arc::clone(tickets) as _,
            None => aws_lc_rs::Ticketer::new()?,
        };
        let config = |(terms, key_exchange)| {
            let unasked =
                Viewers { certificates: &certificates, ticketer: Arc::clone(&ticketer), authentication: None };
            server_config(terms, key_exchange, unasked).map(Arc::new)
        };
        let kinds = every_terms().flat_map(|terms| {
            [KeyExchange::PostQuantum, KeyExchange::Classical].map(|key_exchange| (terms, key_exchange))
        });
        let configs = kinds.map(|kind| Ok((kind, config(kind)?))).collect::<Result<_, rustls::Error>>()?;
        let default = config((ViewerTerms::default(), KeyExchange::Classical))?;
        Ok(Self { configs, default, certificates, ticketer, tickets })
    }

    /// For all viewers over QUIC: TLS 1.3, which every security policy allows. That a name has no ChaCha20 is kept by
    /// `Http3Certificates`: the AES suites go first.
    pub(crate) fn quic(&self, transport: TransportConfig) -> Result<quinn::ServerConfig, rustls::Error> {
        let groups = POST_QUANTUM.iter().chain(CLASSICAL).copied().collect();
        let suites = SUITES.iter().filter(|suite| suite.tls13().is_some()).copied().collect();
        let certificates = Arc::new(Http3Certificates(Arc::clone(&self.certificates)));
        let nobody = WebPkiClientVerifier::no_client_auth();
        let mut config = base_config(&[&version::TLS13], suites, groups, nobody, certificates)?;
        config.alpn_protocols = vec![ALPN_H3.to_vec()];
        config.ticketer = Arc::clone(&self.ticketer);
        let crypto = QuicServerConfig::try_from(config).map_err(|error| rustls::Error::General(error.to_string()))?;
        let tokens = AddressTokens::new(self.tickets.clone())
            .ok_or_else(|| rustls::Error::General("the system has no randomness".to_owned()))?;
        let crypto = RememberingConfig(Arc::new(crypto));
        let mut config = quinn::ServerConfig::new(Arc::new(crypto), Arc::new(tokens));
        config.transport_config(Arc::new(transport));
        Ok(config)
    }

    /// For a viewer that asks for `server_name` and can exchange keys by `key_exchange`.
    ///
    /// # Errors
    /// A configuration that rustls refuses: then the handshake fails, rather than go on without a certificate.
    pub(crate) fn offer_for(
        &self,
        server_name: Option<&str>,
        key_exchange: KeyExchange,
    ) -> Result<Offer, rustls::Error> {
        let (terms, authentication) = self.certificates.terms_for(server_name);
        let config = match &authentication {
            Some(asking) => asking.config(key_exchange, || self.asking_config(terms, key_exchange, asking))?,
            None => Arc::clone(self.configs.get(&(terms, key_exchange)).unwrap_or(&self.default)),
        };
        Ok(Offer { config, authentication })
    }

    fn asking_config(
        &self,
        terms: ViewerTerms,
        key_exchange: KeyExchange,
        asking: &Arc<ViewerAuthentication>,
    ) -> Result<ServerConfig, rustls::Error> {
        let ticketer = TicketsOfTerms { tickets: Arc::clone(&self.ticketer), terms: asking.terms() };
        let viewers =
            Viewers { certificates: &self.certificates, ticketer: Arc::new(ticketer), authentication: Some(asking) };
        let mut config = server_config(terms, key_exchange, viewers)?;
        config.time_provider = Arc::new(EdgeTime(Arc::clone(&self.certificates)));
        Ok(config)
    }

    /// What the viewer has shown in a handshake that `authentication` was part of.
    ///
    /// # Errors
    /// A session taken up again whose certificate is not good any more.
    pub(crate) fn authenticated(
        &self,
        session: &ServerConnection,
        authentication: &ViewerAuthentication,
    ) -> Result<ShownCertificate, rustls::Error> {
        authentication.authenticated(session, self.certificates.time())
    }
}

/// The edge's clock, by which certificates of viewers expire.
#[derive(Debug)]
struct EdgeTime(Arc<CertificateStore>);

impl TimeProvider for EdgeTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(self.0.time())
    }
}

/// What is shown to viewers and asked of them.
struct Viewers<'a> {
    certificates: &'a Arc<CertificateStore>,
    ticketer: Arc<dyn ProducesTickets>,
    authentication: Option<&'a Arc<ViewerAuthentication>>,
}

fn every_terms() -> impl Iterator<Item = ViewerTerms> {
    let both = [true, false];
    let terms = move |http2| both.map(|tls12| both.map(|chacha20| ViewerTerms { http2, tls12, chacha20 }));
    both.into_iter().flat_map(terms).flatten()
}

/// For viewers who are offered `terms`.
fn server_config(
    terms: ViewerTerms,
    key_exchange: KeyExchange,
    viewers: Viewers<'_>,
) -> Result<ServerConfig, rustls::Error> {
    let versions: &[_] = if terms.tls12 { &[&version::TLS13, &version::TLS12] } else { &[&version::TLS13] };
    let suites = SUITES.iter().filter(|suite| terms.chacha20 || !is_chacha20(suite.suite())).copied();
    let verifier = match viewers.authentication {
        Some(authentication) => authentication.verifier(),
        None => WebPkiClientVerifier::no_client_auth(),
    };
    let certificates = Arc::clone(viewers.certificates);
    let mut config = base_config(versions, suites.collect(), key_exchange.groups(), verifier, certificates)?;
    let protocols: &[&[u8]] = if terms.http2 { &[ALPN_H2, ALPN_HTTP_11] } else { &[ALPN_HTTP_11] };
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    config.ticketer = viewers.ticketer;
    Ok(config)
}

/// What all viewers have in common: session tickets, no early data, the edge's order of suites.
fn base_config(
    versions: &[&'static SupportedProtocolVersion],
    cipher_suites: Vec<SupportedCipherSuite>,
    kx_groups: Vec<&'static dyn SupportedKxGroup>,
    viewers: Arc<dyn ClientCertVerifier>,
    certificates: Arc<dyn ResolvesServerCert>,
) -> Result<ServerConfig, rustls::Error> {
    let provider = CryptoProvider { cipher_suites, kx_groups, ..CryptoProvider::clone(&PROVIDER) };
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)?
        .with_client_cert_verifier(viewers)
        .with_cert_resolver(certificates);
    config.ignore_client_order = true;
    // Tickets keep no state per viewer; two suffice for a browser that opens a second connection.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 2;
    // The request of early data could be replayed by anybody who saw it (RFC 8446 section 8); CloudFront has none either.
    config.max_early_data_size = 0;
    Ok(config)
}

fn is_chacha20(suite: CipherSuite) -> bool {
    matches!(
        suite,
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256
            | CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
            | CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
    )
}

/// The configuration of all origin connections: origins are verified against the system's authorities and those in
/// `extra` (PEM, any number of certificates each). ALPN http/1.1.
///
/// # Errors
/// A PEM text that cannot be read, or no authority at all.
pub fn client_config(extra: &[String]) -> Result<Arc<ClientConfig>, AuthorityError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for (index, pem) in extra.iter().enumerate() {
        add_authorities(&mut roots, pem).map_err(|reason| AuthorityError::Pem { index, reason })?;
    }
    if roots.is_empty() {
        return Err(AuthorityError::None);
    }
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&PROVIDER))
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .map_err(|error| AuthorityError::Provider(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![ALPN_HTTP_11.to_vec()];
    Ok(Arc::new(config))
}

/// Why [`client_config`] failed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthorityError {
    /// The text at `index` of the extra authorities is not a PEM certificate.
    #[error("trusted authority {index} is not a PEM certificate: {reason}")]
    Pem {
        /// Position in the list, from 0.
        index: usize,
        /// What the parser says.
        reason: String,
    },
    /// Neither the system nor the settings name an authority, so that no origin could be verified.
    #[error("no certificate authority is trusted: install the system's CA certificates or name one in the settings")]
    None,
    /// The crypto provider lacks a protocol version.
    #[error("the TLS provider cannot be used: {0}")]
    Provider(String),
}

fn add_authorities(roots: &mut RootCertStore, pem: &str) -> Result<(), String> {
    let mut found = false;
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        roots.add(certificate.map_err(|error| error.to_string())?).map_err(|error| error.to_string())?;
        found = true;
    }
    if found { Ok(()) } else { Err("no CERTIFICATE block found".to_owned()) }
}

/// What the log and the pipeline may know of a finished handshake.
pub(crate) fn session_of(
    connection: &ServerConnection,
    hello: Option<ClientHello>,
    shown: Option<ShownCertificate>,
) -> TlsSession {
    TlsSession {
        shown,
        protocol: connection.protocol_version().map_or("-", protocol_name),
        cipher: connection.negotiated_cipher_suite().map_or("-", |suite| cipher_name(suite.suite())),
        server_name: connection.server_name().map(Into::into),
        resumed: connection.handshake_kind() == Some(HandshakeKind::Resumed),
        hello,
    }
}

/// The same of a connection over QUIC.
pub(crate) fn session_of_quic(connection: &quinn::Connection) -> TlsSession {
    let data = connection.handshake_data().and_then(|data| data.downcast::<QuicHandshake>().ok());
    let agreed = data.as_ref().and_then(|data| data.agreed);
    TlsSession {
        shown: None,
        protocol: protocol_name(ProtocolVersion::TLSv1_3),
        cipher: agreed.map_or("-", |agreed| cipher_name(agreed.suite)),
        server_name: data.and_then(|data| data.server_name).map(Into::into),
        resumed: agreed.is_some_and(|agreed| agreed.resumed),
        hello: None,
    }
}

fn protocol_name(version: ProtocolVersion) -> &'static str {
    match version {
        ProtocolVersion::TLSv1_3 => "TLSv1.3",
        ProtocolVersion::TLSv1_2 => TLS_12,
        _ => "-",
    }
}

/// The names of the `ssl-cipher` log field: IANA names in TLS 1.3, OpenSSL names before.
fn cipher_name(suite: CipherSuite) -> &'static str {
    match suite {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "TLS_AES_128_GCM_SHA256",
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "TLS_AES_256_GCM_SHA384",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "TLS_CHACHA20_POLY1305_SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 => "ECDHE-ECDSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => "ECDHE-RSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 => "ECDHE-ECDSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => "ECDHE-RSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => "ECDHE-ECDSA-CHACHA20-POLY1305",
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => "ECDHE-RSA-CHACHA20-POLY1305",
        _ => "-",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_the_edge_offers_has_a_log_name() {
        for suite in SUITES {
            assert_ne!(cipher_name(suite.suite()), "-", "{suite:?}");
        }
    }

    #[test]
    fn a_session_is_within_the_terms_it_could_have_been_agreed_under() {
        let any = ViewerTerms::default();
        let (tls13_only, aes_only) = (ViewerTerms { tls12: false, ..any }, ViewerTerms { chacha20: false, ..any });
        for (protocol, suite, expected) in [
            (ProtocolVersion::TLSv1_3, CipherSuite::TLS13_AES_128_GCM_SHA256, (true, true)),
            (ProtocolVersion::TLSv1_3, CipherSuite::TLS13_CHACHA20_POLY1305_SHA256, (true, false)),
            (ProtocolVersion::TLSv1_2, CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, (false, true)),
            (ProtocolVersion::TLSv1_2, CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, (false, false)),
        ] {
            let (protocol, cipher) = (protocol_name(protocol), cipher_name(suite));
            let session = TlsSession { protocol, cipher, server_name: None, resumed: false, hello: None, shown: None };
            assert!(session.is_within(any), "{session:?}");
            assert_eq!((session.is_within(tls13_only), session.is_within(aes_only)), expected, "{session:?}");
        }
    }

    #[test]
    fn an_extra_authority_that_is_no_pem_is_named_by_its_position() {
        let good = rcgen::generate_simple_self_signed(vec!["ca.example".to_owned()]).unwrap().cert.pem();
        let error = client_config(&[good.clone(), "nonsense".to_owned()]).unwrap_err();
        assert!(matches!(error, AuthorityError::Pem { index: 1, .. }), "{error}");
        assert!(client_config(&[good]).is_ok());
    }
}
