//! QUIC between a viewer and two edges with the same secrets: what one of them gives is good at the other.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use edgeward_net::{
    CertificateStore, NameSettings, Server, ServerSettings, TicketSecret, Tickets, ViewerLimits, ViewerTerms,
};
use parking_lot::Mutex;
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, ConnectionError, Endpoint};
use rustls::SupportedCipherSuite;
use rustls::crypto::aws_lc_rs::cipher_suite as suite;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::http3::{NAME, get, open, viewer};
use crate::support::{Answering, Authority, PATIENCE, settings, text};
use crate::takeovers::handed_over;

const NO_CHACHA: &str = "aes.localhost";

fn store(authority: &Authority) -> Arc<CertificateStore> {
    let store = Arc::new(CertificateStore::new());
    let with = |terms| NameSettings { certificate: None, terms, http3: true, authentication: None };
    let aes = ViewerTerms { chacha20: false, ..ViewerTerms::default() };
    let names = [(NAME, with(ViewerTerms::default())), (NO_CHACHA, with(aes))];
    store.replace(names, Some(authority.certificate(&[NAME, NO_CHACHA])));
    store
}

fn with_secret(byte: u8) -> ServerSettings {
    ServerSettings { tickets: Some(Arc::new(Tickets::new(&[TicketSecret([byte; 32])], 0))), ..settings() }
}

/// Answers with the suite of the connection, and whether it goes on with a session.
fn start(settings: ServerSettings, authority: &Authority) -> Server {
    Server::start(settings, store(authority), |_| Answering(answer)).unwrap()
}

fn answer(
    connection: Arc<edgeward_net::Connection>,
    _request: http::Request<edgeward_net::RequestContent>,
) -> crate::support::Answer {
    let tls = connection.tls.clone().unwrap();
    Box::pin(async move { text(format!("{} {}", tls.cipher, tls.resumed)) })
}

/// Between a viewer and one edge at a time, as a network that brings its packets now here, now there.
struct Network {
    address: SocketAddr,
    edge: Arc<Mutex<SocketAddr>>,
    /// Where the packets go once an edge has answered with Retry.
    after_retry: Arc<Mutex<Option<SocketAddr>>>,
    /// Nothing that edges send arrives.
    is_deaf: Arc<AtomicBool>,
}

impl Network {
    async fn to(edge: SocketAddr) -> Self {
        let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
        let (front, back) = (bind().await.unwrap(), bind().await.unwrap());
        let network = Self {
            address: front.local_addr().unwrap(),
            edge: Arc::new(Mutex::new(edge)),
            after_retry: Arc::default(),
            is_deaf: Arc::default(),
        };
        let (edge, after_retry) = (Arc::clone(&network.edge), Arc::clone(&network.after_retry));
        let is_deaf = Arc::clone(&network.is_deaf);
        tokio::spawn(async move {
            let (mut there, mut here, mut viewer) = ([0; 65_536], [0; 65_536], None);
            loop {
                tokio::select! {
                    received = front.recv_from(&mut there) => {
                        let (length, from) = received.unwrap();
                        viewer = Some(from);
                        let to = *edge.lock();
                        back.send_to(&there[..length], to).await.unwrap();
                    }
                    received = back.recv_from(&mut here) => {
                        let Ok((length, _)) = received else { continue };
                        // A long header of the type Retry (RFC 9000 section 17.2.5).
                        if let (0xf0, Some(next)) = (here[0] & 0xf0, after_retry.lock().take()) {
                            *edge.lock() = next;
                        }
                        if let (Some(viewer), false) = (viewer, is_deaf.load(Ordering::SeqCst)) {
                            front.send_to(&here[..length], viewer).await.unwrap();
                        }
                    }
                }
            }
        });
        network
    }
}

#[tokio::test]
async fn a_retry_token_of_one_edge_is_good_at_another() {
    let authority = Authority::new();
    let limits = ViewerLimits { max_unproven_handshakes: 0, ..ViewerLimits::default() };
    let (first, second) = (
        start(ServerSettings { limits: limits.clone(), ..with_secret(1) }, &authority),
        start(ServerSettings { limits: limits.clone(), ..with_secret(1) }, &authority),
    );
    let network = Network::to(first.https_addresses()[0]).await;
    *network.after_retry.lock() = Some(second.https_addresses()[0]);
    let viewer = viewer(&authority);
    let connection = timeout(PATIENCE, viewer.connect(network.address, NAME).unwrap()).await.unwrap().unwrap();
    let (mut requests, _driving) = open(&connection).await;
    assert!(get(&mut requests, "/").await.is_ok());
    assert_eq!((first.connections(), second.connections()), (0, 1));
}

