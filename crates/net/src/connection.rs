//! One viewer connection as its requests see it. The byte stream under its parser is `viewer_io`.
//!
//! Invariant: all counters here are written by the task of the connection and by its requests only, so that plain
//! relaxed atomics suffice. Made by `server::worker` after the handshake; shared by `Arc` with the pipeline.

mod viewer_io;

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::client_hello::ClientHello;
use crate::framing::{Content, Witness};
use crate::limits::{ViewerLimits, ViewerRefusal};
use crate::tls;
use crate::viewer_authentication::ShownCertificate;
use crate::viewer_terms::ViewerTerms;
pub(crate) use viewer_io::ViewerIo;

/// What all requests of one viewer connection share.
#[derive(Debug)]
pub struct Connection {
    /// The viewer's address.
    pub viewer: SocketAddr,
    /// The edge's address that the viewer connected to.
    pub local: SocketAddr,
    /// The TLS session, `None` on a connection in clear.
    pub tls: Option<TlsSession>,
    requests: AtomicU64,
    in_progress: AtomicUsize,
    most_requests: u64,
    /// Counts reads and writes.
    moves: AtomicU64,
    written_bytes: AtomicU64,
    /// The viewer does not take what is written: bytes of a response wait although its body may be gone already.
    write_waits: AtomicBool,
    partial_head: AtomicBool,
    /// The next response is the last one, HTTP/1.1 only.
    is_leaving: AtomicBool,
    ambiguous: AtomicBool,
    /// Its bytes are not HTTP any more.
    is_tunnel: AtomicBool,
    tunnel_ended: Notify,
    /// The parser is about to end, and nothing else: HTTP/1.1 only.
    outlives_its_parser: AtomicBool,
    /// One side has sent its last byte.
    has_ended: AtomicBool,
    witness: Mutex<Witness>,
    /// What frames without request or content may have had written in answer, HTTP/2 only.
    acknowledged_bytes: AtomicU64,
    /// Frames that the viewer has earned with requests and content, HTTP/2 only.
    earned: AtomicU64,
    refusal: OnceLock<ViewerRefusal>,
}

/// What the handshake agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSession {
    /// As the `ssl-protocol` log field spells it: `TLSv1.3` or `TLSv1.2`.
    pub protocol: &'static str,
    /// As the `ssl-cipher` log field spells it, e.g. `TLS_AES_128_GCM_SHA256` or `ECDHE-RSA-AES128-GCM-SHA256`.
    pub cipher: &'static str,
    /// The name the viewer asked for (SNI), lower case.
    pub server_name: Option<Arc<str>>,
    /// Whether the handshake took up an earlier session.
    pub resumed: bool,
    /// What the viewer began with; `None` when it was larger than is kept.
    pub hello: Option<ClientHello>,
    /// What the viewer has shown when it was asked for a certificate; `None`: it was not asked.
    pub shown: Option<ShownCertificate>,
}

impl TlsSession {
    /// Whether a viewer who is offered `terms` could have this session.
    pub fn is_within(&self, terms: ViewerTerms) -> bool {
        (terms.tls12 || self.protocol != tls::TLS_12) && (terms.chacha20 || !self.cipher.contains("CHACHA20"))
    }
}

/// What a connection is doing; each phase has its own time limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No request, no byte of one.
    Idle,
    /// Part of a request head has arrived.
    Head,
    /// The viewer does not take what is written to it.
    Writing,
    /// At least one request is in progress.
    Busy,
}

impl Connection {
    /// A connection without any request yet.
    pub fn new(viewer: SocketAddr, local: SocketAddr, tls: Option<TlsSession>, limits: &ViewerLimits) -> Self {
        Self {
            viewer,
            local,
            tls,
            requests: AtomicU64::new(0),
            most_requests: limits.max_requests,
            in_progress: AtomicUsize::new(0),
            moves: AtomicU64::new(0),
            written_bytes: AtomicU64::new(0),
            write_waits: AtomicBool::new(false),
            partial_head: AtomicBool::new(false),
            is_leaving: AtomicBool::new(false),
            ambiguous: AtomicBool::new(false),
            is_tunnel: AtomicBool::new(false),
            tunnel_ended: Notify::new(),
            outlives_its_parser: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
            witness: Mutex::new(Witness::new(limits.max_head_bytes)),
            acknowledged_bytes: AtomicU64::new(0),
            earned: AtomicU64::new(0),
            refusal: OnceLock::new(),
        }
    }

    /// Whether the request just handed to the pipeline may have had Content-Length beside Transfer-Encoding, of which
    /// hyper shows only the latter. Such a request is to be refused with 400 (RFC 9112 section 6.1: the sender may be
    /// smuggling). Only meaningful for HTTP/1.1 requests with Transfer-Encoding, before their response is returned.
    pub fn ambiguous_framing(&self) -> bool {
        self.ambiguous.load(Ordering::Relaxed)
    }

    /// The head of the HTTP/1.1 request just handed to the pipeline, as the viewer wrote it; `None` under HTTP/2 and once
    /// more has been read.
    pub fn head(&self) -> Option<Vec<u8>> {
        self.witness.lock().current_head().map(<[u8]>::to_vec)
    }

    /// A piece of content was handed to the viewer: that earns it the frames with which it makes room for more.
    pub(crate) fn handed(&self, bytes: usize) {
        self.earn((1 + bytes as u64 / FRAME) * EARNED_BY_PIECE);
    }

    fn earn(&self, frames: u64) {
        add(&self.earned, frames);
    }

    /// Why the viewer was cut off, if it was while something was read.
    pub(crate) fn refusal(&self) -> Option<ViewerRefusal> {
        self.refusal.get().copied()
    }

