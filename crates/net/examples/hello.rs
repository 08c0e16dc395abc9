//! Serves constant content over HTTP/1.1, HTTP/1.1 over TLS and HTTP/2 over TLS: what the connection path costs without
//! a pipeline.
//!
//! `cargo run --release -p edgeward-net --example hello -- [http address] [https address] [bytes] [workers]`

use std::error::Error;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use edgeward_mapped::MappedFiles;
use edgeward_net::{
    Certificate, CertificateStore, Connection, RequestContent, Server, ServerSettings, ViewerLimits, ViewerService,
};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, HeaderValue, SERVER};
use http::{Request, Response};
use http_body_util::Full;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Clone)]
struct Hello {
    content: Bytes,
    content_length: HeaderValue,
}

impl ViewerService for Hello {
    type Body = Full<Bytes>;
    type Future = Ready<Response<Full<Bytes>>>;

    fn call(&self, _: &Arc<Connection>, _: Request<RequestContent>) -> Self::Future {
        let mut response = Response::new(Full::new(self.content.clone()));
        let fields = response.headers_mut();
        fields.insert(SERVER, HeaderValue::from_static("Edgeward"));
        fields.insert(DATE, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
        fields.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        fields.insert(CONTENT_LENGTH, self.content_length.clone());
        ready(response)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |default: &str| arguments.next().unwrap_or_else(|| default.to_owned());
    let (http, https): (SocketAddr, SocketAddr) =
        (argument("127.0.0.1:8080").parse()?, argument("127.0.0.1:8443").parse()?);
    let (bytes, workers): (usize, usize) = (argument("1024").parse()?, argument("1").parse()?);

    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])?;
    let certificate = Certificate::from_pem(&made.cert.pem(), &made.signing_key.serialize_pem())?;
    let certificates = Arc::new(CertificateStore::new());
    certificates.replace([], Some(certificate));

    let hello = Hello { content: vec![b'x'; bytes].into(), content_length: bytes.into() };
    let settings = ServerSettings {
        http: vec![http.into()],
        https: vec![https.into()],
        http3: false,
        workers,
        limits: ViewerLimits::default(),
        files: MappedFiles::new(),
        tickets: None,
        handshakes: None,
    };
    let _server = Server::start(settings, certificates, move |_| hello.clone())?;
    std::thread::park();
    Ok(())
}
