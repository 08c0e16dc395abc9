//! Which certificate a viewer is shown: the name it asks for (SNI), then a one-label wildcard, then the default.
//!
//! Invariant: a lookup is at most two hash lookups on an immutable table; replacing the table never disturbs a
//! handshake in progress. The control plane's plan fills the store, `tls` asks it.

use std::sync::Arc;

use ahash::{AHashMap, AHashSet};
use arc_swap::ArcSwap;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::tls;

/// A certificate chain with its private key and the names it is valid for.
#[derive(Clone, Debug)]
pub struct Certificate {
    names: Vec<Box<str>>,
    key: Arc<CertifiedKey>,
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
        Ok(Self { names, key: Arc::new(key) })
    }

    /// The DNS names of its subject alternative names, lower case; wildcards as `*.example.com`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(AsRef::as_ref)
    }
}

fn dns_names(leaf: &CertificateDer<'_>) -> Result<Vec<Box<str>>, CertificateError> {
    let leaf = webpki::EndEntityCert::try_from(leaf).map_err(|error| CertificateError::Leaf(error.to_string()))?;
    Ok(leaf.valid_dns_names().map(|name| name.to_ascii_lowercase().into_boxed_str()).collect())
}

/// The certificates in use, replaced as a whole while handshakes go on.
#[derive(Debug, Default)]
pub struct CertificateStore {
    table: ArcSwap<Table>,
    http1_only: ArcSwap<Http1Only>,
}

/// Names whose viewers are not offered HTTP/2.
#[derive(Debug, Default)]
struct Http1Only {
    exact: AHashSet<Box<str>>,
    /// `example.org` for `*.example.org`, which covers every name below it.
    below: AHashSet<Box<str>>,
}

#[derive(Debug, Default)]
struct Table {
    exact: AHashMap<Box<str>, Arc<CertifiedKey>>,
    /// Keyed by what follows `*.`.
    wildcard: AHashMap<Box<str>, Arc<CertifiedKey>>,
    default: Option<Arc<CertifiedKey>>,
}

impl CertificateStore {
    /// An empty store: every handshake fails until [`CertificateStore::replace`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts these certificates in place of all former ones. Of two certificates with the same name the first wins.
    /// `default` is shown to viewers that send no name or one that no certificate has.
    pub fn replace(&self, certificates: Vec<Certificate>, default: Option<Certificate>) {
        let mut table = Table { default: default.map(|certificate| certificate.key), ..Table::default() };
        for certificate in certificates {
            for name in certificate.names {
                table.add(name, &certificate.key);
            }
        }
        self.table.store(Arc::new(table));
    }

    /// Sets the names for which only HTTP/1.1 is offered; `*.example.org` covers every name below `example.org`.
    pub fn offer_http1_only(&self, names: impl IntoIterator<Item = String>) {
        let mut only = Http1Only::default();
        for name in names {
            match name.strip_prefix("*.") {
                Some(parent) => only.below.insert(parent.into()),
                None => only.exact.insert(name.into()),
            };
        }
        self.http1_only.store(Arc::new(only));
    }

    pub(crate) fn is_http1_only(&self, name: &str) -> bool {
        let only = self.http1_only.load();
        let mut parents = std::iter::successors(name.split_once('.'), |(_, rest)| rest.split_once('.'));
        only.exact.contains(name) || (!only.below.is_empty() && parents.any(|(_, parent)| only.below.contains(parent)))
    }

    fn certified_key(&self, server_name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let table = self.table.load();
        server_name.and_then(|name| table.named(name)).or(table.default.as_ref()).cloned()
    }
}

impl ResolvesServerCert for CertificateStore {
    fn resolve(&self, client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // rustls hands the name over in lower case.
        self.certified_key(client_hello.server_name())
    }
}

impl Table {
    fn add(&mut self, name: Box<str>, key: &Arc<CertifiedKey>) {
        let (names, name) = match name.strip_prefix("*.") {
            Some(parent) => (&mut self.wildcard, parent.into()),
            None => (&mut self.exact, name),
        };
        names.entry(name).or_insert_with(|| Arc::clone(key));
    }

    fn named(&self, name: &str) -> Option<&Arc<CertifiedKey>> {
        let name = name.strip_suffix('.').unwrap_or(name);
        self.exact.get(name).or_else(|| self.wildcard.get(name.split_once('.')?.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(names: &[&str]) -> Certificate {
        let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        Certificate::from_pem(&made.cert.pem(), &made.signing_key.serialize_pem()).unwrap()
    }

    #[test]
    fn a_name_is_http1_only_by_itself_or_by_a_wildcard_above_it() {
        let store = CertificateStore::new();
        store.offer_http1_only(["old.example.com".to_owned(), "*.legacy.test".to_owned()]);
        for (name, expected) in [
            ("old.example.com", true),
            ("a.old.example.com", false),
            ("a.legacy.test", true),
            ("a.b.legacy.test", true),
            ("legacy.test", false),
            ("new.example.com", false),
        ] {
            assert_eq!(store.is_http1_only(name), expected, "{name}");
        }
    }

    #[test]
    fn the_exact_name_wins_over_the_wildcard_and_the_wildcard_over_the_default() {
        let (exact, wildcard, default) =
            (certificate(&["www.example.com"]), certificate(&["*.Example.com"]), certificate(&["edge.localhost"]));
        let store = CertificateStore::new();
        store.replace(vec![wildcard.clone(), exact.clone()], Some(default.clone()));
        for (asked, expected) in [
            (Some("www.example.com"), &exact),
            (Some("www.example.com."), &exact),
            (Some("img.example.com"), &wildcard),
            (Some("a.img.example.com"), &default),
            (Some("example.com"), &default),
            (Some("com"), &default),
            (None, &default),
        ] {
            let found = store.certified_key(asked).unwrap();
            assert!(Arc::ptr_eq(&found, &expected.key), "{asked:?}");
        }
    }

    #[test]
    fn an_empty_store_has_no_certificate_for_anyone() {
        let store = CertificateStore::new();
        assert!(store.certified_key(Some("www.example.com")).is_none());
        assert!(store.certified_key(None).is_none());
    }

    #[test]
    fn of_two_certificates_with_one_name_the_first_wins() {
        let (first, second) = (certificate(&["a.example"]), certificate(&["a.example"]));
        let store = CertificateStore::new();
        store.replace(vec![first.clone(), second], None);
        assert!(Arc::ptr_eq(&store.certified_key(Some("a.example")).unwrap(), &first.key));
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
