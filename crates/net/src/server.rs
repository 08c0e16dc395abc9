//! The viewer side as a whole: listening sockets, one acceptor thread, one for QUIC, N worker threads, and how all of it stops,
//! or leaves its sockets to another process.
//!
//! Invariant: a connection lives and dies on one worker; the acceptor gives it to the worker that has the fewest, so
//! balance is exact whatever the kernel does. Called by `crates/proxy` to start and stop an edge.

mod acceptor;
mod addresses;
mod connection_ids;
mod dispatch;
mod executor;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod handover;
mod http1;
mod http2;
mod http3;
mod parser;
mod pauses;
mod quic;
mod quic_socket;
mod relay;
mod service;
mod stall;
pub(crate) mod viewer_streams;
mod watchdog;
mod worker;

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use edgeward_mapped::MappedFiles;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use crate::certificates::CertificateStore;
use crate::handshake_observer::HandshakeObserver;
use crate::limits::{RefusalCounters, ViewerLimits, ViewerRefusal};
use crate::networks::Network;
use crate::tickets::Tickets;
use crate::tls;
use acceptor::{Acceptor, Udp};
use addresses::Addresses;
use connection_ids::Tag;
use dispatch::Dispatcher;
use handover::send;
pub use handover::{Inherited, receive_sockets};
use pauses::Pauses;
use quic::QuicListeners;
use quic_socket::QuicSocket;
pub use service::ViewerService;
use worker::{Order, Worker};

/// An address that is listened on.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Port 0 picks a free one.
    pub address: SocketAddr,
    /// The load balancers that connect here in place of viewers: each connection has to come from one of them, and to begin
    /// with a PROXY protocol header of version 2. Empty: viewers connect themselves.
    pub balancers: Vec<Network>,
}

impl From<SocketAddr> for Listener {
    fn from(address: SocketAddr) -> Listener {
        Listener { address, balancers: Vec::new() }
    }
}

/// Where to listen and with how much.
#[derive(Clone, Debug, Default)]
pub struct ServerSettings {
    /// For HTTP/1.1 in clear.
    pub http: Vec<Listener>,
    /// For TLS with HTTP/2 or HTTP/1.1 by ALPN, and for HTTP/3.
    pub https: Vec<Listener>,
    /// Whether HTTP/3 is served, over UDP on the same addresses as `https`. A listener for load balancers has none: they say
    /// whom they speak for over TCP alone.
    pub http3: bool,
    /// Worker threads; 0 counts as 1.
    pub workers: usize,
    /// Bounds per viewer.
    pub limits: ViewerLimits,
    /// Files of which content is sent without being copied.
    pub files: MappedFiles,
    /// How sessions are taken up again; `None` for tickets that this server alone can open, until it ends.
    pub tickets: Option<Arc<Tickets>>,
    /// Who is told of handshakes in which viewers were asked for certificates.
    pub handshakes: Option<Arc<dyn HandshakeObserver>>,
}

/// The running server. Dropping it stops it without grace.
#[derive(Debug)]
pub struct Server {
    http: Vec<SocketAddr>,
    https: Vec<SocketAddr>,
    shared: Arc<Shared>,
    /// Copies of the sockets, for another process; none once this one has stopped accepting.
    sockets: Mutex<Option<Sockets>>,
    quic_sockets: Vec<Arc<QuicSocket>>,
    acceptor: Option<JoinHandle<()>>,
    workers: Vec<WorkerThread>,
    quic: Option<JoinHandle<()>>,
}

/// What a process that takes over goes on with.
#[derive(Debug)]
struct Sockets {
    http: Vec<TcpListener>,
    https: Vec<TcpListener>,
    udp: Vec<UdpSocket>,
    /// Of this process and those before it.
    tags: Vec<Tag>,
}

/// Totals since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerCounters {
    /// Connections handed to a worker.
    pub accepted: u64,
    /// Failed `accept` calls other than a viewer that was already gone (EMFILE and the like).
    pub accept_errors: u64,
    /// Connections to a listener for load balancers that came from elsewhere, or without the header of one.
    pub strangers: u64,
    /// Panics in a connection or in a request of it.
    pub panics: u64,
}

#[derive(Debug)]
struct WorkerThread {
    orders: tokio::sync::mpsc::UnboundedSender<Order>,
    thread: JoinHandle<()>,
}

/// State of all threads of one server.
#[derive(Debug)]
struct Shared {
    limits: ViewerLimits,
    handshakes: Option<Arc<dyn HandshakeObserver>>,
    files: MappedFiles,
    /// Until then connections wait in their sockets.
    serve: Signal,
    /// Comes first, so that no connection is taken only to be closed.
    stop_accepting: Signal,
    /// Viewers are told to go on elsewhere; what they have begun goes on.
    leave: Signal,
    stop: Signal,
    /// Comes last: the workers' QUIC connections need their sockets to the end.
    workers_ended: Signal,
    /// QUIC handshakes in progress.
    quic_handshakes: AtomicUsize,
    loads: Vec<Load>,
    addresses: Arc<Addresses>,
    pauses: Mutex<Pauses>,
    counters: Counters,
    refusals: RefusalCounters,
}