    /// The error that ends the connection.
    fn refuse(&self, refusal: ViewerRefusal) -> io::Error {
        io::Error::other(self.refusal.get_or_init(|| refusal).name())
    }

    /// Counts a request in, until the guard is dropped.
    pub(crate) fn begin_request(self: &Arc<Self>) -> RequestInProgress {
        advance(&self.requests);
        self.in_progress.fetch_add(1, Ordering::Relaxed);
        RequestInProgress(Arc::clone(self))
    }

    /// The viewer switches to another protocol with the response: until the guard is dropped the connection is in use.
    pub fn begin_tunnel(self: &Arc<Self>) -> RequestInProgress {
        self.is_tunnel.store(true, Ordering::Relaxed);
        self.in_progress.fetch_add(1, Ordering::Relaxed);
        RequestInProgress(Arc::clone(self))
    }

    /// Completes once the connection is no tunnel, or not any more.
    pub(crate) async fn tunnel_ended(&self) {
        while self.is_tunnel.load(Ordering::Relaxed) && self.in_progress.load(Ordering::Relaxed) > 0 {
            self.tunnel_ended.notified().await;
        }
    }

    /// The HTTP/1.1 parser finished a head.
    pub(crate) fn head_finished(&self, content: Content) {
        let mut witness = self.witness.lock();
        self.ambiguous.store(witness.head_finished(content), Ordering::Relaxed);
        self.partial_head.store(witness.has_partial_head(), Ordering::Relaxed);
    }

    fn heed(&self, bytes: &[u8]) {
        let mut witness = self.witness.lock();
        witness.read(bytes, self.in_progress.load(Ordering::Relaxed) > 0);
        self.partial_head.store(witness.has_partial_head(), Ordering::Relaxed);
    }

    /// Notes the outcome of a write.
    fn wrote(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        advance(&self.moves);
        if let Poll::Ready(Ok(bytes)) = &written {
            add(&self.written_bytes, *bytes as u64);
        }
        self.write_waits.store(written.is_pending(), Ordering::Relaxed);
        written
    }

    pub(crate) fn phase(&self) -> Phase {
        if self.write_waits.load(Ordering::Relaxed) {
            Phase::Writing
        } else if self.in_progress.load(Ordering::Relaxed) > 0 {
            Phase::Busy
        } else if self.partial_head.load(Ordering::Relaxed) {
            Phase::Head
        } else {
            Phase::Idle
        }
    }

    /// Whether it may do without a parser: nothing is in progress or under way but a part of a head, if anything. HTTP/1.1 only.
    pub(crate) fn may_be_parked(&self) -> bool {
        let is_resting = matches!(self.phase(), Phase::Idle | Phase::Head);
        let is_open = !self.has_ended.load(Ordering::Relaxed) && !self.is_tunnel.load(Ordering::Relaxed);
        is_resting && is_open && !self.witness.lock().may_be_within_content()
    }

    /// Ends a parser, which would end the connection with it.
    pub(crate) fn outlive<T>(&self, end: impl FnOnce() -> T) -> T {
        self.outlives_its_parser.store(true, Ordering::Relaxed);
        let ended = end();
        self.outlives_its_parser.store(false, Ordering::Relaxed);
        ended
    }

    /// Keeps no more than a connection needs that rests.
    pub(crate) fn rest(&self) {
        self.witness.lock().rest();
    }

    /// How many requests have begun on it.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Notes that something was read or written where no `ViewerIo` does.
    pub(crate) fn moved(&self) {
        advance(&self.moves);
    }

    /// Whether it has had as many requests as one connection may have.
    pub(crate) fn is_used_up(&self) -> bool {
        self.requests() >= self.most_requests
    }

    /// Has the next response be the last one; `false` when it is already. HTTP/1.1 only.
    pub(crate) fn leave(&self) -> bool {
        !self.is_leaving.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::Relaxed)
    }

    /// Whether it has had more than may have been on their way when the viewer was told that it is used up.
    pub(crate) fn ignores_its_end(&self, limits: &ViewerLimits) -> bool {
        self.requests() > self.most_requests.saturating_add(u64::from(limits.max_concurrent_streams))
    }

    pub(crate) fn moves(&self) -> u64 {
        self.moves.load(Ordering::Relaxed)
    }

    /// Bytes of responses that were written, or somewhat fewer.
    pub(crate) fn taken_bytes(&self) -> u64 {
        let acknowledged = self.acknowledged_bytes.load(Ordering::Relaxed);
        self.written_bytes.load(Ordering::Relaxed).saturating_sub(acknowledged)
    }
}

/// A counter with one writer needs no locked instruction.
fn advance(counter: &AtomicU64) {
    add(counter, 1);
}

fn add(counter: &AtomicU64, number: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(number), Ordering::Relaxed);
}

/// Held from the call of the service until the response's body is dropped.
#[derive(Debug)]
pub struct RequestInProgress(Arc<Connection>);

impl RequestInProgress {
    pub(crate) fn connection(&self) -> &Connection {
        &self.0
    }
}

impl Drop for RequestInProgress {
    fn drop(&mut self) {
        self.0.in_progress.fetch_sub(1, Ordering::Relaxed);
        if self.0.is_tunnel.load(Ordering::Relaxed) {
            self.0.tunnel_ended.notify_one();
        }
    }
}

/// Frames that a viewer earns with a request or a piece of content: PRIORITY, and WINDOW_UPDATE for stream and connection.
const EARNED_BY_PIECE: u64 = 5;
/// Content in one frame, unless the viewer asked for larger ones (RFC 9113 section 6.5.2).
const FRAME: u64 = 16 * 1024;
