//! HTTP/2 towards origins: sharing, flow control, both directions at once, and every way to end.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use edgeward_net::origin::{Http2Body, OriginAddress, OriginError, OriginPool, OriginTimeouts};
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::origins::pool_trusting;
use crate::support::{Authority, PATIENCE};

/// Bytes that an origin may send ahead on one stream.
const WINDOW: usize = 256 * 1024;

fn pool() -> OriginPool {
    pool_trusting(&Authority::new())
}

fn timeouts() -> OriginTimeouts {
    OriginTimeouts { attempts: 1, connect: PATIENCE, response: PATIENCE, keepalive: PATIENCE, complete_by: None }
}

async fn listen() -> (TcpListener, OriginAddress) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, OriginAddress { port, ..OriginAddress::new("origin.localhost".into()) })
}

/// An origin that takes `most` streams of each connection, and does `answer` with each request.
async fn origin<F, A>(most: u32, answer: A) -> OriginAddress
where
    F: Future<Output = ()> + Send + 'static,
    A: Fn(Request<RecvStream>, SendResponse<Bytes>) -> F + Clone + Send + 'static,
{
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, most, answer.clone()));
        }
    });
    address
}

async fn serve<F, A>(stream: TcpStream, most: u32, answer: A)
where
    F: Future<Output = ()> + Send + 'static,
    A: Fn(Request<RecvStream>, SendResponse<Bytes>) -> F,
{
    let mut builder = h2::server::Builder::new();
    let mut connection = builder.max_concurrent_streams(most).handshake(stream).await.unwrap();
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(answer(request, respond));
    }
}

/// Answers with the request's content as it comes, and with trailers.
async fn echo(request: Request<RecvStream>, mut respond: SendResponse<Bytes>) {
    let mut content = request.into_body();
    let mut sending = respond.send_response(Response::new(()), false).unwrap();
    while let Some(data) = content.data().await {
        let Ok(data) = data else { return };
        content.flow_control().release_capacity(data.len()).unwrap();
        send(&mut sending, data).await;
    }
    let mut trailers = content.trailers().await.unwrap().unwrap_or_default();
    trailers.insert("x-status", HeaderValue::from_static("0"));
    sending.send_trailers(trailers).unwrap();
}

/// As far as there is room; returns when all is sent.
async fn send(sending: &mut SendStream<Bytes>, mut data: Bytes) {
    while !data.is_empty() {
        sending.reserve_capacity(data.len());
        let room = match sending.capacity() {
            0 => poll_fn(|cx| sending.poll_capacity(cx)).await.unwrap().unwrap(),
            room => room,
        };
        sending.send_data(data.split_to(room.min(data.len())), false).unwrap();
    }
}

/// Request content from a channel.
struct Fed(mpsc::Receiver<Frame<Bytes>>);

impl Body for Fed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|frame| frame.map(Ok))
    }
}

fn fed() -> (mpsc::Sender<Frame<Bytes>>, Request<Fed>) {
    let (feed, content) = mpsc::channel(1);
    (feed, request(Fed(content)))
}

fn request<B>(content: B) -> Request<B> {
    Request::post("/").header("host", "origin").header("connection", "keep-alive").body(content).unwrap()
}

async fn piece(response: &mut Response<Http2Body>) -> Frame<Bytes> {
    timeout(PATIENCE, response.body_mut().frame()).await.unwrap().unwrap().unwrap()
}

#[tokio::test]
async fn content_and_trailers_go_both_ways_at_the_same_time() {
    let address = origin(10, echo).await;
    let (feed, request) = fed();
    let mut response = pool().stream(&address, &timeouts(), request).await.unwrap();
    for text in ["one", "two"] {
        feed.send(Frame::data(Bytes::from(text))).await.unwrap();
        assert_eq!(piece(&mut response).await.into_data().unwrap(), text);
    }
    let sent = HeaderMap::from_iter([(http::HeaderName::from_static("x-sent"), HeaderValue::from_static("yes"))]);
    feed.send(Frame::trailers(sent)).await.unwrap();
    let trailers = piece(&mut response).await.into_trailers().unwrap();
    assert_eq!((trailers["x-sent"].as_bytes(), trailers["x-status"].as_bytes()), (&b"yes"[..], &b"0"[..]));
    assert!(response.body().is_end_stream() && response.body_mut().frame().await.is_none());
}

