//! Verifies what viewers show, as rustls asks, and names why a handshake failed as CloudFront's connection log does.
//!
//! Invariant: RSA and ECDSA alone (guide, trust-stores-certificate-management); a chain is measured before it is looked
//! into. Used by `viewer_authentication`.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::aws_lc_rs as algorithm;

use super::{CertificateDemand, TrustStore};

/// Certificates in what a viewer shows (guide, cloudfront-limits, mutual TLS).
const LONGEST_CHAIN: usize = 4;
/// Bytes of all of them. They travel in session tickets, and to origins in header fields.
const LARGEST_CHAIN: usize = 16 * 1024;

/// What signs certificates and handshakes.
pub(super) static ALGORITHMS: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[
        algorithm::ECDSA_P256_SHA256,
        algorithm::ECDSA_P256_SHA384,
        algorithm::ECDSA_P256_SHA512,
        algorithm::ECDSA_P384_SHA256,
        algorithm::ECDSA_P384_SHA384,
        algorithm::ECDSA_P384_SHA512,
        algorithm::RSA_PKCS1_2048_8192_SHA256,
        algorithm::RSA_PKCS1_2048_8192_SHA384,
        algorithm::RSA_PKCS1_2048_8192_SHA512,
        algorithm::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
        algorithm::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
        algorithm::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
    ],
    mapping: &[
        (SignatureScheme::ECDSA_NISTP256_SHA256, &[algorithm::ECDSA_P256_SHA256, algorithm::ECDSA_P384_SHA256]),
        (SignatureScheme::ECDSA_NISTP384_SHA384, &[algorithm::ECDSA_P384_SHA384, algorithm::ECDSA_P256_SHA384]),
        (SignatureScheme::RSA_PSS_SHA256, &[algorithm::RSA_PSS_2048_8192_SHA256_LEGACY_KEY]),
        (SignatureScheme::RSA_PSS_SHA384, &[algorithm::RSA_PSS_2048_8192_SHA384_LEGACY_KEY]),
        (SignatureScheme::RSA_PSS_SHA512, &[algorithm::RSA_PSS_2048_8192_SHA512_LEGACY_KEY]),
        (SignatureScheme::RSA_PKCS1_SHA256, &[algorithm::RSA_PKCS1_2048_8192_SHA256]),
        (SignatureScheme::RSA_PKCS1_SHA384, &[algorithm::RSA_PKCS1_2048_8192_SHA384]),
        (SignatureScheme::RSA_PKCS1_SHA512, &[algorithm::RSA_PKCS1_2048_8192_SHA512]),
    ],
};

/// The verifier of one [`CertificateDemand`].
#[derive(Debug)]
pub(super) struct Verifier {
    demand: CertificateDemand,
}

impl Verifier {
    pub(super) fn new(demand: CertificateDemand) -> Self {
        Self { demand }
    }

    /// A session that is taken up again: what its first handshake found may not hold any more.
    pub(super) fn verify_again(&self, chain: &[CertificateDer<'_>], now: UnixTime) -> Result<(), Error> {
        match chain.split_first() {
            Some((leaf, intermediates)) => self.verify(leaf, intermediates, now),
            None if self.client_auth_mandatory() => Err(Error::NoCertificatesPresented),
            None => Ok(()),
        }
    }

    fn verify(&self, leaf: &CertificateDer<'_>, rest: &[CertificateDer<'_>], now: UnixTime) -> Result<(), Error> {
        if rest.len() >= LONGEST_CHAIN {
            return Err(beyond(TooMuch::ChainDepth));
        }
        if leaf.len() + rest.iter().map(|each| each.len()).sum::<usize>() > LARGEST_CHAIN {
            return Err(beyond(TooMuch::Size));
        }
        match self.trust() {
            Some(store) => store.verify(leaf, rest, now),
            None => Ok(()),
        }
    }

    fn trust(&self) -> Option<&Arc<TrustStore>> {
        match &self.demand {
            CertificateDemand::Required(store) | CertificateDemand::Optional(store) => Some(store),
            CertificateDemand::Unverified => None,
        }
    }
}

impl ClientCertVerifier for Verifier {
    fn client_auth_mandatory(&self) -> bool {
        matches!(self.demand, CertificateDemand::Required(_))
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.trust().map_or(&[], |store| store.names())
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.verify(end_entity, intermediates, now).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &ALGORITHMS)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &ALGORITHMS)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ALGORITHMS.supported_schemes()
    }
}

/// A limit that a viewer's chain is beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TooMuch {
    ChainDepth,
    Size,
}

impl fmt::Display for TooMuch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TooMuch::ChainDepth => write!(formatter, "more than {LONGEST_CHAIN} certificates"),
            TooMuch::Size => write!(formatter, "certificates of more than {LARGEST_CHAIN} bytes"),
        }
    }
}

