//! Viewer connections: certificates, protocols, time limits, balance, panics, and how a server stops.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::task::{Context, Poll, ready};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use edgeward_net::{
    Certificate, CertificateStore, NameSettings, Server, ServerSettings, TicketSecret, Tickets, ViewerLimits,
    ViewerRefusal, ViewerTerms,
};
use http::Response;
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{self, cipher_suite as suite, kx_group as group};
use rustls::pki_types::ServerName;
use rustls::{HandshakeKind, NamedGroup};
use tokio::sync::Semaphore;
use tokio::time::Sleep;

use crate::support::{
    Answer, Answering, Authority, PATIENCE, connect, eventually, exchange, handshake, read_response, read_to_end,
    serve, settings, text,
};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// Limits of a tenth of a second.
fn impatient() -> ServerSettings {
    let short = Duration::from_millis(100);
    let limits = ViewerLimits {
        header_timeout: short,
        idle_timeout: short,
        tls_handshake_timeout: short,
        ..ViewerLimits::default()
    };
    ServerSettings { limits, ..settings() }
}

/// A server whose responses wait for a permit; the receiver tells of each request that began.
fn gated(settings: ServerSettings) -> (Server, Authority, Receiver<()>, Arc<Semaphore>) {
    let (began, beginnings) = mpsc::channel();
    let gate = Arc::new(Semaphore::new(0));
    let permits = Arc::clone(&gate);
    let (server, authority) = serve(settings, move |_, _| {
        let permits = Arc::clone(&permits);
        began.send(()).unwrap();
        Box::pin(async move {
            permits.acquire().await.unwrap().forget();
            text("done")
        })
    });
    (server, authority, beginnings, gate)
}

/// Content that comes a byte at a time.
struct Dripping {
    left: usize,
    pause: Pin<Box<Sleep>>,
}

impl Body for Dripping {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        ready!(self.pause.as_mut().poll(cx));
        self.pause = pause();
        let Some(left) = self.left.checked_sub(1) else { return Poll::Ready(None) };
        self.left = left;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
    }
}

fn pause() -> Pin<Box<Sleep>> {
    Box::pin(tokio::time::sleep(Duration::from_millis(20)))
}

async fn h2_connection(address: SocketAddr, authority: &Authority) -> http2::SendRequest<Empty<&'static [u8]>> {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(authority.trusting(&["h2"])));
    let stream = connector.connect(ServerName::try_from("edge.localhost").unwrap(), stream).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn until_closed(mut sender: http2::SendRequest<Empty<&'static [u8]>>) {
    let closed = async {
        while sender.ready().await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, closed).await.unwrap();
}

fn h2_get(path: &str) -> http::Request<Empty<&'static [u8]>> {
    http::Request::get(format!("https://edge.localhost{path}")).body(Empty::new()).unwrap()
}

fn shown(certificate: Certificate) -> NameSettings {
    NameSettings { certificate: Some(certificate), terms: ViewerTerms::default(), http3: true, authentication: None }
}

fn bare() -> NameSettings {
    NameSettings::default()
}

#[test]
fn http2_is_offered_but_for_the_names_that_do_without() {
    let authority = Authority::new();
    let store = Arc::new(CertificateStore::new());
    let http1_only = ViewerTerms { http2: false, ..ViewerTerms::default() };
    let names = [("old.example", NameSettings { terms: http1_only, ..NameSettings::default() })];
    store.replace(names, Some(authority.certificate(&["new.example", "old.example"])));
    let answer = |_, _| -> Answer { Box::pin(async { text("") }) };
    let server = Server::start(settings(), store, move |_| Answering(answer)).unwrap();
    for (name, protocol) in [("new.example", "h2"), ("old.example", "http/1.1")] {
        let viewer = authority.trusting(&["h2", "http/1.1"]);
        let session = handshake(server.https_addresses()[0], viewer, name).unwrap();
        assert_eq!(session.conn.alpn_protocol(), Some(protocol.as_bytes()), "{name}");
    }
}

