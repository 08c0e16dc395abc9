//! Whose certificates are taken: the authorities of a trust store, and how a chain to one of them is verified.
//!
//! Invariant: signatures, names, purposes and lengths are webpki's to check (RFC 5280 section 6); what is added here only
//! refuses more, but for expiry, which a store may be told to overlook. Pure: the time is handed in.

use std::time::Duration;

use rustls::{DistinguishedName, Error};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage, VerifiedPath};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::verifier::{ALGORITHMS, error_of};

/// The authorities whose certificates viewers may show.
#[derive(Debug)]
pub struct TrustStore {
    anchors: Vec<TrustAnchor<'static>>,
    /// Of the anchors, in their order.
    validities: Vec<Validity>,
    names: Vec<DistinguishedName>,
    ignores_expiry: bool,
}

/// Why a text is no trust store.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// Not PEM, or without any certificate.
    #[error("the authorities are not PEM with at least one CERTIFICATE block: {0}")]
    Pem(String),
    /// A block that is no certificate, or none that others could be verified by.
    #[error("certificate {index} of the authorities cannot be read: {reason}")]
    Certificate {
        /// Position in the text, from 0.
        index: usize,
        /// What the parser says.
        reason: String,
    },
}

/// From when on and until when, both inclusive (RFC 5280 section 4.1.2.5).
#[derive(Clone, Copy, Debug)]
struct Validity {
    not_before: UnixTime,
    not_after: UnixTime,
}

impl TrustStore {
    /// Reads PEM certificates of authorities, roots and intermediate ones alike: each of them is trusted by itself.
    pub fn from_pem(authorities: &str) -> Result<Self, TrustError> {
        let certificates = CertificateDer::pem_slice_iter(authorities.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| TrustError::Pem(error.to_string()))?;
        if certificates.is_empty() {
            return Err(TrustError::Pem("no block found".to_owned()));
        }
        let mut store = Self { anchors: Vec::new(), validities: Vec::new(), names: Vec::new(), ignores_expiry: false };
        for (index, certificate) in certificates.iter().enumerate() {
            store.add(certificate).map_err(|reason| TrustError::Certificate { index, reason })?;
        }
        Ok(store)
    }

    fn add(&mut self, certificate: &CertificateDer<'_>) -> Result<(), String> {
        let anchor = webpki::anchor_from_trusted_cert(certificate).map_err(|error| error.to_string())?.to_owned();
        self.validities.push(Validity::of(certificate).ok_or("its validity is no time since 1970")?);
        self.names.push(DistinguishedName::in_sequence(anchor.subject.as_ref()));
        self.anchors.push(anchor);
        Ok(())
    }

    /// The same store, which overlooks that certificates have expired or are not valid yet.
    #[must_use]
    pub fn ignoring_expiry(self, ignores_expiry: bool) -> Self {
        Self { ignores_expiry, ..self }
    }

    /// The same store, which tells viewers the names of its authorities, or does not.
    #[must_use]
    pub fn telling_names(self, tells: bool) -> Self {
        let names = if tells { self.names } else { Vec::new() };
        Self { names, ..self }
    }

    pub(super) fn names(&self) -> &[DistinguishedName] {
        &self.names
    }

    /// Whether `leaf` is a viewer's certificate that comes from an authority of the store.
    pub(super) fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let checked = self.verify_at(leaf, intermediates, now);
        let overlooked = self.ignores_expiry && is_about_time(&checked);
        let verdict = if overlooked { self.verify_at_any_time(leaf, intermediates) } else { checked };
        verdict.map_err(error_of)
    }

    /// Certificates of a path are all valid together from when the last of them began, or never. What is wrong beside the
    /// time goes before that.
    fn verify_at_any_time(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
    ) -> Result<(), webpki::Error> {
        let beginnings =
            std::iter::once(leaf).chain(intermediates).filter_map(|each| Some(Validity::of(each)?.not_before));
        let mut verdicts: Vec<_> = beginnings.map(|time| self.verify_at(leaf, intermediates, time)).collect();
        verdicts.sort_by_key(|verdict| (verdict.is_err(), is_about_time(verdict)));
        verdicts.into_iter().next().unwrap_or(Err(webpki::Error::BadDer))
    }

    fn verify_at(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        time: UnixTime,
    ) -> Result<(), webpki::Error> {
        let purpose = KeyUsage::client_auth();
        let end = |path: &VerifiedPath<'_>| self.check_end(path, time);
        EndEntityCert::try_from(leaf)?
            .verify_for_usage(ALGORITHMS.all, &self.anchors, intermediates, time, purpose, None, Some(&end))
            .map(drop)
    }

    /// An authority that has expired vouches for nobody; webpki leaves that to its caller.
    fn check_end(&self, path: &VerifiedPath<'_>, time: UnixTime) -> Result<(), webpki::Error> {
        let place = self.anchors.iter().position(|anchor| anchor == path.anchor());
        match place.and_then(|place| self.validities.get(place)) {
            _ if self.ignores_expiry => Ok(()),
            Some(validity) => validity.check(time),
            None => Err(webpki::Error::UnknownIssuer),
        }
    }
}

fn is_about_time(verdict: &Result<(), webpki::Error>) -> bool {
    matches!(verdict, Err(webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. }))
}

impl Validity {
    fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        let time = |seconds: i64| Some(UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(seconds).ok()?)));
        let validity = parsed.validity();
        Some(Self {
            not_before: time(validity.not_before.timestamp())?,
            not_after: time(validity.not_after.timestamp())?,
        })
    }

    fn check(self, time: UnixTime) -> Result<(), webpki::Error> {
        let Self { not_before, not_after } = self;
        if time < not_before {
            return Err(webpki::Error::CertNotValidYet { time, not_before });
        }
        if time > not_after { Err(webpki::Error::CertExpired { time, not_after }) } else { Ok(()) }
    }
}