#[tokio::test]
async fn a_process_resets_the_connections_of_one_before_it_that_is_gone() {
    let authority = Authority::new();
    let old = start(with_secret(1), &authority);
    let https = old.https_addresses()[0];
    let network = Network::to(https).await;
    let viewer = viewer(&authority);
    let connection = timeout(PATIENCE, viewer.connect(network.address, NAME).unwrap()).await.unwrap().unwrap();
    let (mut requests, _driving) = open(&connection).await;
    assert!(get(&mut requests, "/").await.is_ok());
    let same = ServerSettings { https: vec![https.into()], ..with_secret(1) };
    let new = Server::open(same, handed_over(&old), store(&authority), |_| Answering(answer)).unwrap();
    // As one that is killed: nobody hears of its end.
    network.is_deaf.store(true, Ordering::SeqCst);
    drop(old);
    network.is_deaf.store(false, Ordering::SeqCst);
    new.serve();
    let asking = tokio::spawn(async move { get(&mut requests, "/").await.map(drop) });
    let ended = timeout(PATIENCE, connection.closed()).await.unwrap();
    assert!(matches!(ended, ConnectionError::Reset), "{ended}");
    assert!(asking.await.unwrap().is_err());
}

fn speaking(authority: &Authority, suites: &[SupportedCipherSuite]) -> Endpoint {
    let mut config = authority.trusting(&["h3"]);
    let provider = rustls::crypto::CryptoProvider {
        cipher_suites: suites.to_vec(),
        ..rustls::crypto::CryptoProvider::clone(config.crypto_provider())
    };
    let with_suites =
        rustls::ClientConfig::builder_with_provider(Arc::new(provider)).with_safe_default_protocol_versions().unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.der()).unwrap();
    let protocols = std::mem::take(&mut config.alpn_protocols);
    config = with_suites.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols;
    // The first packets are always protected by AES-128 (RFC 9001 section 5.2).
    let initial = suite::TLS13_AES_128_GCM_SHA256.tls13().unwrap().quic_suite().unwrap();
    let crypto = QuicClientConfig::with_initial(Arc::new(config), initial).unwrap();
    let mut endpoint = Endpoint::client(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    endpoint.set_default_client_config(ClientConfig::new(Arc::new(crypto)));
    endpoint
}

#[tokio::test]
async fn viewers_get_the_first_suite_of_the_edge_that_they_and_the_name_have() {
    let (aes128, aes256, chacha) =
        (suite::TLS13_AES_128_GCM_SHA256, suite::TLS13_AES_256_GCM_SHA384, suite::TLS13_CHACHA20_POLY1305_SHA256);
    let authority = Authority::new();
    let server = start(with_secret(1), &authority);
    for (name, suites, expected) in [
        (NAME, &[chacha, aes256, aes128][..], Some("TLS_AES_128_GCM_SHA256")),
        (NAME, &[chacha, aes256], Some("TLS_AES_256_GCM_SHA384")),
        (NAME, &[chacha], Some("TLS_CHACHA20_POLY1305_SHA256")),
        (NO_CHACHA, &[chacha, aes256], Some("TLS_AES_256_GCM_SHA384")),
        (NO_CHACHA, &[chacha], None),
    ] {
        let viewer = speaking(&authority, suites);
        for resumed in [false, true] {
            let connecting = viewer.connect(server.https_addresses()[0], name).unwrap();
            let connected = timeout(PATIENCE, connecting).await.unwrap();
            let Some(expected) = expected else {
                assert!(connected.is_err(), "{name} {suites:?}");
                continue;
            };
            let (mut requests, _driving) = open(&connected.unwrap()).await;
            // `get` asks for NAME: what is answered does not depend on it here.
            assert_eq!(get(&mut requests, "/").await.unwrap(), format!("{expected} {resumed}").into_bytes());
        }
    }
}