#[test]
fn the_name_asked_for_decides_on_versions_and_suites() {
    let authority = Authority::new();
    let store = Arc::new(CertificateStore::new());
    let names = [
        ("new.example", ViewerTerms { tls12: false, ..ViewerTerms::default() }),
        ("aes.example", ViewerTerms { chacha20: false, ..ViewerTerms::default() }),
    ];
    store.replace(
        names.map(|(name, terms)| (name, NameSettings { terms, ..NameSettings::default() })),
        Some(authority.certificate(&["any.example", "new.example", "aes.example"])),
    );
    let answer = |_, _| -> Answer { Box::pin(async { text("") }) };
    let server = Server::start(settings(), store, move |_| Answering(answer)).unwrap();
    let (tls12, tls13) = (&rustls::version::TLS12, &rustls::version::TLS13);
    let (aes, chacha20) = (suite::TLS13_AES_128_GCM_SHA256, suite::TLS13_CHACHA20_POLY1305_SHA256);
    let (old_aes, old_chacha20) =
        (suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256);
    for (name, version, suite, is_served) in [
        ("any.example", tls13, aes, true),
        ("any.example", tls13, chacha20, true),
        ("any.example", tls12, old_aes, true),
        ("any.example", tls12, old_chacha20, true),
        ("new.example", tls13, aes, true),
        ("new.example", tls13, chacha20, true),
        ("new.example", tls12, old_aes, false),
        ("aes.example", tls13, aes, true),
        ("aes.example", tls13, chacha20, false),
        ("aes.example", tls12, old_aes, true),
        ("aes.example", tls12, old_chacha20, false),
    ] {
        let viewer = authority.viewer(version, suite);
        let finished = handshake(server.https_addresses()[0], viewer, name);
        assert_eq!(finished.is_ok(), is_served, "{name} {version:?} {suite:?}");
    }
}

#[test]
fn a_post_quantum_key_exchange_goes_before_all_others() {
    use NamedGroup::{X25519, X25519MLKEM768, secp256r1, secp256r1MLKEM768, secp384r1};
    let answer = |_, _| -> Answer { Box::pin(async { text("") }) };
    let (server, authority) = serve(settings(), answer);
    let hybrid = (group::X25519MLKEM768, group::SECP256R1MLKEM768);
    let (tls12, tls13) = (&rustls::version::TLS12, &rustls::version::TLS13);
    for (versions, offered, expected) in [
        (&[tls13][..], &[hybrid.0, group::X25519][..], X25519MLKEM768),
        // The viewer has sent a share of X25519 alone.
        (&[tls13, tls12], &[group::X25519, group::SECP256R1, hybrid.0], X25519MLKEM768),
        (&[tls13], &[group::SECP256R1, hybrid.1], secp256r1MLKEM768),
        (&[tls13, tls12], &[group::X25519, group::SECP256R1], X25519),
        (&[tls13], &[group::SECP384R1], secp384r1),
        (&[tls12], &[group::SECP256R1, hybrid.0], secp256r1),
    ] {
        let provider = CryptoProvider { kx_groups: offered.to_vec(), ..aws_lc_rs::default_provider() };
        let viewer = authority.viewer_with(provider, versions);
        let session = handshake(server.https_addresses()[0], viewer, "edge.localhost").unwrap();
        let found = session.conn.negotiated_key_exchange_group().unwrap().name();
        assert_eq!(found, expected, "{versions:?} {offered:?}");
    }
}

