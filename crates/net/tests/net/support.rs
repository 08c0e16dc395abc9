//! What the tests of this crate share: a service made of a closure, certificates, and viewers on plain sockets.

use std::convert::Infallible;
use std::future::Future;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use edgeward_mapped::MappedFiles;
use edgeward_net::{
    Certificate, CertificateStore, Connection, RequestContent, Server, ServerSettings, ViewerLimits, ViewerService,
};
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedCipherSuite, SupportedProtocolVersion,
};

/// Longest wait of a test for anything: a hang becomes a failure.
pub const PATIENCE: Duration = Duration::from_secs(10);

pub type Answer = Pin<Box<dyn Future<Output = Response<BoxBody<Bytes, Infallible>>> + Send>>;

/// A service that is a closure.
#[derive(Clone)]
pub struct Answering<F>(pub F);

impl<F> ViewerService for Answering<F>
where
    F: Fn(Arc<Connection>, Request<RequestContent>) -> Answer + Clone + Send + Sync + 'static,
{
    type Body = BoxBody<Bytes, Infallible>;
    type Future = Answer;

    fn call(&self, connection: &Arc<Connection>, request: Request<RequestContent>) -> Answer {
        (self.0)(Arc::clone(connection), request)
    }
}

pub fn text(content: impl Into<Bytes>) -> Response<BoxBody<Bytes, Infallible>> {
    Response::new(Full::new(content.into()).boxed())
}

pub fn settings() -> ServerSettings {
    let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
    ServerSettings {
        http: vec![any.into()],
        https: vec![any.into()],
        http3: true,
        workers: 1,
        limits: ViewerLimits::default(),
        files: MappedFiles::new(),
        tickets: None,
        handshakes: None,
    }
}

/// Starts a server whose default certificate is for `edge.localhost`.
pub fn serve<F>(settings: ServerSettings, answer: F) -> (Server, Authority)
where
    F: Fn(Arc<Connection>, Request<RequestContent>) -> Answer + Clone + Send + Sync + 'static,
{
    let authority = Authority::new();
    let store = Arc::new(CertificateStore::new());
    store.replace([], Some(authority.certificate(&["edge.localhost"])));
    let server = Server::start(settings, store, move |_| Answering(answer.clone())).unwrap();
    (server, authority)
}

/// A certificate authority of one test.
pub struct Authority {
    issuer: rcgen::CertifiedIssuer<'static, rcgen::KeyPair>,
}

impl Authority {
    pub fn new() -> Self {
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let issuer = rcgen::CertifiedIssuer::self_signed(parameters, rcgen::KeyPair::generate().unwrap()).unwrap();
        Self { issuer }
    }

    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub fn der(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// Certificate and key for these names, PEM.
    pub fn issue(&self, names: &[&str]) -> (String, String) {
        let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let key = rcgen::KeyPair::generate().unwrap();
        let leaf = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &self.issuer).unwrap();
        (leaf.pem(), key.serialize_pem())
    }

    pub fn certificate(&self, names: &[&str]) -> Certificate {
        let (chain, key) = self.issue(names);
        Certificate::from_pem(&chain, &key).unwrap()
    }

    /// A viewer that speaks one version with one suite.
    pub fn viewer(&self, version: &'static SupportedProtocolVersion, suite: SupportedCipherSuite) -> ClientConfig {
        let provider = CryptoProvider { cipher_suites: vec![suite], ..rustls::crypto::aws_lc_rs::default_provider() };
        self.viewer_with(provider, &[version])
    }

    /// A viewer that speaks these versions with what `provider` has.
    pub fn viewer_with(
        &self,
        provider: CryptoProvider,
        versions: &[&'static SupportedProtocolVersion],
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.der()).unwrap();
        ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    /// A viewer's TLS configuration that trusts this authority.
    pub fn trusting(&self, alpn: &[&str]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    }
}

/// A viewer's TCP connection that never hangs.
pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A viewer's TLS connection after its handshake, or the error of it.
pub fn handshake(
    address: SocketAddr,
    config: ClientConfig,
    name: &str,
) -> std::io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut stream = connect(address);
    let mut session = ClientConnection::new(Arc::new(config), name).unwrap();
    while session.is_handshaking() {
        session.complete_io(&mut stream)?;
    }
    Ok(StreamOwned::new(session, stream))
}

/// Sends `request`, ends the sending side, and reads what comes until the edge closes.
pub fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = connect(address);
    stream.write_all(request).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    read_to_end(stream)
}

/// A reset after the response counts as the end: the edge closed with unread bytes of the viewer.
pub fn read_to_end(mut stream: impl Read) -> String {
    let mut all = Vec::new();
    match stream.read_to_end(&mut all) {
        Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => panic!("{error}"),
        _ => {}
    }
    String::from_utf8_lossy(&all).into_owned()
}

/// Waits for what another thread is about to do.
pub fn eventually(mut is_true: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + PATIENCE;
    while !is_true() {
        assert!(std::time::Instant::now() < deadline, "it did not happen");
        std::thread::yield_now();
    }
}

/// Reads one response with Content-Length from a kept connection.
pub fn read_response(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head
        .to_ascii_lowercase()
        .split("content-length: ")
        .nth(1)
        .map_or(0, |rest| rest.split("\r\n").next().unwrap().parse::<usize>().unwrap());
    let mut content = vec![0; length];
    stream.read_exact(&mut content).unwrap();
    head + &String::from_utf8(content).unwrap()
}
