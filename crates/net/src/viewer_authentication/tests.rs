//! Chains of certificates against stores: who is taken, and the reason for everybody else.

use std::io;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, SerialNumber, date_time_ymd,
};
use rustls::server::danger::ClientCertVerifier;
use rustls_pki_types::{CertificateDer, UnixTime};

use super::facts::{byte_sequence, percent_encoded_pem};
use super::*;

type Issuer = CertifiedIssuer<'static, KeyPair>;

/// 2023-11-14.
const NOW: UnixTime = UnixTime::since_unix_epoch(Duration::from_secs(1_700_000_000));

fn named(name: &str) -> CertificateParams {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters
}

fn authority(name: &str) -> CertificateParams {
    let mut parameters = named(name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters
}

fn root(parameters: CertificateParams) -> Issuer {
    CertifiedIssuer::self_signed(parameters, KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap()).unwrap()
}

fn below(parameters: CertificateParams, issuer: &Issuer) -> Issuer {
    CertifiedIssuer::signed_by(parameters, KeyPair::generate().unwrap(), issuer).unwrap()
}

fn leaf(parameters: CertificateParams, issuer: &Issuer) -> CertificateDer<'static> {
    parameters.signed_by(&KeyPair::generate().unwrap(), issuer).unwrap().der().clone()
}

fn of_years(mut parameters: CertificateParams, first: i32, last: i32) -> CertificateParams {
    parameters.not_before = date_time_ymd(first, 1, 1);
    parameters.not_after = date_time_ymd(last, 1, 1);
    parameters
}

fn for_purpose(purpose: ExtendedKeyUsagePurpose) -> CertificateParams {
    let mut parameters = named("device");
    parameters.extended_key_usages = vec![purpose];
    parameters
}

fn store(authorities: &[&Issuer]) -> TrustStore {
    TrustStore::from_pem(&authorities.iter().map(|each| each.pem()).collect::<String>()).unwrap()
}