#[test]
fn servers_with_one_secret_take_up_each_others_sessions_and_none_takes_early_data() {
    let authority = Authority::new();
    let store = Arc::new(CertificateStore::new());
    store.replace([], Some(authority.certificate(&["edge.localhost"])));
    let answer = |_, _| -> Answer { Box::pin(async { text("") }) };
    let start = |secret| {
        let tickets = Some(Arc::new(Tickets::new(&[TicketSecret([secret; 32])], 0)));
        Server::start(ServerSettings { tickets, ..settings() }, Arc::clone(&store), move |_| Answering(answer)).unwrap()
    };
    let (one, same, other) = (start(1), start(1), start(2));
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let mut viewer = authority.viewer_with(aws_lc_rs::default_provider(), &[version]);
        viewer.enable_early_data = true;
        for (server, is_resumed) in [(&one, false), (&one, true), (&same, true), (&other, false)] {
            let mut stream = handshake(server.https_addresses()[0], viewer.clone(), "edge.localhost").unwrap();
            let found = stream.conn.handshake_kind();
            assert_eq!(found == Some(HandshakeKind::Resumed), is_resumed, "{version:?} {found:?}");
            assert!(!stream.conn.is_early_data_accepted());
            // Tickets of TLS 1.3 come after the handshake.
            stream.write_all(GET).unwrap();
            read_response(&mut stream);
        }
    }
}

#[test]
fn viewers_are_shown_the_certificate_of_the_name_they_ask_for() {
    let authority = Authority::new();
    let (exact, wildcard, default) = (
        authority.certificate(&["www.example.com"]),
        authority.certificate(&["*.example.com"]),
        authority.certificate(&["edge.localhost"]),
    );
    let store = Arc::new(CertificateStore::new());
    store.replace([("www.example.com", shown(exact)), ("*.example.com", shown(wildcard))], Some(default));
    let answer = |_, _| -> Answer { Box::pin(async { text("") }) };
    let server = Server::start(settings(), Arc::clone(&store), move |_| Answering(answer)).unwrap();
    for name in ["www.example.com", "img.example.com", "edge.localhost"] {
        // The viewer verifies the name itself.
        handshake(server.https_addresses()[0], authority.trusting(&[]), name).unwrap();
    }
    assert!(handshake(server.https_addresses()[0], authority.trusting(&[]), "other.example").is_err());
    store.replace([("other.example", shown(authority.certificate(&["other.example"])))], None);
    handshake(server.https_addresses()[0], authority.trusting(&[]), "other.example").unwrap();
    assert!(handshake(server.https_addresses()[0], authority.trusting(&[]), "edge.localhost").is_err());
    eventually(|| server.refusals(ViewerRefusal::Handshake) == 2);
}

#[test]
fn the_session_tells_protocol_cipher_and_name() {
    let (server, authority) = serve(settings(), |connection, _| {
        Box::pin(async move {
            let session = connection.tls.as_ref().unwrap();
            text(format!("{} {} {}", session.protocol, session.cipher, session.server_name.as_deref().unwrap()))
        })
    });
    let tls12 = |authority: &Authority| {
        let mut config = authority.trusting(&[]);
        let provider = config.crypto_provider().clone();
        let roots = Arc::new({
            let mut roots = rustls::RootCertStore::empty();
            roots.add(authority.der()).unwrap();
            roots
        });
        config = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS12])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config
    };
    for (config, expected) in [
        (authority.trusting(&["http/1.1"]), "TLSv1.3 TLS_AES_128_GCM_SHA256 edge.localhost"),
        (tls12(&authority), "TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256 edge.localhost"),
    ] {
        let mut stream = handshake(server.https_addresses()[0], config, "edge.localhost").unwrap();
        stream.write_all(GET).unwrap();
        assert!(read_response(&mut stream).ends_with(expected));
    }
}