#[tokio::test]
async fn the_host_becomes_the_authority_and_fields_of_the_connection_stay_behind() {
    let (heard, mut hears) = mpsc::unbounded_channel();
    let address = origin(10, move |request: Request<RecvStream>, mut respond: SendResponse<Bytes>| {
        heard.send((request.uri().to_string(), request.headers().clone())).unwrap();
        async move { drop(respond.send_response(Response::new(()), true)) }
    })
    .await;
    let response = pool().stream(&address, &timeouts(), request(Empty::new())).await.unwrap();
    assert!(response.body().is_end_stream());
    assert_eq!(hears.recv().await.unwrap(), ("http://origin/".to_owned(), HeaderMap::new()));
}

#[tokio::test]
async fn requests_share_a_connection_as_far_as_its_origin_takes_them() {
    for (most, connections) in [(100, 1), (5, 4)] {
        let address = origin(most, echo).await;
        let pool = pool();
        // The first learns what the origin takes.
        pool.stream(&address, &timeouts(), request(Empty::new())).await.unwrap().into_body().collect().await.unwrap();
        let mut open = Vec::new();
        for _ in 0..20 {
            let (feed, request) = fed();
            open.push((feed, pool.stream(&address, &timeouts(), request).await.unwrap()));
        }
        assert_eq!(pool.http2_connections(), connections, "{most}");
        for (feed, mut response) in open {
            feed.send(Frame::data("on".into())).await.unwrap();
            assert_eq!(piece(&mut response).await.into_data().unwrap(), "on");
        }
    }
}

#[tokio::test]
async fn who_asks_at_the_same_time_makes_one_connection() {
    let address = origin(100, echo).await;
    let pool = pool();
    let asking = (0..50).map(|_| {
        let (pool, address) = (pool.clone(), address.clone());
        tokio::spawn(async move { pool.stream(&address, &timeouts(), request(Empty::new())).await.unwrap() })
    });
    for asked in asking.collect::<Vec<_>>() {
        asked.await.unwrap();
    }
    assert_eq!(pool.http2_connections(), 1);
}

#[tokio::test]
async fn who_waits_for_a_connection_that_fails_hears_why() {
    let (listener, address) = listen().await;
    drop(listener);
    let pool = pool();
    let asking = (0..5).map(|_| {
        let (pool, address) = (pool.clone(), address.clone());
        tokio::spawn(async move { pool.stream(&address, &timeouts(), request(Empty::<Bytes>::new())).await })
    });
    for asked in asking.collect::<Vec<_>>() {
        assert!(matches!(asked.await.unwrap(), Err(OriginError::Connect { .. })));
    }
    assert_eq!(pool.http2_connections(), 0);
}

#[tokio::test]
async fn an_origin_runs_ahead_of_a_viewer_by_its_window_and_no_more() {
    const LENGTH: usize = 8 * 1024 * 1024;
    let sent = Arc::new(AtomicUsize::new(0));
    let (stalled, mut stalls) = mpsc::unbounded_channel();
    let counting = Arc::clone(&sent);
    let address = origin(10, move |_request, mut respond: SendResponse<Bytes>| {
        let (sent, stalled) = (Arc::clone(&counting), stalled.clone());
        async move {
            let mut sending = respond.send_response(Response::new(()), false).unwrap();
            sending.reserve_capacity(LENGTH);
            while sent.load(Ordering::Relaxed) < LENGTH {
                if sending.capacity() == 0 {
                    // Wakes with the next window update, which may bring less than is asked for.
                    stalled.send(sent.load(Ordering::Relaxed)).unwrap();
                    poll_fn(|cx| sending.poll_capacity(cx)).await.unwrap().unwrap();
                }
                let room = sending.capacity().min(LENGTH - sent.load(Ordering::Relaxed));
                sending.send_data(Bytes::from(vec![0; room]), false).unwrap();
                sent.fetch_add(room, Ordering::Relaxed);
            }
            sending.send_data(Bytes::new(), true).unwrap();
        }
    })
    .await;
    let response = pool().stream(&address, &timeouts(), request(Empty::new())).await.unwrap();
    // What it has been granted before anything was read.
    while stalls.recv().await.unwrap() < WINDOW {}
    assert_eq!(sent.load(Ordering::Relaxed), WINDOW);
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes().len(), LENGTH);
}

