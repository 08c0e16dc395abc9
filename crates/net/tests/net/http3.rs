//! HTTP/3 as viewers meet it: quinn and h3 as their client.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, Bytes};
use edgeward_net::{CertificateStore, NameSettings, Server, ServerSettings, ViewerLimits, ViewerTerms};
use h3::client::SendRequest;
use http::Request;
use http_body_util::BodyExt;
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, ConnectionError, Endpoint};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::support::{Answer, Answering, Authority, PATIENCE, settings, text};

pub const NAME: &str = "edge.localhost";

/// A server for `NAME` with HTTP/3, and for `h2.localhost` without.
fn serve<F>(settings: ServerSettings, answer: F) -> (Server, Authority)
where
    F: Fn(Arc<edgeward_net::Connection>, Request<edgeward_net::RequestContent>) -> Answer
        + Clone
        + Send
        + Sync
        + 'static,
{
    let authority = Authority::new();
    let store = Arc::new(CertificateStore::new());
    let with = |http3| NameSettings { certificate: None, terms: ViewerTerms::default(), http3, authentication: None };
    let certificate = authority.certificate(&[NAME, "h2.localhost"]);
    store.replace([(NAME, with(true)), ("h2.localhost", with(false))], Some(certificate));
    (Server::start(settings, store, move |_| Answering(answer.clone())).unwrap(), authority)
}

pub fn viewer(authority: &Authority) -> Endpoint {
    let crypto = QuicClientConfig::try_from(authority.trusting(&["h3"])).unwrap();
    let mut endpoint = Endpoint::client(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    endpoint.set_default_client_config(ClientConfig::new(Arc::new(crypto)));
    endpoint
}

pub async fn connect(viewer: &Endpoint, server: &Server, name: &str) -> Result<Connection, ConnectionError> {
    timeout(PATIENCE, viewer.connect(server.https_addresses()[0], name).unwrap()).await.unwrap()
}

pub type Http3 = SendRequest<h3_quinn::OpenStreams, Bytes>;

/// The requests of a connection, which goes on being driven until it is over.
pub async fn open(connection: &Connection) -> (Http3, tokio::task::JoinHandle<()>) {
    let quic = h3_quinn::Connection::new(connection.clone());
    let (mut driver, requests) = h3::client::new(quic).await.unwrap();
    let driving = tokio::spawn(async move {
        let _over = std::future::poll_fn(|cx| driver.poll_close(cx)).await;
    });
    (requests, driving)
}

pub async fn get(requests: &mut Http3, path: &str) -> Result<Vec<u8>, h3::error::StreamError> {
    let request = Request::get(format!("https://{NAME}{path}")).body(()).unwrap();
    let mut stream = requests.send_request(request).await?;
    stream.finish().await?;
    stream.recv_response().await?;
    let mut content = Vec::new();
    while let Some(mut data) = stream.recv_data().await? {
        content.extend_from_slice(&data.copy_to_bytes(data.remaining()));
    }
    Ok(content)
}

#[tokio::test]
async fn requests_of_a_connection_are_answered_side_by_side() {
    let (server, authority) = serve(settings(), |connection, request| {
        let tls = connection.tls.clone().unwrap();
        assert_eq!((tls.protocol, tls.cipher), ("TLSv1.3", "TLS_AES_128_GCM_SHA256"));
        assert_eq!((tls.server_name.as_deref(), request.version()), (Some(NAME), http::Version::HTTP_3));
        Box::pin(async move { text(request.uri().path().to_owned()) })
    });
    let viewer = viewer(&authority);
    let connection = connect(&viewer, &server, NAME).await.unwrap();
    let (requests, _driving) = open(&connection).await;
    let all = (0..100).map(|number| {
        let mut requests = requests.clone();
        tokio::spawn(async move { get(&mut requests, &format!("/{number}")).await.unwrap() })
    });
    for (number, answered) in all.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(answered.await.unwrap(), format!("/{number}").into_bytes());
    }
}

#[tokio::test]
async fn content_goes_both_ways_while_it_arrives() {
    let (server, authority) = serve(settings(), |_, request| {
        Box::pin(async move { text(request.into_body().collect().await.unwrap().to_bytes()) })
    });
    let viewer = viewer(&authority);
    let connection = connect(&viewer, &server, NAME).await.unwrap();
    let (mut requests, _driving) = open(&connection).await;
    let request = Request::post(format!("https://{NAME}/")).body(()).unwrap();
    let (mut send, mut receive) = requests.send_request(request).await.unwrap().split();
    let sent = Bytes::from(vec![7; 2_000_000]);
    let sending = tokio::spawn({
        let sent = sent.clone();
        async move {
            send.send_data(sent).await.unwrap();
            send.finish().await.unwrap();
        }
    });
    receive.recv_response().await.unwrap();
    let mut content = Vec::new();
    while let Some(mut data) = receive.recv_data().await.unwrap() {
        content.extend_from_slice(&data.copy_to_bytes(data.remaining()));
    }
    assert_eq!(content, sent);
    sending.await.unwrap();
}