#[test]
fn a_hundred_thousand_names_are_replaced_while_viewers_come_and_stay() {
    let authority = Authority::new();
    let names: Vec<_> =
        (0..100_000)
            .map(|number| {
                if number % 2 == 0 { format!("www.site-{number}.example") } else { format!("*.site-{number}.example") }
            })
            .collect();
    let store = Arc::new(CertificateStore::new());
    let put = |asked: &str| {
        let own = authority.certificate(&[asked]);
        let table = names.iter().map(|name| (name.as_str(), if name == asked { shown(own.clone()) } else { bare() }));
        store.replace(table, Some(authority.certificate(&["edge.localhost"])));
    };
    let tls13_only = || authority.viewer(&rustls::version::TLS13, suite::TLS13_AES_128_GCM_SHA256);
    let answer = |_, _| -> Answer { Box::pin(async { text("served") }) };
    put("www.site-99998.example");
    let server = Server::start(settings(), Arc::clone(&store), move |_| Answering(answer)).unwrap();
    let address = server.https_addresses()[0];
    let mut kept = handshake(address, tls13_only(), "www.site-99998.example").unwrap();
    assert!(handshake(address, tls13_only(), "any.site-99999.example").is_err());
    put("*.site-99999.example");
    assert!(handshake(address, tls13_only(), "www.site-99998.example").is_err());
    handshake(address, tls13_only(), "any.site-99999.example").unwrap();
    kept.write_all(GET).unwrap();
    assert!(read_response(&mut kept).ends_with("served"));
}

#[test]
fn the_protocol_is_agreed_by_alpn() {
    let (server, authority) =
        serve(settings(), |_, request| Box::pin(async move { text(format!("{:?}", request.version())) }));
    for (offered, expected) in
        [(&["h2", "http/1.1"][..], Some(&b"h2"[..])), (&["http/1.1"], Some(b"http/1.1")), (&[], None)]
    {
        let stream = handshake(server.https_addresses()[0], authority.trusting(offered), "edge.localhost").unwrap();
        assert_eq!(stream.conn.alpn_protocol(), expected);
    }
}

