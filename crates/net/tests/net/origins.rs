//! Origin connections against scripted origins: reuse, retries, and the error of every way to fail.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use edgeward_net::origin::{
    ClientIdentity, ConnectFailure, OriginAddress, OriginBody, OriginError, OriginNetwork, OriginPool, OriginSettings,
    OriginTimeouts, Reach, client_config,
};
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::support::{Authority, PATIENCE};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Runs `script` on a thread with a listener; whatever it returns ends the origin.
fn origin(script: impl FnOnce(TcpListener) + Send + 'static) -> OriginAddress {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || script(listener));
    address(port)
}

fn address(port: u16) -> OriginAddress {
    OriginAddress { port, ..OriginAddress::new("origin.localhost".into()) }
}

/// Accepts one connection, reads one request, writes `response` and closes.
fn origin_saying(response: impl Into<Vec<u8>>) -> OriginAddress {
    let response = response.into();
    origin(move |listener| {
        let mut stream = accept(&listener);
        read_head(&mut stream);
        stream.write_all(&response).unwrap();
    })
}

fn accept(listener: &TcpListener) -> TcpStream {
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn read_head(stream: &mut impl Read) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

fn pool() -> OriginPool {
    pool_trusting(&Authority::new())
}

pub(crate) fn pool_trusting(authority: &Authority) -> OriginPool {
    pool_reaching(&["127.0.0.0/8", "::1"], authority)
}

fn pool_reaching(networks: &[&str], authority: &Authority) -> OriginPool {
    let reach = Reach::new(networks.iter().map(|network| network.parse().unwrap()).collect());
    let network = OriginNetwork::new(OriginSettings { reach, ..OriginSettings::default() });
    OriginPool::new(&network, client_config(&[authority.pem()]).unwrap())
}

fn timeouts() -> OriginTimeouts {
    OriginTimeouts { attempts: 2, connect: PATIENCE, response: PATIENCE, keepalive: PATIENCE, complete_by: None }
}

fn get() -> Request<Empty<Bytes>> {
    Request::get("/").header("host", "origin").body(Empty::new()).unwrap()
}

async fn send(pool: &OriginPool, address: &OriginAddress) -> Result<Response<OriginBody>, OriginError> {
    pool.send(address, &timeouts(), get()).await
}

async fn content(response: Response<OriginBody>) -> Result<Bytes, OriginError> {
    Ok(response.into_body().collect().await?.to_bytes())
}

#[tokio::test]
async fn a_connection_serves_one_request_after_the_other() {
    let address = origin(|listener| {
        let mut stream = accept(&listener);
        for response in [
            &b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"[..],
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            b"HTTP/1.1 204 No Content\r\n\r\n",
            b"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        ] {
            read_head(&mut stream);
            stream.write_all(response).unwrap();
        }
        // Kept open: only reuse can have answered all of them.
        let _closed = stream.read(&mut [0]);
    });
    let pool = pool();
    for expected in ["ok", "ok", "", "", ""] {
        let response = send(&pool, &address).await.unwrap();
        assert_eq!(content(response).await.unwrap(), expected);
        assert_eq!(pool.idle_connections(), 1);
    }
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_replaced() {
    let (closed, is_closed) = mpsc::channel();
    let address = origin(move |listener| {
        for _ in 0..3 {
            let mut stream = accept(&listener);
            read_head(&mut stream);
            stream.write_all(OK).unwrap();
            drop(stream);
            closed.send(()).unwrap();
        }
    });
    let pool = pool();
    for _ in 0..3 {
        let response = send(&pool, &address).await.unwrap();
        assert_eq!(content(response).await.unwrap(), "ok");
        // Blocks the runtime on purpose: the close is not noticed before the next request.
        is_closed.recv_timeout(PATIENCE).unwrap();
    }
}

#[tokio::test]
async fn a_request_that_was_written_is_never_sent_again() {
    let (asked, is_asked) = mpsc::channel();
    let address = origin(move |listener| {
        let mut stream = accept(&listener);
        read_head(&mut stream);
        stream.write_all(OK).unwrap();
        read_head(&mut stream);
        drop(stream);
        listener.set_nonblocking(true).unwrap();
        is_asked_again(&listener, &asked);
    });
    let pool = pool();
    content(send(&pool, &address).await.unwrap()).await.unwrap();
    let error = send(&pool, &address).await.unwrap_err();
    assert!(matches!(error, OriginError::ZeroSize { reused: true }), "{error:?}");
    assert!(!is_asked.recv_timeout(PATIENCE).unwrap());
}

fn is_asked_again(listener: &TcpListener, asked: &Sender<bool>) {
    asked.send(listener.accept().is_ok()).unwrap();
}

#[tokio::test]
async fn the_responses_that_are_none() {
    for (case, response, is_expected) in [
        ("nothing", &b""[..], (|error| matches!(error, OriginError::ZeroSize { reused: false })) as fn(&_) -> bool),
        ("half a head", b"HTTP/1.1 200 OK\r\nServ", |error| matches!(error, OriginError::Read(_))),
        ("garbage", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", |error| matches!(error, OriginError::InvalidResponse(_))),
        ("bad field", b"HTTP/1.1 200 OK\r\na b\r\n\r\n", |error| matches!(error, OriginError::InvalidResponse(_))),
        ("status 99", b"HTTP/1.1 99 X\r\n\r\n", |error| matches!(error, OriginError::InvalidResponse(_))),
        ("two lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", |error| {
            matches!(error, OriginError::InvalidResponse(_))
        }),
        ("status 101", b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", |error| {
            matches!(error, OriginError::InvalidResponse(_))
        }),
    ] {
        let error = send(&pool(), &origin_saying(response)).await.unwrap_err();
        assert!(is_expected(&error), "{case}: {error:?}");
    }
}

#[tokio::test]
async fn a_head_beyond_the_limits_is_too_big() {
    for fields in [format!("X: {}\r\n", "a".repeat(70_000)), "X: a\r\n".repeat(101)] {
        let address = origin_saying(format!("HTTP/1.1 200 OK\r\n{fields}\r\n"));
        let error = send(&pool(), &address).await.unwrap_err();
        assert!(matches!(error, OriginError::HeaderTooBig), "{error:?}");
    }
}

#[tokio::test]
async fn content_that_ends_too_early_is_an_error_and_its_connection_is_not_kept() {
    for (case, rest, is_expected) in [
        ("length", "Content-Length: 9\r\n\r\nok", (|error| matches!(error, OriginError::Truncated)) as fn(&_) -> bool),
        ("no last chunk", "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", |error| {
            matches!(error, OriginError::Truncated)
        }),
        ("within a chunk", "Transfer-Encoding: chunked\r\n\r\n9\r\nok", |error| {
            matches!(error, OriginError::Truncated)
        }),
        ("bad chunk size", "Transfer-Encoding: chunked\r\n\r\nxy\r\nok", |error| {
            matches!(error, OriginError::InvalidResponse(_))
        }),
    ] {
        let pool = pool();
        let response = send(&pool, &origin_saying(format!("HTTP/1.1 200 OK\r\n{rest}"))).await.unwrap();
        let error = content(response).await.unwrap_err();
        assert!(is_expected(&error), "{case}: {error:?}");
        assert_eq!(pool.idle_connections(), 0);
    }
}

#[tokio::test]
async fn content_without_a_length_ends_with_the_connection() {
    let pool = pool();
    let response = send(&pool, &origin_saying("HTTP/1.0 200 OK\r\n\r\nok")).await.unwrap();
    assert_eq!(content(response).await.unwrap(), "ok");
    assert!(pool.idle_connections() <= 1);
}

#[tokio::test]
async fn interim_responses_are_passed_over() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    let address = origin_saying([interim.as_bytes(), OK].concat());
    let response = send(&pool(), &address).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(content(response).await.unwrap(), "ok");
}

#[tokio::test]
async fn an_origin_that_does_not_listen_refuses() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = send(&pool(), &OriginAddress { connect_to: Some(loopback(port)), ..address(port) }).await.unwrap_err();
    assert!(matches!(error, OriginError::Connect { failure: ConnectFailure::Refused, .. }), "{error:?}");
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_refuses() {
    let Ok(listener) = TcpListener::bind("[::1]:0") else { return };
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut stream = accept(&listener);
        read_head(&mut stream);
        stream.write_all(OK).unwrap();
    });
    // `.localhost` is 127.0.0.1 first, where nobody listens on this port.
    assert_eq!(content(send(&pool(), &address(port)).await.unwrap()).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_name_that_no_lookup_can_find_is_a_dns_error() {
    let host = format!("{}.example", "a".repeat(64));
    let error = send(&pool(), &OriginAddress { host: host.into(), ..address(80) }).await.unwrap_err();
    assert!(matches!(error, OriginError::Dns(_)), "{error:?}");
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_a_connect_timeout_after_all_attempts() {
    let (accepted, is_accepted) = mpsc::channel();
    let address = origin(move |listener| {
        let _open: Vec<_> = (0..2).map(|_| accept(&listener)).collect();
        accepted.send(()).unwrap();
        let _ended = listener.accept();
    });
    let timeouts = OriginTimeouts { connect: Duration::from_millis(50), ..timeouts() };
    let error = pool().send(&OriginAddress { tls: true, ..address }, &timeouts, get()).await.unwrap_err();
    assert!(matches!(error, OriginError::ConnectTimeout), "{error:?}");
    is_accepted.recv_timeout(PATIENCE).unwrap();
}

#[tokio::test]
async fn an_origin_that_does_not_answer_times_out() {
    for (case, said, is_content) in [
        ("silent", &b""[..], false),
        ("stops within its head", b"HTTP/1.1 200 OK\r\n", false),
        ("stops within its content", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", true),
    ] {
        let (over, is_over) = mpsc::channel::<()>();
        let address = origin(move |listener| {
            let mut stream = accept(&listener);
            read_head(&mut stream);
            stream.write_all(said).unwrap();
            let _over = is_over.recv_timeout(PATIENCE);
        });
        let timeouts = OriginTimeouts { response: Duration::from_millis(50), ..timeouts() };
        let response = pool().send(&address, &timeouts, get()).await;
        assert_eq!(response.is_ok(), is_content, "{case}");
        let error = match response {
            Ok(response) => content(response).await.unwrap_err(),
            Err(error) => error,
        };
        assert!(matches!(error, OriginError::ResponseTimeout), "{case}: {error:?}");
        drop(over);
    }
}

#[tokio::test]
async fn the_response_timeout_runs_between_packets() {
    let address = origin(|listener| {
        let mut stream = accept(&listener);
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").unwrap();
        for byte in b"12345" {
            thread::sleep(Duration::from_millis(30));
            stream.write_all(&[*byte]).unwrap();
        }
    });
    let timeouts = OriginTimeouts { response: Duration::from_millis(100), ..timeouts() };
    let response = pool().send(&address, &timeouts, get()).await.unwrap();
    assert_eq!(content(response).await.unwrap(), "12345");
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_the_keepalive_timeout() {
    let (closed, is_closed) = mpsc::channel();
    let address = origin(move |listener| {
        let mut stream = accept(&listener);
        read_head(&mut stream);
        stream.write_all(OK).unwrap();
        closed.send(stream.read(&mut [0]).unwrap()).unwrap();
    });
    let pool = pool();
    let timeouts = OriginTimeouts { keepalive: Duration::from_millis(50), ..timeouts() };
    content(pool.send(&address, &timeouts, get()).await.unwrap()).await.unwrap();
    let read = tokio::task::spawn_blocking(move || is_closed.recv_timeout(PATIENCE)).await.unwrap();
    assert_eq!(read, Ok(0));
    assert_eq!(pool.idle_connections(), 0);
}

#[tokio::test]
async fn request_content_is_streamed_and_comes_back() {
    let address = origin(|listener| {
        let mut stream = accept(&listener);
        let head = read_head(&mut stream);
        assert!(head.contains("content-length: 5\r\n"), "{head}");
        let mut content = [0; 5];
        stream.read_exact(&mut content).unwrap();
        assert_eq!(&content, b"hello");
        stream.write_all(OK).unwrap();
    });
    let request = Request::post("/").version(http::Version::HTTP_2).body(Full::new(Bytes::from("hello"))).unwrap();
    let response = pool().send(&address, &timeouts(), request).await.unwrap();
    assert_eq!(content(response).await.unwrap(), "ok");
}

#[tokio::test]
async fn request_content_that_fails_is_not_the_origins_fault() {
    struct Failing;
    impl Body for Failing {
        type Data = Bytes;
        type Error = std::io::Error;
        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
            Poll::Ready(Some(Err(std::io::Error::other("the viewer went away"))))
        }
    }
    let address = origin(|listener| {
        let mut stream = accept(&listener);
        let _incomplete = stream.read_to_end(&mut Vec::new());
    });
    let error = pool().send(&address, &timeouts(), Request::post("/").body(Failing).unwrap()).await.unwrap_err();
    assert!(matches!(&error, OriginError::RequestContent(text) if text.contains("went away")), "{error:?}");
}

#[tokio::test]
async fn a_connection_whose_request_is_not_finished_serves_no_other() {
    struct Endless;
    impl Body for Endless {
        type Data = Bytes;
        type Error = std::io::Error;
        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
            Poll::Pending
        }
    }
    let address = origin(|listener| {
        let _open: Vec<_> = (0..2)
            .map(|_| {
                let mut stream = accept(&listener);
                read_head(&mut stream);
                stream.write_all(OK).unwrap();
                stream
            })
            .collect();
        let _ended = listener.accept();
    });
    let pool = pool();
    let early = pool.send(&address, &timeouts(), Request::post("/").body(Endless).unwrap()).await.unwrap();
    assert_eq!(content(early).await.unwrap(), "ok");
    assert_eq!(content(send(&pool, &address).await.unwrap()).await.unwrap(), "ok");
}

/// Of an origin with a certificate for `names`, which speaks `protocols`.
pub(crate) fn tls_config(authority: &Authority, names: &[&str], protocols: &[Vec<u8>]) -> Arc<ServerConfig> {
    let (chain, key) = authority.issue(names);
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>().unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
        .unwrap();
    config.alpn_protocols = protocols.to_vec();
    Arc::new(config)
}

/// An HTTPS origin with a certificate for `names` by `authority` that answers one request.
fn tls_origin(authority: &Authority, names: &[&str]) -> (OriginAddress, Receiver<String>) {
    let config = tls_config(authority, names, &[]);
    let (server_name, server_names) = mpsc::channel();
    let address = origin(move |listener| {
        let mut stream = accept(&listener);
        let mut session = ServerConnection::new(config).unwrap();
        while session.is_handshaking() {
            if session.complete_io(&mut stream).is_err() {
                return;
            }
        }
        server_name.send(session.server_name().unwrap_or_default().to_owned()).unwrap();
        let mut stream = StreamOwned::new(session, stream);
        read_head(&mut stream);
        stream.write_all(OK).unwrap();
        let _closed = stream.read(&mut [0]);
    });
    (OriginAddress { tls: true, ..address }, server_names)
}

#[tokio::test]
async fn an_address_out_of_reach_is_never_connected_to() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    for host in ["origin.localhost", "127.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0"] {
        let pool = pool_reaching(&["10.0.0.0/8"], &Authority::new());
        let error = send(&pool, &OriginAddress { host: host.into(), ..address(port) }).await.unwrap_err();
        assert!(matches!(error, OriginError::OutOfReach), "{host}: {error:?}");
    }
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn an_https_origin_is_asked_for_and_verified_by_its_host() {
    let authority = Authority::new();
    let (address, server_names) = tls_origin(&authority, &["origin.localhost"]);
    let response = send(&pool_trusting(&authority), &address).await.unwrap();
    assert_eq!(content(response).await.unwrap(), "ok");
    assert_eq!(server_names.recv_timeout(PATIENCE).unwrap(), "origin.localhost");
}

#[tokio::test]
async fn an_https_origin_whose_certificate_does_not_fit_is_refused() {
    let authority = Authority::new();
    for (case, trusted, name) in
        [("untrusted", &Authority::new(), "origin.localhost"), ("other name", &authority, "other.localhost")]
    {
        let (address, _) = tls_origin(&authority, &[name]);
        let error = send(&pool_trusting(trusted), &address).await.unwrap_err();
        assert!(matches!(error, OriginError::Tls { verification: true, .. }), "{case}: {error:?}");
    }
}

#[tokio::test]
async fn an_origin_that_does_not_speak_tls_fails_the_handshake() {
    let address = origin(|listener| {
        for _ in 0..2 {
            let mut stream = accept(&listener);
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
            let _client_hello = stream.read(&mut [0; 4096]);
        }
    });
    let error = send(&pool(), &OriginAddress { tls: true, ..address }).await.unwrap_err();
    assert!(matches!(error, OriginError::Tls { verification: false, .. }), "{error:?}");
}

/// What an origin sees of a connection.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    resumed: bool,
    shows_certificate: bool,
}

/// An HTTPS origin that takes a certificate by `authority` where the edge shows one, answers one request on each of its
/// connections, and tells how each began.
fn closing_tls_origin(authority: &Authority, connections: usize) -> (OriginAddress, Receiver<Seen>) {
    let (chain, key) = authority.issue(&["origin.localhost"]);
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>().unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.der()).unwrap();
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.allow_unauthenticated().build().unwrap())
        .with_single_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
        .unwrap();
    let config = Arc::new(config);
    let (tell, told) = mpsc::channel();
    let address = origin(move |listener| {
        for _ in 0..connections {
            let stream = accept(&listener);
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
            read_head(&mut stream);
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok").unwrap();
            let resumed = stream.conn.handshake_kind() == Some(rustls::HandshakeKind::Resumed);
            tell.send(Seen { resumed, shows_certificate: stream.conn.peer_certificates().is_some() }).unwrap();
            stream.conn.send_close_notify();
            stream.flush().unwrap();
        }
    });
    (OriginAddress { tls: true, ..address }, told)
}

