//! The viewer side as a whole: listening sockets, one acceptor thread, one for QUIC, N worker threads, and how all of it stops.
//!
//! Invariant: a connection lives and dies on one worker; the acceptor gives it to the worker that has the fewest, so
//! balance is exact whatever the kernel does. Called by `crates/proxy` to start and stop an edge.

mod acceptor;
mod addresses;
mod dispatch;
mod executor;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod http1;
mod http2;
mod http3;
mod quic;
mod service;
mod stall;
pub(crate) mod viewer_streams;
mod watchdog;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use edgeward_mapped::MappedFiles;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use crate::certificates::CertificateStore;
use crate::handshake_observer::HandshakeObserver;
use crate::limits::{RefusalCounters, ViewerLimits, ViewerRefusal};
use crate::networks::Network;
use crate::tickets::Tickets;
use crate::tls;
use acceptor::Acceptor;
use addresses::Addresses;
use dispatch::Dispatcher;
use quic::QuicListeners;
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
    acceptor: Option<JoinHandle<()>>,
    workers: Vec<WorkerThread>,
    quic: Option<JoinHandle<()>>,
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
    /// Comes first, so that no connection is taken only to be closed.
    stop_accepting: Stop,
    stop: Stop,
    /// Comes last: the workers' QUIC connections need their sockets to the end.
    workers_ended: Stop,
    /// QUIC handshakes in progress.
    quic_handshakes: AtomicUsize,
    loads: Vec<Load>,
    addresses: Arc<Addresses>,
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

/// Tells every task at once to stop.
#[derive(Debug, Default)]
struct Stop {
    requested: AtomicBool,
    notify: Arc<Notify>,
}

impl Server {
    /// Binds all addresses and starts the threads. `service_of_worker` is called once in each worker's runtime.
    ///
    /// # Errors
    /// An address that cannot be bound (named in the error), or a thread that cannot be started.
    pub fn start<S: ViewerService>(
        settings: ServerSettings,
        certificates: Arc<CertificateStore>,
        service_of_worker: impl Fn(usize) -> S + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let tls = Arc::new(tls::ViewerTls::new(certificates, settings.tickets).map_err(io::Error::other)?);
        let (acceptor, udp) = Acceptor::bind(&settings.http, &settings.https, settings.http3)?;
        let (http, https) = acceptor.addresses()?;
        let workers = settings.workers.max(1);
        let shared = Arc::new(Shared {
            limits: settings.limits,
            handshakes: settings.handshakes,
            files: settings.files,
            stop_accepting: Stop::default(),
            stop: Stop::default(),
            workers_ended: Stop::default(),
            quic_handshakes: AtomicUsize::new(0),
            loads: std::iter::repeat_with(Load::default).take(workers).collect(),
            addresses: Arc::default(),
            counters: Counters::default(),
            refusals: RefusalCounters::default(),
        });
        let mut server = Self { http, https, shared, acceptor: None, workers: Vec::with_capacity(workers), quic: None };
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
            let listeners = QuicListeners { sockets: udp, config };
            server.quic = Some(listeners.spawn(dispatcher, Arc::clone(&server.shared))?);
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

    /// Stops accepting, lets responses in progress finish (HTTP/1.1 closes after them, HTTP/2 and HTTP/3 send GOAWAY), aborts what
    /// is left after `grace`, and returns when all threads have ended.
    pub fn stop(mut self, grace: Duration) {
        self.shut_down(grace);
    }

    fn shut_down(&mut self, grace: Duration) {
        self.shared.stop_accepting.request();
        if let Some(acceptor) = self.acceptor.take() {
            join(acceptor);
        }
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

/// A panic of the thread itself has been reported by the panic hook.
fn join(thread: JoinHandle<()>) {
    let _panicked = thread.join();
}

impl Shared {
    fn connections(&self) -> usize {
        self.loads.iter().map(|load| load.connections.load(Ordering::Relaxed)).sum()
    }
}

impl Stop {
    fn request(&self) {
        self.requested.store(true, Ordering::SeqCst);
        self.notify.notify_waiters();
    }

    fn is_requested(&self) -> bool {
        self.requested.load(Ordering::Relaxed)
    }

    /// Completes with the next [`Stop::request`]; check [`Stop::is_requested`] after its first poll.
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