#[tokio::test]
async fn concurrent_http2_streams_get_their_own_content() {
    let (server, authority) = serve(settings(), |_, request| {
        Box::pin(async move {
            let size: usize = request.uri().path()[1..].parse().unwrap();
            text(vec![b'a' + u8::try_from(size % 26).unwrap(); size])
        })
    });
    let sender = h2_connection(server.https_addresses()[0], &authority).await;
    let sizes = [0, 1, 300, 1_000, 16_384, 16_385, 70_000, 1_000_000];
    let responses = sizes.map(|size| tokio::spawn(sender.clone().send_request(h2_get(&format!("/{size}")))));
    for (size, response) in sizes.into_iter().zip(responses) {
        let content = response.await.unwrap().unwrap().into_body().collect().await.unwrap().to_bytes();
        assert_eq!(content.len(), size);
        assert!(content.iter().all(|byte| *byte == b'a' + u8::try_from(size % 26).unwrap()));
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let (server, _) = serve(settings(), |_, request| Box::pin(async move { text(request.uri().path().to_owned()) }));
    let mut stream = connect(server.http_addresses()[0]);
    for path in ["/1", "/2", "/3"] {
        stream.write_all(format!("GET {path} HTTP/1.1\r\n\r\n").as_bytes()).unwrap();
    }
    for path in ["/1", "/2", "/3"] {
        assert!(read_response(&mut stream).ends_with(path));
    }
}

#[test]
fn each_connection_goes_to_the_worker_with_the_fewest() {
    let authority = Authority::new();
    let store = Arc::new(CertificateStore::new());
    store.replace([], Some(authority.certificate(&["edge.localhost"])));
    let workers = ServerSettings { workers: 3, ..settings() };
    let server = Server::start(workers, store, |index| {
        Answering(move |_, _| -> Answer { Box::pin(async move { text(index.to_string()) }) })
    })
    .unwrap();
    let worker_of = |stream: &mut std::net::TcpStream| {
        stream.write_all(GET).unwrap();
        read_response(stream).bytes().last().unwrap() - b'0'
    };
    let mut open: Vec<_> = (0..9).map(|_| connect(server.http_addresses()[0])).collect();
    let mut per_worker = [0; 3];
    open.iter_mut().for_each(|stream| per_worker[usize::from(worker_of(stream))] += 1);
    assert_eq!(per_worker, [3, 3, 3]);

    open.retain_mut(|stream| worker_of(stream) != 1);
    eventually(|| server.connections() == 6);
    let mut more: Vec<_> = (0..3).map(|_| connect(server.http_addresses()[0])).collect();
    assert!(more.iter_mut().all(|stream| worker_of(stream) == 1));
}

#[test]
fn connections_beyond_the_limit_are_closed_at_once() {
    let limits = ViewerLimits { max_connections: 2, ..ViewerLimits::default() };
    let (server, _) = serve(ServerSettings { limits, ..settings() }, |_, _| Box::pin(async { text("") }));
    let mut open: Vec<_> = (0..2).map(|_| connect(server.http_addresses()[0])).collect();
    for stream in &mut open {
        stream.write_all(GET).unwrap();
        read_response(stream);
    }
    assert_eq!(read_to_end(connect(server.http_addresses()[0])), "");
    eventually(|| server.refusals(ViewerRefusal::Connections) == 1);
    drop(open);
    eventually(|| server.connections() == 0);
    assert!(exchange(server.http_addresses()[0], GET).starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_panic_ends_one_request_and_is_counted() {
    let (server, authority) = serve(settings(), |_, request| {
        Box::pin(async move {
            assert_ne!(request.uri().path(), "/panic", "as the test wants");
            text("fine")
        })
    });
    let (http, https) = (server.http_addresses()[0], server.https_addresses()[0]);
    assert_eq!(exchange(http, b"GET /panic HTTP/1.1\r\n\r\n"), "");
    eventually(|| server.counters().panics == 1 && server.connections() == 0);
    assert!(exchange(http, GET).ends_with("fine"));
    let mut sender = h2_connection(https, &authority).await;
    assert!(sender.send_request(h2_get("/panic")).await.is_err());
    assert!(sender.send_request(h2_get("/")).await.is_ok());
    eventually(|| server.counters().panics == 2);
}

#[test]
fn a_connection_without_requests_is_closed_after_the_idle_timeout() {
    let (server, authority) = serve(impatient(), |_, _| Box::pin(async { text("") }));
    let mut stream = connect(server.http_addresses()[0]);
    stream.write_all(GET).unwrap();
    read_response(&mut stream);
    assert_eq!(read_to_end(stream), "");
    let mut stream = handshake(server.https_addresses()[0], authority.trusting(&[]), "edge.localhost").unwrap();
    stream.write_all(GET).unwrap();
    read_response(&mut stream);
    // Ends with close_notify, or this would be an error.
    assert_eq!(read_to_end(stream), "");
}

#[tokio::test]
async fn an_idle_http2_connection_is_closed_after_the_idle_timeout() {
    let (server, authority) = serve(impatient(), |_, _| Box::pin(async { text("") }));
    let mut sender = h2_connection(server.https_addresses()[0], &authority).await;
    sender.send_request(h2_get("/")).await.unwrap();
    until_closed(sender).await;
    eventually(|| server.connections() == 0);
}

#[test]
fn a_request_head_that_does_not_come_to_an_end_is_cut_off() {
    let (server, _) = serve(impatient(), |_, _| Box::pin(async { text("") }));
    for sent_before in [&b""[..], GET] {
        let mut stream = connect(server.http_addresses()[0]);
        stream.write_all(sent_before).unwrap();
        if !sent_before.is_empty() {
            read_response(&mut stream);
        }
        let began = Instant::now();
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n").unwrap();
        // Each further byte comes long before the limit, yet does not move it.
        while stream.read(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock) {
            assert!(began.elapsed() < PATIENCE);
            let _reset_by_then = stream.write_all(b"x");
        }
    }
    eventually(|| server.connections() == 0);
}

#[test]
fn a_request_in_progress_outlives_the_idle_timeout() {
    let limits = ViewerLimits {
        idle_timeout: Duration::from_millis(20),
        header_timeout: Duration::from_millis(20),
        ..ViewerLimits::default()
    };
    let (server, _) = serve(ServerSettings { limits, ..settings() }, |_, _| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_millis(150)).await;
            text("late")
        })
    });
    let mut stream = connect(server.http_addresses()[0]);
    stream.write_all(GET).unwrap();
    assert!(read_response(&mut stream).ends_with("late"));
}