#[tokio::test]
async fn a_tls_session_is_resumed_with_the_same_certificate_and_with_no_other() {
    let authority = Authority::new();
    let tls = client_config(&[authority.pem()]).unwrap();
    let pool = pool_trusting(&authority);
    let (anonymous, seen) = closing_tls_origin(&authority, 6);
    let shows = |certificate| OriginAddress { identity: Some(certificate), ..anonymous.clone() };
    let identity = || ClientIdentity::new(&tls, &authority.certificate(&["edge.localhost"]));
    let (first, second) = (shows(identity()), shows(identity()));
    for (case, address, resumed, shows_certificate) in [
        ("new", &anonymous, false, false),
        ("again", &anonymous, true, false),
        ("with a certificate", &first, false, true),
        ("again with it", &first, true, true),
        ("with another one", &second, false, true),
        ("without any", &anonymous, true, false),
    ] {
        let response = send(&pool, address).await.unwrap();
        assert_eq!(content(response).await.unwrap(), "ok", "{case}");
        assert_eq!(seen.recv_timeout(PATIENCE).unwrap(), Seen { resumed, shows_certificate }, "{case}");
    }
}

#[tokio::test]
async fn a_kept_connection_is_used_with_the_same_certificate_and_with_no_other() {
    let authority = Authority::new();
    let tls = client_config(&[authority.pem()]).unwrap();
    let pool = pool_trusting(&authority);
    let (anonymous, _server_names) = tls_origin(&authority, &["origin.localhost"]);
    let response = send(&pool, &anonymous).await.unwrap();
    assert_eq!(content(response).await.unwrap(), "ok");
    assert_eq!(pool.idle_connections(), 1);
    let identity = ClientIdentity::new(&tls, &authority.certificate(&["edge.localhost"]));
    let other = OriginAddress { identity: Some(identity), ..anonymous.clone() };
    // The origin serves one connection: a request that does not go over it fails.
    let quick = OriginTimeouts { attempts: 1, connect: Duration::from_millis(50), ..timeouts() };
    assert!(pool.send(&other, &quick, get()).await.is_err());
    assert_eq!(pool.idle_connections(), 1);
}

#[tokio::test]
async fn a_response_that_is_not_complete_in_time_is_given_up() {
    let address = origin(|listener| {
        let mut stream = accept(&listener);
        read_head(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n").unwrap();
        let _closed = stream.read(&mut [0]);
    });
    let complete_by = Some(tokio::time::Instant::now() + Duration::from_millis(200));
    let response = pool().send(&address, &OriginTimeouts { complete_by, ..timeouts() }, get()).await.unwrap();
    let error = content(response).await.unwrap_err();
    assert!(matches!(error, OriginError::CompletionTimeout), "{error:?}");
}
