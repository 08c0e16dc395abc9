//! Viewers who show certificates: handshakes, sessions that are taken up again, and what a request is told of them.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use edgeward_net::{
    AskedHandshake, CertificateDemand, CertificateStore, Connection, HandshakeObserver, NameSettings, Server,
    ServerSettings, TicketSecret, Tickets, TrustStore, ViewerAuthentication, ViewerRefusal,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, HandshakeKind, SupportedProtocolVersion};

use crate::support::{Answer, Answering, Authority, eventually, handshake, read_response, settings, text};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const NOW: u64 = 1_700_000_000;
const VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS13, &rustls::version::TLS12];

/// An edge with one name, and the authority of its viewers.
struct Site {
    store: Arc<CertificateStore>,
    server: Server,
    authority: Authority,
    clients: Authority,
}

impl Site {
    /// Whose viewers need certificates, under terms number 1.
    fn new() -> Self {
        Self::watched(None)
    }

    fn watched(handshakes: Option<Arc<dyn HandshakeObserver>>) -> Self {
        let (authority, clients) = (Authority::new(), Authority::new());
        let store = Arc::new(CertificateStore::new());
        store.set_time(NOW);
        let tickets = Some(Arc::new(Tickets::new(&[TicketSecret([1; 32])], 0)));
        let answer = |connection: Arc<Connection>, _| -> Answer { Box::pin(async move { text(shown(&connection)) }) };
        let settings = ServerSettings { tickets, handshakes, ..settings() };
        let server = Server::start(settings, Arc::clone(&store), move |_| Answering(answer)).unwrap();
        let site = Self { store, server, authority, clients };
        site.ask(Some(ViewerAuthentication::new(CertificateDemand::Required(site.trust(&site.clients)), [1; 32])));
        site
    }

    fn trust(&self, authority: &Authority) -> Arc<TrustStore> {
        Arc::new(TrustStore::from_pem(&authority.pem()).unwrap())
    }

    /// Puts other terms in place of those before.
    fn ask(&self, authentication: Option<ViewerAuthentication>) {
        let settings = NameSettings { authentication: authentication.map(Arc::new), ..NameSettings::default() };
        self.store.replace([("edge.localhost", settings)], Some(self.authority.certificate(&["edge.localhost"])));
    }

    fn address(&self) -> SocketAddr {
        self.server.https_addresses()[0]
    }

    fn bare(&self, version: &'static SupportedProtocolVersion) -> ClientConfig {
        self.authority.viewer_with(aws_lc_rs::default_provider(), &[version])
    }

    /// A viewer with a certificate of `clients`.
    fn viewer(&self, version: &'static SupportedProtocolVersion, clients: &Authority) -> ClientConfig {
        let (chain, key) = clients.issue(&["device.example"]);
        let chain = rustls::pki_types::CertificateDer::pem_slice_iter(chain.as_bytes()).map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.authority.der()).unwrap();
        ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .unwrap()
    }

    /// What a request over a new connection is answered, and whether it took up a session; `None`: turned away.
    fn visit(&self, viewer: &ClientConfig) -> Option<(String, bool)> {
        let mut stream = handshake(self.address(), viewer.clone(), "edge.localhost").ok()?;
        let is_resumed = stream.conn.handshake_kind() == Some(HandshakeKind::Resumed);
        // In TLS 1.3 the viewer learns with its first read that it was turned away.
        stream.write_all(GET).ok()?;
        let mut first = [0];
        stream.read_exact(&mut first).ok()?;
        let response = read_response(&mut first.as_slice().chain(stream));
        Some((response.split("\r\n\r\n").nth(1).unwrap().to_owned(), is_resumed))
    }
}

/// What a request is told of its viewer.
fn shown(connection: &Connection) -> String {
    match connection.tls.as_ref().and_then(|session| session.shown.as_ref()) {
        None => "not asked".to_owned(),
        Some(shown) => format!("terms {} certificates {}", shown.terms()[0], shown.chain().len()),
    }
}

fn visited(content: &str, is_resumed: bool) -> Option<(String, bool)> {
    Some((content.to_owned(), is_resumed))
}

#[test]
fn a_session_keeps_its_certificate_when_it_is_taken_up_again() {
    let site = Site::new();
    for version in VERSIONS {
        let viewer = site.viewer(version, &site.clients);
        for is_resumed in [false, true, true] {
            assert_eq!(site.visit(&viewer), visited("terms 1 certificates 1", is_resumed), "{version:?}");
        }
        assert_eq!(site.visit(&site.bare(version)), None, "{version:?}");
    }
    eventually(|| site.server.refusals(ViewerRefusal::Certificate) == 2);
    assert_eq!(site.server.refusals(ViewerRefusal::Handshake), 0);
}