#[test]
fn a_viewer_that_reads_slowly_gets_all_of_its_response() {
    let short = Duration::from_millis(20);
    let limits = ViewerLimits { idle_timeout: short, header_timeout: short, ..ViewerLimits::default() };
    let (server, authority) =
        serve(ServerSettings { limits, ..settings() }, |_, _| Box::pin(async { text(vec![b'x'; 20_000_000]) }));
    let mut clear = connect(server.http_addresses()[0]);
    let mut tls = handshake(server.https_addresses()[0], authority.trusting(&[]), "edge.localhost").unwrap();
    clear.write_all(GET).unwrap();
    tls.write_all(GET).unwrap();
    thread::sleep(Duration::from_millis(150));
    assert!(read_response(&mut clear).len() > 20_000_000);
    assert!(read_response(&mut tls).len() > 20_000_000);
}

#[test]
fn a_connection_that_stalls_in_a_request_is_cut_off() {
    let limits = ViewerLimits { stall_timeout: Duration::from_millis(100), ..ViewerLimits::default() };
    let (server, _, beginnings, _gate) = gated(ServerSettings { limits, ..settings() });
    let mut stream = connect(server.http_addresses()[0]);
    stream.write_all(GET).unwrap();
    beginnings.recv_timeout(PATIENCE).unwrap();
    assert_eq!(read_to_end(stream), "");
    eventually(|| server.connections() == 0);
}

#[test]
fn a_viewer_that_closes_while_it_waits_is_noticed() {
    let limits = ViewerLimits { half_closed_timeout: Duration::from_millis(20), ..ViewerLimits::default() };
    let (server, authority, beginnings, _gate) = gated(ServerSettings { limits, ..settings() });
    let tls = || handshake(server.https_addresses()[0], authority.trusting(&[]), "edge.localhost").unwrap();
    let mut clear = connect(server.http_addresses()[0]);
    let mut closing = tls();
    let mut dropping = tls();
    for stream in [&mut clear as &mut dyn Write, &mut closing, &mut dropping] {
        stream.write_all(GET).unwrap();
        beginnings.recv_timeout(PATIENCE).unwrap();
    }
    closing.conn.send_close_notify();
    closing.flush().unwrap();
    drop((clear, closing, dropping));
    eventually(|| server.connections() == 0);
}

