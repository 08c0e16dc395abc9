//! What a viewer is shown and offered by the name it asks for (SNI): a certificate, and the terms of the handshake.
//!
//! Invariant: a look-up goes through no list, only through hash tables; replacing the table never disturbs a handshake in
//! progress. The control plane's plan fills the store, `tls` asks it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::CipherSuite;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};

use crate::names::Names;
use crate::tls;
use crate::viewer_authentication::ViewerAuthentication;
use crate::viewer_terms::ViewerTerms;

/// A certificate chain with its private key and the names it is valid for.
#[derive(Clone, Debug)]
pub struct Certificate {
    names: Vec<Box<str>>,
    key: Arc<CertifiedKey>,
    stapled: Option<Stapled>,
}

/// What the authority of a certificate says of it.
#[derive(Clone, Debug)]
pub struct Staple {
    /// An OCSP response, DER.
    pub response: Vec<u8>,
    /// From then on it is not shown; seconds since the epoch.
    pub expires: u64,
}

/// A certificate together with its staple.
#[derive(Clone, Debug)]
struct Stapled {
    key: Arc<CertifiedKey>,
    /// Seconds since the epoch.
    expires: u64,
}

/// Why a PEM chain and key do not make a [`Certificate`].
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The chain holds no `CERTIFICATE` block, or one that is not valid PEM.
    #[error("the certificate chain is not PEM with at least one CERTIFICATE block: {0}")]
    Chain(String),
    /// The key holds no private key block, or one that is not valid PEM.
    #[error("the private key is not PEM with a PKCS#8, PKCS#1 or SEC1 block: {0}")]
    Key(String),
    /// The key is of a kind that cannot sign, or does not belong to the certificate.
    #[error("use the RSA or ECDSA key that belongs to the certificate: {0}")]
    Mismatch(String),
    /// The leaf certificate cannot be parsed.
    #[error("the first certificate of the chain cannot be read: {0}")]
    Leaf(String),
}

impl Certificate {
    /// Reads a PEM chain (leaf first) and its PEM private key (ECDSA or RSA).
    pub fn from_pem(chain: &str, key: &str) -> Result<Self, CertificateError> {
        let chain = CertificateDer::pem_slice_iter(chain.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| CertificateError::Chain(error.to_string()))?;
        let leaf = chain.first().ok_or_else(|| CertificateError::Chain("no block found".to_owned()))?;
        let names = dns_names(leaf)?;
        let key =
            PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| CertificateError::Key(error.to_string()))?;
        let key = CertifiedKey::from_der(chain, key, tls::provider())
            .map_err(|error| CertificateError::Mismatch(error.to_string()))?;
        Ok(Self { names, key: Arc::new(key), stapled: None })
    }

    /// The same certificate, shown together with `staple` to viewers who ask for one (RFC 6066 section 8); `None`: alone.
    #[must_use]
    pub fn showing(&self, staple: Option<Staple>) -> Self {
        let stapled = staple.map(|Staple { response, expires }| {
            let key = CertifiedKey { ocsp: Some(response), ..CertifiedKey::clone(&self.key) };
            Stapled { key: Arc::new(key), expires }
        });
        Self { stapled, ..self.clone() }
    }

    pub(crate) fn key(&self) -> &Arc<CertifiedKey> {
        &self.key
    }

    fn key_at(&self, now: u64) -> &Arc<CertifiedKey> {
        self.stapled.as_ref().filter(|stapled| now < stapled.expires).map_or(&self.key, |stapled| &stapled.key)
    }

    /// Whether it is good for `name`, a DNS name in lower case: it has the name itself, or a wildcard in place of its first
    /// label (RFC 9525 section 6.3). Of a wildcard name, whether it has that.
    pub fn covers(&self, name: &str) -> bool {
        let parent = name.split_once('.').map(|(_, parent)| parent);
        let is_wildcard_of = |own: &str| own.strip_prefix("*.").is_some_and(|below| Some(below) == parent);
        self.names.iter().any(|own| **own == *name || is_wildcard_of(own))
    }
}