#[tokio::test]
async fn names_without_it_and_no_name_at_all_are_turned_away() {
    let (server, authority) = serve(settings(), |_, _| Box::pin(async { text("") }));
    let viewer = viewer(&authority);
    for name in ["h2.localhost", "other.localhost"] {
        assert!(connect(&viewer, &server, name).await.is_err(), "{name}");
    }
    assert!(connect(&viewer, &server, NAME).await.is_ok());
}

#[tokio::test]
async fn addresses_are_validated_first_where_many_shake_hands() {
    let limits = ViewerLimits { max_unproven_handshakes: 0, ..ViewerLimits::default() };
    let (server, authority) = serve(ServerSettings { limits, ..settings() }, |_, _| Box::pin(async { text("here") }));
    let viewer = viewer(&authority);
    let connection = connect(&viewer, &server, NAME).await.unwrap();
    let (mut requests, _driving) = open(&connection).await;
    assert_eq!(get(&mut requests, "/").await.unwrap(), b"here");
}

#[tokio::test]
async fn a_panic_ends_one_request_and_is_counted() {
    let (server, authority) = serve(settings(), |_, request| {
        Box::pin(async move {
            assert_ne!(request.uri().path(), "/panic", "as the test wants");
            text("here")
        })
    });
    let viewer = viewer(&authority);
    let connection = connect(&viewer, &server, NAME).await.unwrap();
    let (mut requests, _driving) = open(&connection).await;
    assert!(get(&mut requests, "/panic").await.is_err());
    assert_eq!(get(&mut requests, "/").await.unwrap(), b"here");
    assert_eq!(server.counters().panics, 1);
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_the_idle_timeout() {
    let limits = ViewerLimits { idle_timeout: Duration::from_millis(200), ..ViewerLimits::default() };
    let (server, authority) = serve(ServerSettings { limits, ..settings() }, |_, _| Box::pin(async { text("") }));
    let viewer = viewer(&authority);
    let connection = connect(&viewer, &server, NAME).await.unwrap();
    let (mut requests, _driving) = open(&connection).await;
    get(&mut requests, "/").await.unwrap();
    timeout(PATIENCE, connection.closed()).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_asks_for_nothing_is_closed() {
    let limits = ViewerLimits { header_timeout: Duration::from_millis(200), ..ViewerLimits::default() };
    let (server, authority) = serve(ServerSettings { limits, ..settings() }, |_, _| Box::pin(async { text("") }));
    let viewer = viewer(&authority);
    let connection = connect(&viewer, &server, NAME).await.unwrap();
    timeout(PATIENCE, connection.closed()).await.unwrap();
}

#[tokio::test]
async fn a_viewer_that_goes_away_drops_what_is_done_for_it() {
    let dropped = Arc::new(Semaphore::new(0));
    let began = Arc::new(Semaphore::new(0));
    let (server, authority) = serve(settings(), {
        let (dropped, began) = (Arc::clone(&dropped), Arc::clone(&began));
        move |_, _| {
            let told = Told(Arc::clone(&dropped));
            began.add_permits(1);
            Box::pin(async move {
                let _told = told;
                std::future::pending().await
            })
        }
    });
    let viewer = viewer(&authority);
    let connection = connect(&viewer, &server, NAME).await.unwrap();
    let (mut requests, _driving) = open(&connection).await;
    let asking = tokio::spawn(async move { get(&mut requests, "/").await });
    timeout(PATIENCE, began.acquire()).await.unwrap().unwrap().forget();
    connection.close(0_u32.into(), b"");
    assert!(asking.await.unwrap().is_err());
    timeout(PATIENCE, dropped.acquire()).await.unwrap().unwrap().forget();
}

struct Told(Arc<Semaphore>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

#[tokio::test]
async fn stopping_lets_a_response_finish() {
    let (began, go_on) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (server, authority) = serve(settings(), {
        let (began, go_on) = (Arc::clone(&began), Arc::clone(&go_on));
        move |_, _| {
            let go_on = Arc::clone(&go_on);
            began.add_permits(1);
            Box::pin(async move {
                go_on.acquire().await.unwrap().forget();
                text(vec![7; 1_000_000])
            })
        }
    });
    let viewer = viewer(&authority);
    let connection = connect(&viewer, &server, NAME).await.unwrap();
    let (mut requests, _driving) = open(&connection).await;
    let asking = tokio::spawn(async move { get(&mut requests, "/").await });
    timeout(PATIENCE, began.acquire()).await.unwrap().unwrap().forget();
    let stopping = tokio::task::spawn_blocking(move || server.stop(PATIENCE));
    go_on.add_permits(1);
    assert_eq!(asking.await.unwrap().unwrap().len(), 1_000_000);
    timeout(PATIENCE, connection.closed()).await.unwrap();
    stopping.await.unwrap();
}

#[test]
fn udp_ports_are_those_of_https() {
    let (server, _authority) = serve(settings(), |_, _| Box::pin(async { text("") }));
    let taken = std::net::UdpSocket::bind(server.https_addresses()[0]).unwrap_err();
    assert_eq!(taken.kind(), std::io::ErrorKind::AddrInUse);
}