#[derive(Debug, Default)]
struct Counters {
    accepted: AtomicU64,
    accept_errors: AtomicU64,
    strangers: AtomicU64,
    panics: AtomicU64,
}

/// The open connections of one worker.
#[derive(Debug, Default)]
struct Load {
    connections: AtomicUsize,
    emptied: Notify,
}

/// Tells every task at once.
#[derive(Debug, Default)]
struct Signal {
    requested: AtomicBool,
    notify: Arc<Notify>,
}

impl Server {
    /// Binds all addresses and serves. `service_of_worker` is called once in each worker's runtime.
    ///
    /// # Errors
    /// An address that cannot be bound (named in the error), or a thread that cannot be started.
    pub fn start<S: ViewerService>(
        settings: ServerSettings,
        certificates: Arc<CertificateStore>,
        service_of_worker: impl Fn(usize) -> S + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let server = Self::open(settings, Inherited::default(), certificates, service_of_worker)?;
        server.serve();
        Ok(server)
    }

    /// As `start`, without serving yet: viewers wait in the sockets. Those of `inherited` stand in for what would be bound at
    /// their addresses.
    ///
    /// # Errors
    /// As `start`.
    pub fn open<S: ViewerService>(
        settings: ServerSettings,
        inherited: Inherited,
        certificates: Arc<CertificateStore>,
        service_of_worker: impl Fn(usize) -> S + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let tls = Arc::new(tls::ViewerTls::new(certificates, settings.tickets.clone()).map_err(io::Error::other)?);
        let mut inherited = inherited;
        let (acceptor, udp) = Acceptor::bind(&settings.http, &settings.https, settings.http3, &mut inherited)?;
        let (http, https) = acceptor.addresses()?;
        let tag = Tag::draw()?;
        let tickets = settings.tickets;
        let tags = std::iter::once(tag).chain(inherited.tags.iter().copied()).collect();
        let sockets = Sockets::copied(&acceptor, &udp, tags)?;
        let workers = settings.workers.max(1);
        let pauses = Mutex::new(Pauses::new(&settings.limits));
        let shared = Arc::new(Shared {
            limits: settings.limits,
            handshakes: settings.handshakes,
            files: settings.files,
            serve: Signal::default(),
            stop_accepting: Signal::default(),
            leave: Signal::default(),
            stop: Signal::default(),
            workers_ended: Signal::default(),
            quic_handshakes: AtomicUsize::new(0),
            loads: std::iter::repeat_with(Load::default).take(workers).collect(),
            addresses: Arc::default(),
            pauses,
            counters: Counters::default(),
            refusals: RefusalCounters::default(),
        });
        let mut server = Self {
            http,
            https,
            shared,
            sockets: Mutex::new(Some(sockets)),
            quic_sockets: Vec::new(),
            acceptor: None,
            workers: Vec::with_capacity(workers),
            quic: None,
        };
        let service_of_worker = Arc::new(service_of_worker);
        for index in 0..workers {
            let worker = Worker::new(index, Arc::clone(&server.shared), Arc::clone(&tls))?;
            server.workers.push(worker.spawn(Arc::clone(&service_of_worker))?);
        }
        let orders = server.workers.iter().map(|worker| worker.orders.clone()).collect();
        let dispatcher = Dispatcher::new(Arc::clone(&server.shared), orders);
        server.acceptor = Some(acceptor.spawn(&dispatcher, Arc::clone(&server.shared))?);
        if !udp.is_empty() {
            let config = tls.quic(quic::transport(&server.shared.limits)).map_err(io::Error::other)?;
            let listeners = QuicListeners { sockets: udp, config, tag, foreign: inherited.tags, tickets };
            let (quic, sockets) = listeners.spawn(dispatcher, Arc::clone(&server.shared))?;
            (server.quic, server.quic_sockets) = (Some(quic), sockets);
        }
        Ok(server)
    }

    /// The bound addresses of [`ServerSettings::http`], in its order.
    pub fn http_addresses(&self) -> &[SocketAddr] {
        &self.http
    }

    /// The bound addresses of [`ServerSettings::https`], in its order.
    pub fn https_addresses(&self) -> &[SocketAddr] {
        &self.https
    }

    /// Open viewer connections over all workers.
    pub fn connections(&self) -> usize {
        self.shared.connections()
    }

    /// Totals since the start.
    pub fn counters(&self) -> ServerCounters {
        let counters = &self.shared.counters;
        ServerCounters {
            accepted: counters.accepted.load(Ordering::Relaxed),
            accept_errors: counters.accept_errors.load(Ordering::Relaxed),
            strangers: counters.strangers.load(Ordering::Relaxed),
            panics: counters.panics.load(Ordering::Relaxed),
        }
    }

    /// How often viewers were refused for this reason since the start.
    pub fn refusals(&self, refusal: ViewerRefusal) -> u64 {
        self.shared.refusals.of(refusal)
    }