fn dns_names(leaf: &CertificateDer<'_>) -> Result<Vec<Box<str>>, CertificateError> {
    let leaf = webpki::EndEntityCert::try_from(leaf).map_err(|error| CertificateError::Leaf(error.to_string()))?;
    Ok(leaf.valid_dns_names().map(|name| name.to_ascii_lowercase().into_boxed_str()).collect())
}

/// What viewers get who ask for a name.
#[derive(Clone, Debug, Default)]
pub struct NameSettings {
    /// `None` for the default one.
    pub certificate: Option<Certificate>,
    /// What they are offered.
    pub terms: ViewerTerms,
    /// Whether they may come over HTTP/3, which asks nobody for a certificate.
    pub http3: bool,
    /// Whether they are asked for a certificate, and which is taken; `None`: they are not asked.
    pub authentication: Option<Arc<ViewerAuthentication>>,
}

/// The names in use, replaced as a whole while handshakes go on.
#[derive(Debug, Default)]
pub struct CertificateStore {
    table: ArcSwap<Table>,
    /// Seconds since the epoch.
    now: AtomicU64,
}

#[derive(Debug, Default)]
struct Table {
    names: Names<NameSettings>,
    default: Option<Certificate>,
}

impl CertificateStore {
    /// An empty store: every handshake fails until [`CertificateStore::replace`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts these names, in lower case, in place of all former ones. `*.example.org` stands for every name below
    /// `example.org`; the most specific name decides. `default` is shown to viewers that send no name, one that is not
    /// here, or one without a certificate of its own.
    pub fn replace<'a>(&self, names: impl IntoIterator<Item = (&'a str, NameSettings)>, default: Option<Certificate>) {
        let mut table = Table { default, ..Table::default() };
        names.into_iter().for_each(|(name, settings)| table.names.add(name, settings));
        self.table.store(Arc::new(table));
    }

    /// Tells what time it is, in seconds since the epoch: an OCSP response that has expired is not shown any more.
    pub fn set_time(&self, now: u64) {
        self.now.store(now, Ordering::Relaxed);
    }

    /// What [`CertificateStore::set_time`] said last.
    pub(crate) fn time(&self) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(self.now.load(Ordering::Relaxed)))
    }

    /// What the viewers of a name are offered, and asked for.
    pub(crate) fn terms_for(&self, server_name: Option<&str>) -> (ViewerTerms, Option<Arc<ViewerAuthentication>>) {
        let table = self.table.load();
        let settings = server_name.and_then(|name| table.names.find(name));
        settings.map(|settings| (settings.terms, settings.authentication.clone())).unwrap_or_default()
    }

    fn offers_http3(&self, name: &str) -> bool {
        self.table.load().names.find(name).is_some_and(|settings| settings.http3 && settings.authentication.is_none())
    }

    fn certified_key(&self, server_name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let table = self.table.load();
        let named = server_name.and_then(|name| table.names.find(name)?.certificate.as_ref());
        let now = self.now.load(Ordering::Relaxed);
        named.or(table.default.as_ref()).map(|certificate| Arc::clone(certificate.key_at(now)))
    }
}

impl ResolvesServerCert for CertificateStore {
    fn resolve(&self, client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // rustls hands the name over in lower case.
        self.certified_key(client_hello.server_name())
    }
}

/// The certificates for HTTP/3: nobody gets one who does not ask for a name that has it, or who has no suite of that name.
#[derive(Debug)]
pub(crate) struct Http3Certificates(pub(crate) Arc<CertificateStore>);

impl ResolvesServerCert for Http3Certificates {
    fn resolve(&self, client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = client_hello.server_name().filter(|name| self.0.offers_http3(name))?;
        // The suites are chosen for all names alike: one that a name does not have is left to a viewer who has no other.
        if !self.0.terms_for(Some(name)).0.chacha20 && !has_aes(client_hello.cipher_suites()) {
            return None;
        }
        self.0.certified_key(Some(name))
    }
}