fn verdict(store: TrustStore, chain: &[CertificateDer<'_>], now: UnixTime) -> Option<CertificateFailure> {
    let verifier = Verifier::new(CertificateDemand::Required(Arc::new(store)));
    let (leaf, above) = chain.split_first().unwrap();
    verifier.verify_client_cert(leaf, above, now).err().map(|error| CertificateFailure::of(&io::Error::other(error)))
}

#[test]
fn each_fault_of_a_chain_has_its_reason() {
    let top = root(authority("root"));
    let middle = below(authority("middle"), &top);
    let (third, stranger) = (below(authority("third"), &middle), root(authority("root")));
    let good = leaf(named("device"), &top);
    let mut broken = good.to_vec();
    *broken.last_mut().unwrap() ^= 1;
    let mut large = named("device");
    large.subject_alt_names =
        (0..2_000).map(|number| rcgen::SanType::DnsName(format!("{number}.example").try_into().unwrap())).collect();
    let ed25519 =
        CertifiedIssuer::signed_by(authority("ed"), KeyPair::generate_for(&PKCS_ED25519).unwrap(), &top).unwrap();
    use CertificateFailure as Failure;
    for (what, chain, expected) in [
        ("good", vec![good.clone()], None),
        ("for viewers", vec![leaf(for_purpose(ExtendedKeyUsagePurpose::ClientAuth), &top)], None),
        ("through another", vec![leaf(named("device"), &middle), middle.der().clone()], None),
        ("in any order", vec![leaf(named("d"), &third), middle.der().clone(), third.der().clone()], None),
        ("with the root", vec![leaf(named("device"), &top), top.der().clone()], None),
        ("a gap", vec![leaf(named("device"), &middle)], Some(Failure::Untrusted)),
        ("another of the name", vec![leaf(named("device"), &stranger)], Some(Failure::Invalid)),
        ("nobody's", vec![root(named("device")).der().clone()], Some(Failure::Untrusted)),
        ("a changed bit", vec![CertificateDer::from(broken)], Some(Failure::Invalid)),
        ("no certificate", vec![CertificateDer::from(vec![1, 2, 3])], Some(Failure::Invalid)),
        ("over", vec![leaf(of_years(named("device"), 2020, 2021), &top)], Some(Failure::Expired)),
        ("to come", vec![leaf(of_years(named("device"), 2030, 2031), &top)], Some(Failure::NotYetValid)),
        (
            "for servers",
            vec![leaf(for_purpose(ExtendedKeyUsagePurpose::ServerAuth), &top)],
            Some(Failure::IntentInvalid),
        ),
        ("an authority", vec![leaf(authority("device"), &top)], Some(Failure::IntentInvalid)),
        ("signed by Ed25519", vec![leaf(named("d"), &ed25519), ed25519.der().clone()], Some(Failure::TypeUnsupported)),
        ("five", vec![good.clone(); 5], Some(Failure::MaxChainDepthExceeded)),
        ("large", vec![leaf(large, &top)], Some(Failure::MaxSizeExceeded)),
    ] {
        assert_eq!(verdict(store(&[&top]), &chain, NOW), expected, "{what}");
    }
}

#[test]
fn ignoring_expiry_overlooks_times_and_nothing_else() {
    let (top, stranger) = (root(authority("root")), root(authority("stranger")));
    let old = below(of_years(authority("old"), 2010, 2015), &top);
    let over_root = root(of_years(authority("over"), 2010, 2015));
    let mut server = of_years(for_purpose(ExtendedKeyUsagePurpose::ServerAuth), 2020, 2021);
    server.serial_number = Some(SerialNumber::from(7_u64));
    use CertificateFailure as Failure;
    for (what, chain, strict, lax) in [
        ("over", vec![leaf(of_years(named("d"), 2020, 2021), &top)], Some(Failure::Expired), None),
        ("to come", vec![leaf(of_years(named("d"), 2030, 2031), &top)], Some(Failure::NotYetValid), None),
        (
            "both over",
            vec![leaf(of_years(named("d"), 2012, 2013), &old), old.der().clone()],
            Some(Failure::Expired),
            None,
        ),
        ("of an expired root", vec![leaf(named("d"), &over_root)], Some(Failure::Expired), None),
        (
            "never together",
            vec![leaf(of_years(named("d"), 2020, 2030), &old), old.der().clone()],
            Some(Failure::Expired),
            Some(Failure::Expired),
        ),
        (
            "a stranger's",
            vec![leaf(of_years(named("d"), 2020, 2021), &stranger)],
            Some(Failure::Expired),
            Some(Failure::Untrusted),
        ),
    ] {
        let both = || store(&[&top, &over_root]);
        assert_eq!(verdict(both(), &chain, NOW), strict, "{what}");
        assert_eq!(verdict(both().ignoring_expiry(true), &chain, NOW), lax, "{what}");
    }
    let for_servers = [leaf(server, &top)];
    assert!(verdict(store(&[&top]).ignoring_expiry(true), &for_servers, NOW).is_some());
}

#[test]
fn names_of_authorities_are_told_where_that_is_asked_for() {
    let (one, other) = (root(authority("one")), root(authority("other")));
    let told = |tells| {
        let store = store(&[&one, &other]).telling_names(tells);
        Verifier::new(CertificateDemand::Optional(Arc::new(store))).root_hint_subjects().len()
    };
    assert_eq!((told(true), told(false)), (2, 0));
}

#[test]
fn what_is_no_store_has_a_reason() {
    assert!(matches!(TrustStore::from_pem(""), Err(TrustError::Pem(_))));
    assert!(matches!(TrustStore::from_pem("nonsense"), Err(TrustError::Pem(_))));
    let broken =
        format!("{}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", root(authority("a")).pem());
    assert!(matches!(TrustStore::from_pem(&broken), Err(TrustError::Certificate { index: 1, .. })));
}

#[test]
fn names_are_written_by_rfc_2253_and_in_visible_ascii() {
    let issuer = root(authority("root"));
    for (value, expected) in [
        ("device", "CN=device"),
        ("a,b+c\"d\\e<f>g;h", "CN=a\\,b\\+c\\\"d\\\\e\\<f\\>g\\;h"),
        (" #a ", "CN=\\ #a\\ "),
        ("#a", "CN=\\#a"),
        ("a b", "CN=a b"),
        ("Zürich\r\n", "CN=Z\\C3\\BCrich\\0D\\0A"),
    ] {
        let facts = CertificateFacts::read(&leaf(named(value), &issuer)).unwrap();
        assert_eq!(facts.subject, expected);
        assert_eq!(facts.issuer, "CN=root");
    }
}

#[test]
fn a_certificate_is_told_as_cloudfront_tells_it() {
    let mut parameters = of_years(named("client_.com"), 2023, 2024);
    parameters.serial_number = Some(SerialNumber::from(vec![0x4a, 0x3f, 0x5c, 0x92, 0xd1, 0xe8, 0x7b, 0x6c]));
    parameters.distinguished_name.push(DnType::OrganizationName, "mTLS");
    parameters.distinguished_name.push(DnType::CountryName, "US");
    let made = leaf(parameters, &root(authority("root")));
    let facts = CertificateFacts::read(&made).unwrap();
    assert_eq!(facts.serial_number, "4a:3f:5c:92:d1:e8:7b:6c");
    assert_eq!(facts.subject, "C=US,O=mTLS,CN=client_.com");
    assert_eq!(facts.validity, "NotBefore=2023-01-01T00:00:00Z;NotAfter=2024-01-01T00:00:00Z");
    assert_eq!((facts.sha256.len(), facts.sha256.to_ascii_lowercase() == facts.sha256), (64, true));
    assert!(CertificateFacts::read(&CertificateDer::from(vec![0; 9])).is_none());
    let field = byte_sequence(&made);
    let pem = percent_encoded_pem(&made).replace("%0A", "").replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
    assert_eq!(pem, format!("-----BEGIN%20CERTIFICATE-----{}-----END%20CERTIFICATE-----", field.trim_matches(':')));
}
