//! How a server leaves, and how another one goes on with its sockets: no request is lost.

use std::io::Write;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::thread;

use edgeward_net::{CertificateStore, Inherited, NameSettings, Server, ServerSettings, ViewerTerms, receive_sockets};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::http3::{NAME, connect as connect_quic, get, open, viewer};
use crate::support::{
    Answer, Answering, Authority, PATIENCE, connect, eventually, read_response, read_to_end, serve, settings, text,
};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn named(name: &'static str) -> impl Fn(Arc<edgeward_net::Connection>, Request) -> Answer + Clone {
    move |_, _| Box::pin(async move { text(name) })
}

type Request = http::Request<edgeward_net::RequestContent>;

#[test]
fn a_server_that_leaves_answers_once_more_on_a_connection_that_rests() {
    let (server, _) = serve(settings(), named("one"));
    let server = Arc::new(server);
    let address = server.http_addresses()[0];
    let mut kept = connect(address);
    kept.write_all(GET).unwrap();
    assert!(!read_response(&mut kept).contains("connection: close"));
    let leaving = thread::spawn({
        let server = Arc::clone(&server);
        move || server.leave(PATIENCE)
    });
    eventually(|| std::net::TcpStream::connect(address).is_err());
    // It may have closed its sockets a moment before it tells its connections.
    let told = (0..).map(|_| {
        kept.write_all(GET).unwrap();
        read_response(&mut kept)
    });
    let last = told.into_iter().find(|response| response.contains("connection: close\r\n")).unwrap();
    assert!(last.ends_with("one"), "{last}");
    assert_eq!(read_to_end(kept), "");
    assert!(leaving.join().unwrap());
}

#[test]
fn a_server_that_leaves_waits_no_longer_than_it_is_told() {
    let (server, _) = serve(settings(), named("one"));
    let _kept = connect(server.http_addresses()[0]);
    eventually(|| server.connections() == 1);
    assert!(!server.leave(std::time::Duration::from_millis(20)));
}

/// Two servers on the same sockets, one after the other.
struct Succession {
    old: Arc<Server>,
    new: Server,
    authority: Authority,
    /// Lets the old one answer.
    gate: Arc<Semaphore>,
    began: Arc<Semaphore>,
}

fn certificates(authority: &Authority) -> Arc<CertificateStore> {
    let store = Arc::new(CertificateStore::new());
    let terms = NameSettings { certificate: None, terms: ViewerTerms::default(), http3: true, authentication: None };
    store.replace([(NAME, terms)], Some(authority.certificate(&[NAME])));
    store
}

/// The new one has the sockets, and does not serve yet.
fn succession() -> Succession {
    let (authority, gate, began) = (Authority::new(), Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let (permits, beginnings) = (Arc::clone(&gate), Arc::clone(&began));
    let answer = move |_, _| -> Answer {
        let permits = Arc::clone(&permits);
        beginnings.add_permits(1);
        Box::pin(async move {
            permits.acquire().await.unwrap().forget();
            text(vec![7; 1_000_000])
        })
    };
    let old = Server::start(settings(), certificates(&authority), move |_| Answering(answer.clone())).unwrap();
    let inherited = handed_over(&old);
    let at = |addresses: &[std::net::SocketAddr]| addresses.iter().map(|address| (*address).into()).collect();
    let same = ServerSettings { http: at(old.http_addresses()), https: at(old.https_addresses()), ..settings() };
    let new = Server::open(same, inherited, certificates(&authority), |_| Answering(named("new"))).unwrap();
    Succession { old: Arc::new(old), new, authority, gate, began }
}

pub fn handed_over(old: &Server) -> Inherited {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sockets");
    let listener = UnixListener::bind(&path).unwrap();
    old.hand_over(&path).unwrap();
    receive_sockets(&listener).unwrap()
}

#[tokio::test]
async fn connections_of_http3_stay_with_the_process_that_has_them() {
    let Succession { old, new, authority, gate, began } = succession();
    let viewer = viewer(&authority);
    let before = connect_quic(&viewer, &old, NAME).await.unwrap();
    let (mut requests, _driving) = open(&before).await;
    let asking = tokio::spawn(async move { get(&mut requests, "/").await });
    timeout(PATIENCE, began.acquire()).await.unwrap().unwrap().forget();
    old.release();
    new.serve();
    let leaving = tokio::task::spawn_blocking({
        let old = Arc::clone(&old);
        move || old.leave(PATIENCE)
    });
    let after = connect_quic(&viewer, &new, NAME).await.unwrap();
    let (mut requests, _driving) = open(&after).await;
    assert_eq!(get(&mut requests, "/").await.unwrap(), b"new");
    assert!(!asking.is_finished());
    gate.add_permits(1);
    assert_eq!(timeout(PATIENCE, asking).await.unwrap().unwrap().unwrap().len(), 1_000_000);
    timeout(PATIENCE, before.closed()).await.unwrap();
    assert!(leaving.await.unwrap());
    Arc::into_inner(old).unwrap().stop(PATIENCE);
    assert_eq!(get(&mut requests, "/again").await.unwrap(), b"new");
}

#[tokio::test]
async fn a_server_that_nobody_succeeds_takes_its_packets_back() {
    let Succession { old, new, authority, gate, .. } = succession();
    gate.add_permits(2);
    let viewer = viewer(&authority);
    let connection = connect_quic(&viewer, &old, NAME).await.unwrap();
    let (mut requests, _driving) = open(&connection).await;
    old.release();
    drop(new);
    old.take_back();
    assert_eq!(timeout(PATIENCE, get(&mut requests, "/")).await.unwrap().unwrap().len(), 1_000_000);
    let later = connect_quic(&viewer, &old, NAME).await.unwrap();
    let (mut requests, _driving) = open(&later).await;
    assert_eq!(get(&mut requests, "/").await.unwrap().len(), 1_000_000);
}

#[test]
fn connections_that_wait_while_nobody_accepts_are_answered_by_the_new_server() {
    let Succession { old, new, .. } = succession();
    assert!(old.leave(PATIENCE));
    let mut waiting = connect(new.http_addresses()[0]);
    waiting.write_all(GET).unwrap();
    drop(Arc::into_inner(old));
    new.serve();
    assert!(read_response(&mut waiting).ends_with("new"));
}

#[tokio::test]
async fn a_third_process_reaches_the_first_through_the_second() {
    let Succession { old, new, authority, gate, began } = succession();
    let viewer = viewer(&authority);
    let first = connect_quic(&viewer, &old, NAME).await.unwrap();
    let (mut requests, _driving) = open(&first).await;
    let asking = tokio::spawn(async move { get(&mut requests, "/").await });
    timeout(PATIENCE, began.acquire()).await.unwrap().unwrap().forget();
    old.release();
    new.serve();
    let at = |addresses: &[std::net::SocketAddr]| addresses.iter().map(|address| (*address).into()).collect();
    let same = ServerSettings { http: at(new.http_addresses()), https: at(new.https_addresses()), ..settings() };
    let third = Server::open(same, handed_over(&new), certificates(&authority), |_| Answering(named("third"))).unwrap();
    new.release();
    third.serve();
    let latest = connect_quic(&viewer, &third, NAME).await.unwrap();
    let (mut requests, _driving) = open(&latest).await;
    assert_eq!(get(&mut requests, "/").await.unwrap(), b"third");
    gate.add_permits(1);
    assert_eq!(timeout(PATIENCE, asking).await.unwrap().unwrap().unwrap().len(), 1_000_000);
}