fn has_aes(suites: &[CipherSuite]) -> bool {
    let is_aes =
        |suite| matches!(suite, &CipherSuite::TLS13_AES_128_GCM_SHA256 | &CipherSuite::TLS13_AES_256_GCM_SHA384);
    suites.iter().any(is_aes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(names: &[&str]) -> Certificate {
        let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        Certificate::from_pem(&made.cert.pem(), &made.signing_key.serialize_pem()).unwrap()
    }

    fn settings(certificate: Option<&Certificate>, terms: ViewerTerms) -> NameSettings {
        NameSettings { certificate: certificate.cloned(), terms, http3: false, authentication: None }
    }

    #[test]
    fn the_most_specific_name_decides_on_certificate_and_terms() {
        let any = ViewerTerms::default();
        let http1_only = ViewerTerms { http2: false, ..any };
        let tls13_only = ViewerTerms { tls12: false, ..any };
        let (exact, wildcard, default) =
            (certificate(&["www.example.com"]), certificate(&["*.Example.com"]), certificate(&["edge.localhost"]));
        let store = CertificateStore::new();
        let names = [
            ("*.example.com", settings(Some(&wildcard), http1_only)),
            ("www.example.com", settings(Some(&exact), tls13_only)),
            ("none.example.com", settings(None, any)),
        ];
        store.replace(names, Some(default.clone()));
        for (asked, expected, terms) in [
            (Some("www.example.com"), &exact, tls13_only),
            (Some("www.example.com."), &exact, tls13_only),
            (Some("img.example.com"), &wildcard, http1_only),
            (Some("none.example.com"), &default, any),
            (Some("example.com"), &default, any),
            (None, &default, any),
        ] {
            assert!(Arc::ptr_eq(&store.certified_key(asked).unwrap(), &expected.key), "{asked:?}");
            assert_eq!(store.terms_for(asked).0, terms, "{asked:?}");
        }
    }

    #[test]
    fn an_ocsp_response_is_shown_until_it_expires() {
        let store = CertificateStore::new();
        let staple = Some(Staple { response: vec![1], expires: 100 });
        store.replace([], Some(certificate(&["a.example"]).showing(staple)));
        for (now, expected) in [(0, Some(vec![1])), (99, Some(vec![1])), (100, None), (101, None)] {
            store.set_time(now);
            assert_eq!(store.certified_key(None).unwrap().ocsp, expected, "{now}");
        }
    }

    #[test]
    fn a_certificate_covers_its_names_and_one_label_for_a_wildcard() {
        let made = certificate(&["Example.com", "*.example.com"]);
        for (name, expected) in [
            ("example.com", true),
            ("www.example.com", true),
            ("*.example.com", true),
            ("a.www.example.com", false),
            ("*.www.example.com", false),
            ("example.org", false),
            ("com", false),
            ("", false),
        ] {
            assert_eq!(made.covers(name), expected, "{name}");
        }
    }

    #[test]
    fn an_empty_store_has_no_certificate_for_anyone() {
        let store = CertificateStore::new();
        assert!(store.certified_key(Some("www.example.com")).is_none());
        assert!(store.certified_key(None).is_none());
    }

    #[test]
    fn pem_that_is_no_certificate_is_refused_with_what_to_change() {
        let one = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        let other = rcgen::generate_simple_self_signed(vec!["b.example".to_owned()]).unwrap();
        let (chain, key) = (one.cert.pem(), one.signing_key.serialize_pem());
        let refused = |chain: &str, key: &str| Certificate::from_pem(chain, key).unwrap_err();
        assert!(matches!(refused("", &key), CertificateError::Chain(_)));
        assert!(matches!(refused(&chain, ""), CertificateError::Key(_)));
        assert!(matches!(refused(&chain, &other.signing_key.serialize_pem()), CertificateError::Mismatch(_)));
        assert!(matches!(
            refused("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &key),
            CertificateError::Leaf(_)
        ));
    }
}