#[tokio::test]
async fn viewers_that_do_not_read_hold_up_nobody_else() {
    let (filled, mut fills) = mpsc::unbounded_channel();
    let address = origin(100, move |request: Request<RecvStream>, mut respond: SendResponse<Bytes>| {
        let filled = filled.clone();
        async move {
            if request.headers().contains_key("x-echo") {
                return echo(request, respond).await;
            }
            let mut sending = respond.send_response(Response::new(()), false).unwrap();
            send(&mut sending, vec![0; WINDOW].into()).await;
            filled.send(()).unwrap();
            poll_fn(|cx| sending.poll_reset(cx)).await.unwrap();
        }
    })
    .await;
    let pool = pool();
    let mut unread = Vec::new();
    for _ in 0..40 {
        unread.push(pool.stream(&address, &timeouts(), request(Empty::new())).await.unwrap());
        timeout(PATIENCE, fills.recv()).await.unwrap().unwrap();
    }
    let (feed, mut request) = fed();
    request.headers_mut().insert("x-echo", HeaderValue::from_static("yes"));
    let mut response = pool.stream(&address, &timeouts(), request).await.unwrap();
    feed.send(Frame::data("through".into())).await.unwrap();
    assert_eq!(piece(&mut response).await.into_data().unwrap(), "through");
    assert_eq!(pool.http2_connections(), 1);
}

#[tokio::test]
async fn a_viewer_runs_ahead_of_an_origin_by_its_window_and_no_more() {
    const PIECE: usize = 65_535;
    let (go_on, went_on) = tokio::sync::oneshot::channel::<()>();
    let (heard, mut hears) = mpsc::unbounded_channel();
    let waits = Arc::new(parking_lot::Mutex::new(Some(went_on)));
    let address = origin(10, move |request: Request<RecvStream>, mut respond: SendResponse<Bytes>| {
        let (heard, waits) = (heard.clone(), Arc::clone(&waits));
        async move {
            let mut content = request.into_body();
            let mut received = 0;
            while received < PIECE {
                received += content.data().await.unwrap().unwrap().len();
            }
            heard.send(()).unwrap();
            let waiting = waits.lock().take().unwrap();
            waiting.await.unwrap();
            content.flow_control().release_capacity(received).unwrap();
            while let Some(data) = content.data().await {
                let length = data.unwrap().len();
                received += length;
                content.flow_control().release_capacity(length).unwrap();
            }
            let answer = Response::builder().header("x-received", received).body(()).unwrap();
            respond.send_response(answer, true).unwrap();
        }
    })
    .await;
    let (feed, request) = fed();
    let (pool, limits) = (pool(), timeouts());
    let asking = tokio::spawn(async move { pool.stream(&address, &limits, request).await });
    let piece = || Frame::data(Bytes::from(vec![0; PIECE]));
    // The window holds one; one more waits for room, and one in the channel.
    for _ in 0..3 {
        feed.send(piece()).await.unwrap();
    }
    hears.recv().await.unwrap();
    assert!(feed.try_send(piece()).is_err());
    go_on.send(()).unwrap();
    drop(feed);
    let response = asking.await.unwrap().unwrap();
    assert_eq!(response.headers()["x-received"], (3 * PIECE).to_string());
}