impl std::error::Error for TooMuch {}

fn beyond(limit: TooMuch) -> Error {
    CertificateError::Other(OtherError(Arc::new(limit))).into()
}

/// webpki's reasons as rustls tells them in alerts.
pub(super) fn error_of(error: webpki::Error) -> Error {
    use webpki::Error as Reason;
    match error {
        Reason::BadDer | Reason::BadDerTime | Reason::TrailingData(_) => CertificateError::BadEncoding,
        Reason::CertExpired { time, not_after } => CertificateError::ExpiredContext { time, not_after },
        Reason::CertNotValidYet { time, not_before } => CertificateError::NotValidYetContext { time, not_before },
        Reason::InvalidCertValidity => CertificateError::Expired,
        Reason::UnknownIssuer => CertificateError::UnknownIssuer,
        Reason::InvalidSignatureForPublicKey => CertificateError::BadSignature,
        Reason::RequiredEkuNotFoundContext(_) | Reason::EmptyEkuExtension | Reason::CaUsedAsEndEntity => {
            CertificateError::InvalidPurpose
        }
        Reason::UnsupportedSignatureAlgorithmContext(context) => {
            CertificateError::UnsupportedSignatureAlgorithmContext {
                signature_algorithm_id: context.signature_algorithm_id,
                supported_algorithms: context.supported_algorithms,
            }
        }
        Reason::UnsupportedSignatureAlgorithmForPublicKeyContext(context) => {
            CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
                signature_algorithm_id: context.signature_algorithm_id,
                public_key_algorithm_id: context.public_key_algorithm_id,
            }
        }
        Reason::MaximumPathDepthExceeded | Reason::PathLenConstraintViolated => {
            return beyond(TooMuch::ChainDepth);
        }
        other => CertificateError::Other(OtherError(Arc::new(other))),
    }
    .into()
}

/// Why a viewer that was asked for a certificate was turned away (guide, connection-logs, connection error codes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateFailure {
    /// More certificates than four.
    MaxChainDepthExceeded,
    /// Certificates of more bytes than are taken.
    MaxSizeExceeded,
    /// From no authority of the trust store.
    Untrusted,
    /// Of the viewer or of an authority above it.
    NotYetValid,
    /// Of the viewer or of an authority above it.
    Expired,
    /// Neither RSA nor ECDSA, or a hash that is not taken.
    TypeUnsupported,
    /// Malformed, or a signature that is wrong.
    Invalid,
    /// Not for authenticating viewers.
    IntentInvalid,
    /// None was shown.
    Missing,
    /// The viewer went away, or the bytes did not come.
    TcpError,
    /// The handshake took too long.
    TcpTimeout,
    /// What has no word of its own: no common version, no TLS at all.
    Unmapped,
}

impl CertificateFailure {
    /// Why an attempt to finish a handshake failed.
    pub(crate) fn of(error: &io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            Some(error) => Self::of_tls(error),
            None => Self::TcpError,
        }
    }

    fn of_tls(error: &Error) -> Self {
        match error {
            Error::NoCertificatesPresented => Self::Missing,
            Error::InvalidCertificate(reason) => Self::of_certificate(reason),
            _ => Self::Unmapped,
        }
    }

    fn of_certificate(reason: &CertificateError) -> Self {
        match reason {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYetValid,
            CertificateError::UnknownIssuer => Self::Untrusted,
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => Self::IntentInvalid,
            CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => Self::TypeUnsupported,
            CertificateError::Other(OtherError(inner)) => match inner.downcast_ref::<TooMuch>() {
                Some(TooMuch::ChainDepth) => Self::MaxChainDepthExceeded,
                Some(TooMuch::Size) => Self::MaxSizeExceeded,
                None => Self::Invalid,
            },
            _ => Self::Invalid,
        }
    }

    /// Whether it is the certificate, or the lack of one, that the viewer was turned away for.
    pub fn is_about_certificate(self) -> bool {
        !matches!(self, Self::TcpError | Self::TcpTimeout | Self::Unmapped)
    }

    /// Its name in CloudFront's connection log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MaxChainDepthExceeded => "ClientCertMaxChainDepthExceeded",
            Self::MaxSizeExceeded => "ClientCertMaxSizeExceeded",
            Self::Untrusted => "ClientCertUntrusted",
            Self::NotYetValid => "ClientCertNotYetValid",
            Self::Expired => "ClientCertExpired",
            Self::TypeUnsupported => "ClientCertTypeUnsupported",
            Self::Invalid => "ClientCertInvalid",
            Self::IntentInvalid => "ClientCertIntentInvalid",
            Self::Missing => "ClientCertMissing",
            Self::TcpError => "TcpError",
            Self::TcpTimeout => "TcpTimeout",
            Self::Unmapped => "UnmappedConnectionError",
        }
    }
}