#[test]
fn a_viewer_that_closed_its_sending_side_is_not_gone_while_it_is_written_to() {
    let limits = ViewerLimits { half_closed_timeout: Duration::from_millis(100), ..ViewerLimits::default() };
    let (server, _) = serve(ServerSettings { limits, ..settings() }, |_, _| {
        Box::pin(async { Response::new(Dripping { left: 20, pause: pause() }.boxed()) })
    });
    let received = exchange(server.http_addresses()[0], b"GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    assert!(received.ends_with(&"x".repeat(20)), "{received}");
}

#[test]
fn a_handshake_that_does_not_come_is_cut_off_and_counted() {
    let (server, _) = serve(impatient(), |_, _| Box::pin(async { text("") }));
    assert_eq!(read_to_end(connect(server.https_addresses()[0])), "");
    eventually(|| server.refusals(ViewerRefusal::Handshake) == 1);
}

#[test]
fn stopping_lets_an_http1_response_finish_and_closes_idle_connections() {
    let (server, authority, beginnings, gate) = gated(settings());
    let (http, https) = (server.http_addresses()[0], server.https_addresses()[0]);
    let idle = connect(http);
    let silent_handshake = connect(https);
    let mut busy = [Ok(connect(http)), Err(handshake(https, authority.trusting(&[]), "edge.localhost").unwrap())];
    for stream in &mut busy {
        match stream {
            Ok(stream) => stream.write_all(GET).unwrap(),
            Err(stream) => stream.write_all(GET).unwrap(),
        }
        beginnings.recv_timeout(PATIENCE).unwrap();
    }
    let stopping = thread::spawn(move || server.stop(PATIENCE));
    assert_eq!(read_to_end(idle), "");
    assert_eq!(read_to_end(silent_handshake), "");
    assert!(std::net::TcpStream::connect(http).is_err());
    gate.add_permits(2);
    for stream in busy {
        let response = match stream {
            Ok(stream) => read_to_end(stream),
            Err(stream) => read_to_end(stream),
        };
        assert!(response.contains("connection: close\r\n") && response.ends_with("done"), "{response}");
    }
    stopping.join().unwrap();
}

#[tokio::test]
async fn stopping_lets_an_http2_response_finish() {
    let (server, authority, beginnings, gate) = gated(settings());
    let http = server.http_addresses()[0];
    let mut sender = h2_connection(server.https_addresses()[0], &authority).await;
    let response = tokio::spawn(sender.send_request(h2_get("/")));
    tokio::task::spawn_blocking(move || beginnings.recv_timeout(PATIENCE).unwrap()).await.unwrap();
    let stopping = tokio::task::spawn_blocking(move || server.stop(PATIENCE));
    while tokio::net::TcpStream::connect(http).await.is_ok() {}
    gate.add_permits(1);
    let content = response.await.unwrap().unwrap().into_body().collect().await.unwrap().to_bytes();
    assert_eq!(content, "done");
    stopping.await.unwrap();
    until_closed(sender).await;
}

#[test]
fn what_is_left_after_the_grace_is_aborted() {
    let (server, _, beginnings, _gate) = gated(settings());
    let mut stream = connect(server.http_addresses()[0]);
    stream.write_all(GET).unwrap();
    beginnings.recv_timeout(PATIENCE).unwrap();
    server.stop(Duration::from_millis(20));
    assert_eq!(read_to_end(stream), "");
}

#[test]
fn an_address_that_is_taken_is_named_in_the_error() {
    let (server, _) = serve(settings(), |_, _| Box::pin(async { text("") }));
    let taken = server.http_addresses()[0];
    let again = ServerSettings { http: vec![taken.into()], ..settings() };
    let answer = |_, _| -> Answer { Box::pin(async { text("") }) };
    let error = Server::start(again, Arc::new(CertificateStore::new()), move |_| Answering(answer)).unwrap_err();
    assert!(error.to_string().contains(&taken.to_string()), "{error}");
}

#[test]
fn a_viewer_that_goes_away_mid_response_drops_the_rest_of_it() {
    let (sender, receiver) = mpsc::channel();
    let (server, _) = serve(settings(), move |_, _| {
        let endless = Endless(sender.clone());
        Box::pin(async { http::Response::new(endless.boxed()) })
    });
    let mut stream = connect(server.http_addresses()[0]);
    stream.write_all(GET).unwrap();
    stream.read_exact(&mut [0; 1000]).unwrap();
    drop(stream);
    assert_eq!(receiver.recv_timeout(PATIENCE), Ok(()));
    eventually(|| server.connections() == 0);
}

/// An endless body that tells when it is dropped.
struct Endless(mpsc::Sender<()>);

impl http_body::Body for Endless {
    type Data = bytes::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
        std::task::Poll::Ready(Some(Ok(http_body::Frame::data(bytes::Bytes::from_static(&[b'x'; 4096])))))
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        let _test_is_over = self.0.send(());
    }
}