    /// Begins to accept; more calls change nothing.
    pub fn serve(&self) {
        self.shared.serve.request();
        self.quic_sockets.iter().for_each(|socket| socket.read_socket());
    }

    /// Sends copies of all sockets to the process that listens at the Unix socket `path`, for it to go on with. This one goes
    /// on, too, until it is told to `leave`.
    ///
    /// # Errors
    /// The process cannot be reached, or this server accepts no more.
    pub fn hand_over(&self, path: &std::path::Path) -> io::Result<()> {
        let sockets = self.sockets.lock();
        let sockets = sockets.as_ref().ok_or_else(|| io::Error::other("it accepts no connections any more"))?;
        let relays = self.quic_sockets.iter().map(|socket| socket.prepare_relay()).collect::<io::Result<Vec<_>>>()?;
        send(path, sockets, &relays)
    }

    /// Leaves the packets of QUIC to the process that took over, and reads those that it sends on.
    pub fn release(&self) {
        self.quic_sockets.iter().for_each(|socket| socket.read_relay());
    }

    /// Takes `release` back: nobody took over.
    pub fn take_back(&self) {
        self.quic_sockets.iter().for_each(|socket| socket.read_socket());
    }

    /// Stops accepting and tells viewers to go on elsewhere: `Connection: close` with the next response, GOAWAY. No request is
    /// lost by it. Returns when all are gone, or after `patience`; whether all are.
    pub fn leave(&self, patience: Duration) -> bool {
        self.shared.stop_accepting.request();
        drop(self.sockets.lock().take());
        self.shared.leave.request();
        let deadline = Instant::now() + patience;
        while self.connections() > 0 && Instant::now() < deadline {
            std::thread::sleep(PROGRESS);
        }
        self.connections() == 0
    }

    /// Stops accepting, lets responses in progress finish (HTTP/1.1 closes after them, HTTP/2 and HTTP/3 send GOAWAY), aborts what
    /// is left after `grace`, and returns when all threads have ended.
    pub fn stop(mut self, grace: Duration) {
        self.shut_down(grace);
    }

    fn shut_down(&mut self, grace: Duration) {
        self.shared.stop_accepting.request();
        drop(self.sockets.get_mut().take());
        if let Some(acceptor) = self.acceptor.take() {
            join(acceptor);
        }
        self.shared.leave.request();
        self.shared.stop.request();
        for worker in &self.workers {
            // A worker that ended already has dropped its receiver.
            let _ended = worker.orders.send(Order::Stop { grace });
        }
        for worker in self.workers.drain(..) {
            join(worker.thread);
        }
        self.shared.workers_ended.request();
        if let Some(quic) = self.quic.take() {
            join(quic);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shut_down(Duration::ZERO);
    }
}

impl Sockets {
    fn copied(acceptor: &Acceptor, udp: &[Udp], tags: Vec<Tag>) -> io::Result<Self> {
        let (http, https) = acceptor.copies()?;
        let udp = udp.iter().map(|(socket, _)| socket.try_clone()).collect::<io::Result<_>>()?;
        Ok(Self { http, https, udp, tags })
    }
}

/// How often somebody who waits for viewers to go looks again.
const PROGRESS: Duration = Duration::from_millis(5);

/// A panic of the thread itself has been reported by the panic hook.
fn join(thread: JoinHandle<()>) {
    let _panicked = thread.join();
}

impl Shared {
    fn connections(&self) -> usize {
        self.loads.iter().map(|load| load.connections.load(Ordering::Relaxed)).sum()
    }

    /// Counts a viewer that was cut off; where it was for a flood, its address is paused.
    fn cut_off(&self, viewer: SocketAddr, refusal: ViewerRefusal) {
        self.refusals.count(refusal);
        if refusal.is_flood() {
            self.pause(viewer);
        }
    }

    fn pause(&self, viewer: SocketAddr) {
        self.pauses.lock().flooded(viewer.ip(), Instant::now());
    }

    /// Whether a viewer that comes just now is not let in because its address is paused; counts it then.
    fn turns_away(&self, viewer: SocketAddr) -> bool {
        let is_paused = self.pauses.lock().is_paused(viewer.ip(), Instant::now());
        if is_paused {
            self.refusals.count(ViewerRefusal::Paused);
        }
        is_paused
    }
}

impl Signal {
    fn request(&self) {
        self.requested.store(true, Ordering::SeqCst);
        self.notify.notify_waiters();
    }

    fn is_requested(&self) -> bool {
        self.requested.load(Ordering::Relaxed)
    }

    /// Completes with the next [`Signal::request`]; check [`Signal::is_requested`] after its first poll.
    fn notified(&self) -> OwnedNotified {
        Arc::clone(&self.notify).notified_owned()
    }

    async fn requested(&self) {
        let mut notified = std::pin::pin!(self.notified());
        notified.as_mut().enable();
        if !self.is_requested() {
            notified.await;
        }
    }
}

impl Load {
    fn leave(&self) {
        if self.connections.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.emptied.notify_one();
        }
    }
}