#[test]
fn no_session_survives_a_change_of_terms() {
    let site = Site::new();
    for version in VERSIONS {
        let required = || CertificateDemand::Required(site.trust(&site.clients));
        site.ask(None);
        let bare = site.bare(version);
        assert_eq!(site.visit(&bare), visited("not asked", false));
        assert_eq!(site.visit(&bare), visited("not asked", true));
        site.ask(Some(ViewerAuthentication::new(required(), [2; 32])));
        assert_eq!(site.visit(&bare), None, "{version:?}: a session without a certificate was taken up again");
        let viewer = site.viewer(version, &site.clients);
        assert_eq!(site.visit(&viewer), visited("terms 2 certificates 1", false));
        site.ask(Some(ViewerAuthentication::new(required(), [3; 32])));
        assert_eq!(site.visit(&viewer), visited("terms 3 certificates 1", false), "{version:?}");
        assert_eq!(site.visit(&viewer), visited("terms 3 certificates 1", true), "{version:?}");
        let others = Authority::new();
        site.ask(Some(ViewerAuthentication::new(CertificateDemand::Required(site.trust(&others)), [4; 32])));
        assert_eq!(site.visit(&viewer), None, "{version:?}: a certificate of the former store was taken");
        site.ask(None);
        assert_eq!(site.visit(&viewer), visited("not asked", false), "{version:?}");
    }
}

#[test]
fn a_session_ends_with_its_certificate() {
    let site = Site::new();
    for version in VERSIONS {
        site.store.set_time(NOW);
        let viewer = site.viewer(version, &site.clients);
        assert_eq!(site.visit(&viewer), visited("terms 1 certificates 1", false));
        assert_eq!(site.visit(&viewer), visited("terms 1 certificates 1", true));
        // After rcgen's default end, in the year 4096.
        site.store.set_time(70_000_000_000);
        assert_eq!(site.visit(&viewer), None, "{version:?}");
        assert_eq!(site.visit(&site.viewer(version, &site.clients)), None, "{version:?}");
    }
}

#[test]
fn where_nothing_is_verified_a_viewer_may_show_anything_or_nothing() {
    let site = Site::new();
    site.ask(Some(ViewerAuthentication::new(CertificateDemand::Unverified, [5; 32])));
    for version in VERSIONS {
        let (stranger, bare) = (site.viewer(version, &Authority::new()), site.bare(version));
        assert_eq!(site.visit(&stranger), visited("terms 5 certificates 1", false));
        assert_eq!(site.visit(&stranger), visited("terms 5 certificates 1", true));
        assert_eq!(site.visit(&bare), visited("terms 5 certificates 0", false));
        assert_eq!(site.visit(&bare), visited("terms 5 certificates 0", true));
    }
}

#[test]
fn a_name_that_does_not_ask_gets_no_certificate() {
    let site = Site::new();
    site.ask(None);
    for version in VERSIONS {
        assert_eq!(site.visit(&site.viewer(version, &site.clients)), visited("not asked", false));
    }
}

/// Remembers how handshakes ended.
#[derive(Debug, Default)]
struct Witness(Mutex<Vec<(String, Option<&'static str>)>>);

impl HandshakeObserver for Witness {
    fn ended(&self, handshake: &AskedHandshake<'_>) {
        let failure = handshake.end.as_ref().err().map(|failure| failure.name());
        self.0.lock().unwrap().push((handshake.server_name.to_owned(), failure));
    }
}

#[test]
fn each_handshake_that_asks_is_told_of_with_its_end() {
    let witness = Arc::new(Witness::default());
    let site = Site::watched(Some(Arc::clone(&witness) as Arc<dyn HandshakeObserver>));
    let (good, strange) = (&site.clients, Authority::new());
    for version in VERSIONS {
        let viewer = site.viewer(version, good);
        assert!(site.visit(&viewer).is_some() && site.visit(&viewer).is_some());
        assert!(site.visit(&site.bare(version)).is_none());
        assert!(site.visit(&site.viewer(version, &strange)).is_none());
        let ends = [None, None, Some("ClientCertMissing"), Some("ClientCertInvalid")];
        eventually(|| witness.0.lock().unwrap().len() == ends.len());
        let told = std::mem::take(&mut *witness.0.lock().unwrap());
        assert_eq!(told, ends.map(|end| ("edge.localhost".to_owned(), end)), "{version:?}");
    }
    site.ask(None);
    assert!(site.visit(&site.bare(VERSIONS[0])).is_some());
    assert!(witness.0.lock().unwrap().is_empty());
}
