//! One connection: who uses it, whether its origin is there, and when it is closed.
//!
//! Invariant: its open streams are counted from the moment they are reserved until their response is dropped, so that a
//! connection is closed as idle only when nobody uses it. Made by the pool; its [`Driver`] runs on a task.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use h2::client::{self, SendRequest};
use h2::{Ping, PingPong};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::super::connect::{Connected, Connector};
use super::super::stream::OriginStream;
use super::super::wire::Wire;
use super::super::{OriginAddress, OriginError, OriginTimeouts};
use super::exchange::classify;
use super::{CONNECTION_WINDOW, LINGER, MAX_FIELD_SECTION, MAX_STREAMS, PING_AFTER, PONG_WITHIN, STREAM_WINDOW};
use crate::tls::ALPN_H2;

/// A connection as the pool has it.
#[derive(Debug)]
pub(super) struct Http2Connection {
    sender: SendRequest<Bytes>,
    streams: Arc<OpenStreams>,
}

/// How many streams of a connection are in use.
#[derive(Debug, Default)]
pub(super) struct OpenStreams {
    count: AtomicUsize,
    changed: Notify,
}

/// Held as long as a stream is in use.
#[derive(Debug)]
pub(super) struct OpenStream(Arc<OpenStreams>);

/// A stream that may be opened.
#[derive(Debug)]
pub(super) struct Reserved {
    pub(super) sender: SendRequest<Bytes>,
    pub(super) stream: OpenStream,
}

/// Moves the bytes of a connection.
pub(super) struct Driver<IO: AsyncRead + AsyncWrite + Unpin> {
    connection: client::Connection<IO>,
    pings: Option<PingPong>,
    wire: Arc<Wire>,
    streams: Arc<OpenStreams>,
}

/// Connects and says that HTTP/2 is spoken.
pub(super) async fn open(
    connector: &Connector,
    address: &OriginAddress,
    timeouts: &OriginTimeouts,
) -> Result<(Http2Connection, Driver<OriginStream>), OriginError> {
    let Connected { stream, wire } = connector.connect(address, timeouts).await?;
    if address.tls && stream.protocol() != Some(ALPN_H2) {
        let error = std::io::Error::other("the origin does not offer HTTP/2 by ALPN");
        return Err(OriginError::Tls { verification: false, source: Arc::new(error) });
    }
    let mut builder = client::Builder::new();
    builder
        .enable_push(false)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(MAX_FIELD_SECTION);
    let (sender, mut connection) = builder.handshake(stream).await.map_err(|error| classify(&error))?;
    let streams = Arc::<OpenStreams>::default();
    let pings = connection.ping_pong();
    let driver = Driver { connection, pings, wire, streams: Arc::clone(&streams) };
    Ok((Http2Connection { sender, streams }, driver))
}

impl Http2Connection {
    /// Not when it is closed, nor when its origin has said that it will be.
    pub(super) fn takes_requests(&mut self) -> bool {
        let polled = self.sender.poll_ready(&mut Context::from_waker(Waker::noop()));
        !matches!(polled, Poll::Ready(Err(_)))
    }

    /// A stream, where its origin takes one more.
    pub(super) fn reserve(&self) -> Option<Reserved> {
        let most = self.sender.current_max_send_streams().min(MAX_STREAMS as usize);
        (self.streams.count() < most).then(|| self.reserve_first())
    }

    /// A stream of a connection that nobody uses yet.
    pub(super) fn reserve_first(&self) -> Reserved {
        Reserved { sender: self.sender.clone(), stream: OpenStreams::add(&self.streams) }
    }

    /// Whether it is the one with these streams, and none of them is open.
    pub(super) fn is_idle(&self, streams: &Arc<OpenStreams>) -> bool {
        Arc::ptr_eq(&self.streams, streams) && streams.count() == 0
    }
}

impl OpenStreams {
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    fn add(this: &Arc<Self>) -> OpenStream {
        this.count.fetch_add(1, Ordering::Relaxed);
        this.changed.notify_one();
        OpenStream(Arc::clone(this))
    }

    /// Completes once no stream has been open for `keepalive`.
    async fn rest(&self, keepalive: Duration) {
        loop {
            while self.count() > 0 {
                self.changed.notified().await;
            }
            if timeout(keepalive, self.changed.notified()).await.is_err() {
                return;
            }
        }
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::Relaxed);
        self.0.changed.notify_one();
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Driver<IO> {
    /// Until it is closed: by its origin, because its origin is gone, or as idle once `forget` has let it go.
    pub(super) async fn run(self, keepalive: Duration, forget: impl Fn(&Arc<OpenStreams>) -> bool) {
        let Self { connection, pings, wire, streams } = self;
        let mut connection = pin!(connection);
        let resting = async {
            streams.rest(keepalive).await;
            while !forget(&streams) {
                streams.rest(keepalive).await;
            }
        };
        tokio::select! {
            // Whoever waits on a stream has the error.
            _ended = &mut connection => return,
            () = until_gone(pings, &wire, &streams) => return,
            () = resting => {}
        }
        // Nobody holds it any more: it says GOAWAY and ends.
        let _closed = timeout(LINGER, connection).await;
    }
}

/// Completes when the origin does not answer any more.
async fn until_gone(pings: Option<PingPong>, wire: &Wire, streams: &OpenStreams) {
    let Some(mut pings) = pings else { return std::future::pending().await };
    loop {
        let before = wire.moved().read;
        sleep(PING_AFTER).await;
        let is_silent = wire.moved().read == before && streams.count() > 0;
        if is_silent && !matches!(timeout(PONG_WITHIN, pings.ping(Ping::opaque())).await, Ok(Ok(_))) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use tokio::io::{AsyncReadExt, DuplexStream, duplex};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::Instant;

    use super::*;

    /// A connection with one open stream, and its other end.
    async fn connected() -> (Driver<DuplexStream>, DuplexStream, (SendRequest<Bytes>, OpenStream)) {
        let (ours, theirs) = duplex(64 * 1024);
        let (mut sender, mut connection) = client::handshake(ours).await.unwrap();
        let (_response, _stream) = sender.send_request(Request::new(()), true).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire = Wire::new(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
        let streams = Arc::<OpenStreams>::default();
        let held = (sender, OpenStreams::add(&streams));
        let pings = connection.ping_pong();
        (Driver { connection, pings, wire, streams }, theirs, held)
    }

    #[tokio::test(start_paused = true)]
    async fn an_origin_that_is_silent_and_does_not_answer_a_ping_is_gone() {
        let (driver, mut theirs, _held) = connected().await;
        let began = Instant::now();
        let reading =
            tokio::spawn(async move { while theirs.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {} });
        driver.run(Duration::from_secs(5), |_| true).await;
        assert!(began.elapsed() >= PING_AFTER + PONG_WITHIN);
        reading.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn an_origin_that_answers_pings_may_be_silent_for_hours() {
        let (driver, theirs, _held) = connected().await;
        let serving = tokio::spawn(async move {
            let mut connection = h2::server::handshake(theirs).await.unwrap();
            let _request = connection.accept().await.unwrap().unwrap();
            assert!(connection.accept().await.is_none_or(|next| next.is_err()));
        });
        let running = driver.run(Duration::from_secs(5), |_| true);
        assert!(timeout(Duration::from_secs(10_000), running).await.is_err());
        serving.await.unwrap();
    }
}