#[tokio::test]
async fn who_drops_a_response_or_gives_up_waiting_for_one_tells_the_origin() {
    for is_answered in [true, false] {
        let (told, mut tells) = mpsc::unbounded_channel();
        let (began, mut begins) = mpsc::unbounded_channel();
        let address = origin(10, move |_request, mut respond: SendResponse<Bytes>| {
            let (told, began) = (told.clone(), began.clone());
            async move {
                began.send(()).unwrap();
                let reset = match is_answered {
                    true => {
                        let mut sending = respond.send_response(Response::new(()), false).unwrap();
                        poll_fn(|cx| sending.poll_reset(cx)).await
                    }
                    false => poll_fn(|cx| respond.poll_reset(cx)).await,
                };
                told.send(reset.unwrap()).unwrap();
            }
        })
        .await;
        let pool = pool();
        let (_feed, request) = fed();
        let limits = timeouts();
        let mut asking = Box::pin(pool.stream(&address, &limits, request));
        if is_answered {
            drop(asking.await.unwrap());
        } else {
            tokio::select! {
                _ = &mut asking => panic!("it is not answered"),
                began = begins.recv() => began.unwrap(),
            }
            drop(asking);
        }
        assert_eq!(timeout(PATIENCE, tells.recv()).await.unwrap(), Some(Reason::CANCEL), "{is_answered}");
    }
}

#[tokio::test]
async fn an_origin_that_gives_up_is_told_with_its_code() {
    let address = origin(10, |request: Request<RecvStream>, mut respond: SendResponse<Bytes>| async move {
        let mut sending = respond.send_response(Response::new(()), false).unwrap();
        request.into_body().data().await.unwrap().unwrap();
        sending.send_reset(Reason::ENHANCE_YOUR_CALM);
    })
    .await;
    let (feed, request) = fed();
    let response = pool().stream(&address, &timeouts(), request).await.unwrap();
    feed.send(Frame::data("too much".into())).await.unwrap();
    let error = response.into_body().collect().await.unwrap_err();
    assert!(matches!(error, OriginError::Reset(11)), "{error}");
    let shown = error.as_viewer_reset().unwrap();
    assert_eq!(shown.downcast::<h2::Error>().unwrap().reason(), Some(Reason::ENHANCE_YOUR_CALM));
}

#[test]
fn reasons_between_origin_and_edge_are_not_for_viewers() {
    for (code, expected) in [(0, false), (2, true), (7, true), (8, true), (13, false)] {
        assert_eq!(OriginError::Reset(code).as_viewer_reset().is_some(), expected, "{code}");
    }
    assert!(OriginError::Truncated.as_viewer_reset().is_none());
}

#[tokio::test]
async fn an_origin_that_is_silent_too_long_ends_the_wait_before_and_after_its_head() {
    let limits = OriginTimeouts { response: Duration::from_millis(50), ..timeouts() };
    let address = origin(10, |_request, mut respond: SendResponse<Bytes>| async move {
        poll_fn(|cx| respond.poll_reset(cx)).await.unwrap();
    })
    .await;
    let silent = pool().stream(&address, &limits, request(Empty::new())).await;
    assert!(matches!(silent, Err(OriginError::ResponseTimeout)));

    let address = origin(10, |_request, mut respond: SendResponse<Bytes>| async move {
        let mut sending = respond.send_response(Response::new(()), false).unwrap();
        poll_fn(|cx| sending.poll_reset(cx)).await.unwrap();
    })
    .await;
    let begun = pool().stream(&address, &limits, request(Empty::new())).await.unwrap();
    assert!(matches!(begun.into_body().collect().await, Err(OriginError::ResponseTimeout)));
}

#[tokio::test]
async fn an_idle_connection_is_closed_in_order() {
    let (ended, mut ends) = mpsc::unbounded_channel();
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(accepted) = connection.accept().await {
            let (request, respond) = accepted.unwrap();
            tokio::spawn(echo(request, respond));
        }
        ended.send(()).unwrap();
    });
    let pool = pool();
    let limits = OriginTimeouts { keepalive: Duration::from_millis(20), ..timeouts() };
    pool.stream(&address, &limits, request(Empty::new())).await.unwrap().into_body().collect().await.unwrap();
    // GOAWAY without an error: anything else would have failed an accept.
    timeout(PATIENCE, ends.recv()).await.unwrap().unwrap();
    assert_eq!(pool.http2_connections(), 0);
}

/// A connection that ends with GOAWAY as soon as it has a request, having looked at none.
async fn refuse(mut stream: TcpStream) {
    const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
    const GOAWAY: &[u8] = &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    stream.write_all(SETTINGS).await.unwrap();
    let mut received = Vec::new();
    while !has_headers(&received) {
        assert_ne!(stream.read_buf(&mut received).await.unwrap(), 0);
    }
    stream.write_all(GOAWAY).await.unwrap();
    while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {}
}

/// Whether a HEADERS frame follows the preface.
fn has_headers(received: &[u8]) -> bool {
    let mut rest = received.get(24..).unwrap_or_default();
    while let [high, middle, low, kind, ..] = *rest {
        let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        if kind == 1 {
            return true;
        }
        rest = rest.get(9 + length..).unwrap_or_default();
    }
    false
}

#[tokio::test]
async fn what_an_ending_connection_has_not_looked_at_is_sent_again_with_its_content() {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        for _ in 0..2 {
            let (stream, _) = listener.accept().await.unwrap();
            refuse(stream).await;
        }
        let (stream, _) = listener.accept().await.unwrap();
        serve(stream, 10, echo).await;
    });
    let (feed, request) = fed();
    let (pool, limits) = (pool(), timeouts());
    let feeding = async {
        feed.send(Frame::data("one ".into())).await.unwrap();
        feed.send(Frame::data("two".into())).await.unwrap();
        drop(feed);
    };
    let (response, ()) = tokio::join!(pool.stream(&address, &limits, request), feeding);
    let content = response.unwrap().into_body().collect().await.unwrap();
    assert_eq!(content.trailers().unwrap()["x-status"], "0");
    assert_eq!(content.to_bytes(), "one two");
}

#[tokio::test]
async fn what_cannot_be_sent_again_whole_fails() {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await.unwrap();
        let mut received = Vec::new();
        // Without an update of its window a viewer sends 65,535 bytes: here 64 KiB and some more frames.
        while received.len() < 60_000 {
            assert_ne!(stream.read_buf(&mut received).await.unwrap(), 0);
        }
        stream.write_all(&[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).await.unwrap();
        while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {}
    });
    let whole = http_body_util::Full::new(Bytes::from(vec![0; 100_000]));
    let failed = pool().stream(&address, &timeouts(), request(whole)).await;
    assert!(matches!(failed, Err(OriginError::Reset(0))), "{:?}", failed.err());
}

#[tokio::test]
async fn an_origin_that_ends_in_order_gets_no_new_requests_and_finishes_the_old() {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        let (request, respond) = connection.accept().await.unwrap().unwrap();
        tokio::spawn(echo(request, respond));
        connection.graceful_shutdown();
        tokio::spawn(async move { while connection.accept().await.is_some() {} });
        let (stream, _) = listener.accept().await.unwrap();
        serve(stream, 10, echo).await;
    });
    let pool = pool();
    let (feed, first) = fed();
    let mut first = pool.stream(&address, &timeouts(), first).await.unwrap();
    feed.send(Frame::data("still".into())).await.unwrap();
    assert_eq!(piece(&mut first).await.into_data().unwrap(), "still");
    pool.stream(&address, &timeouts(), request(Empty::new())).await.unwrap().into_body().collect().await.unwrap();
    feed.send(Frame::data("here".into())).await.unwrap();
    assert_eq!(piece(&mut first).await.into_data().unwrap(), "here");
    drop(feed);
    assert_eq!(piece(&mut first).await.into_trailers().unwrap()["x-status"], "0");
}

#[tokio::test]
async fn an_origin_over_tls_that_does_not_choose_http2_is_refused() {
    let authority = Authority::new();
    let pool = pool_trusting(&authority);
    for protocols in [&[][..], &[b"http/1.1".to_vec()]] {
        let (listener, clear) = listen().await;
        let address = OriginAddress { tls: true, ..clear };
        let config = crate::origins::tls_config(&authority, &["origin.localhost"], protocols);
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let accepted = tokio_rustls::TlsAcceptor::from(config).accept(stream).await;
            if let Ok(mut stream) = accepted {
                while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {}
            }
        });
        let refused = pool.stream(&address, &timeouts(), request(Empty::<Bytes>::new())).await;
        assert!(matches!(refused, Err(OriginError::Tls { verification: false, .. })), "{:?}", refused.err());
    }
}
