//! One worker: a thread with a single-threaded runtime that serves the connections the acceptor gives it.
//!
//! Invariant: a failed, hostile or panicking connection ends alone; the worker ends only by its stop order, and then
//! with all its connections. Started by `server`.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpStream as StdTcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use hyper::server::conn::{http1, http2};
use rustls::server::Acceptor;
use tokio::net::TcpStream;
use tokio::runtime::{self, Runtime};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, StartHandshake};

use super::addresses::AddressLease;
use super::executor::StreamExecutor;
use super::http1::Http1;
use super::http2::Http2;
use super::quic::Handshaking;
use super::service::ViewerService;
use super::{Shared, WorkerThread};
use crate::client_hello::Recorder;
use crate::connection::{Connection, TlsSession};
use crate::file_sending::FileSending;
use crate::handshake_observer::AskedHandshake;
use crate::limits::ViewerRefusal;
use crate::networks::Network;
use crate::proxy_protocol::{self, Told};
use crate::tls::{self, KeyExchange, ViewerTls};
use crate::viewer_authentication::CertificateFailure;

/// What the acceptor and the server tell a worker.
#[derive(Debug)]
pub(super) enum Order {
    Serve { arrival: Arrival, address: AddressLease },
    Stop { grace: Duration },
}

/// A connection fresh from the listener, counted in the worker's load already.
#[derive(Debug)]
pub(super) enum Arrival {
    /// `balancers`: see [`super::Listener`].
    Tcp {
        stream: StdTcpStream,
        viewer: SocketAddr,
        tls: bool,
        balancers: Arc<[Network]>,
    },
    Quic {
        incoming: Box<quinn::Incoming>,
        local: SocketAddr,
        handshaking: Handshaking,
    },
}

/// A worker before its thread runs.
pub(super) struct Worker {
    index: usize,
    runtime: Runtime,
    shared: Arc<Shared>,
    tls: Arc<ViewerTls>,
}

/// Boxed, as it is handed on several times.
type Tls = Box<TlsStream<TcpStream>>;

/// A finished handshake and what the edge knows of it.
type Handshake = (Tls, TlsSession);

/// What a worker's connections have in common.
struct Serving<S> {
    service: S,
    http1: Arc<http1::Builder>,
    http2: http2::Builder<StreamExecutor>,
    tls: Arc<ViewerTls>,
    index: usize,
    shared: Arc<Shared>,
}

impl Worker {
    pub(super) fn new(index: usize, shared: Arc<Shared>, tls: Arc<ViewerTls>) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { index, runtime, shared, tls })
    }

    pub(super) fn spawn<S: ViewerService>(
        self,
        service_of_worker: Arc<impl Fn(usize) -> S + Send + Sync + 'static>,
    ) -> io::Result<WorkerThread> {
        let (orders, receiver) = mpsc::unbounded_channel();
        let thread = thread::Builder::new().name(format!("edge-worker-{}", self.index)).spawn(move || {
            let Self { index, runtime, shared, tls } = self;
            runtime.block_on(async {
                let serving = Serving {
                    service: service_of_worker(index),
                    http1: Arc::new(super::http1::builder(&shared.limits)),
                    http2: super::http2::builder(&shared),
                    tls,
                    index,
                    shared,
                };
                Arc::new(serving).run(receiver).await;
            });
            // Not a plain drop: that would wait for name lookups still blocked in the system's resolver.
            runtime.shutdown_background();
        })?;
        Ok(WorkerThread { orders, thread })
    }
}

impl<S: ViewerService> Serving<S> {
    async fn run(self: Arc<Self>, mut orders: mpsc::UnboundedReceiver<Order>) {
        while let Some(order) = orders.recv().await {
            match order {
                Order::Serve { arrival, address } => drop(tokio::spawn(Arc::clone(&self).serve(arrival, address))),
                Order::Stop { grace } => {
                    let _aborts_the_rest = timeout(grace, self.emptied()).await;
                    return;
                }
            }
        }
    }

    async fn emptied(&self) {
        while let Some(load) = self.shared.loads.get(self.index)
            && load.connections.load(Ordering::Relaxed) > 0
        {
            load.emptied.notified().await;
        }
    }

    /// Each kind of connection, and each part of its life, has memory of its own: in one piece every connection would take
    /// what the largest of them takes, all its life.
    fn serve(self: Arc<Self>, arrival: Arrival, address: AddressLease) -> impl Future<Output = ()> + Send {
        let lease = Lease { panics: PanicCount::new(Arc::clone(&self.shared)), index: self.index };
        async move {
            let _leases = (lease, address);
            match arrival {
                Arrival::Tcp { stream, viewer, tls, balancers } => {
                    Box::pin(self.serve_tcp(stream, viewer, tls, &balancers)).await;
                }
                Arrival::Quic { incoming, local, handshaking } => {
                    Box::pin(self.serve_quic(*incoming, local, handshaking)).await;
                }
            }
        }
    }

    async fn serve_tcp(&self, stream: StdTcpStream, viewer: SocketAddr, tls: bool, balancers: &[Network]) {
        // The viewer may be gone already; then there is nobody to tell.
        let Ok(mut stream) = TcpStream::from_std(stream) else { return };
        let Ok(local) = stream.local_addr() else { return };
        let peer = Told { viewer, local };
        let told = if balancers.is_empty() {
            peer
        } else {
            match Box::pin(self.told_by_balancer(&mut stream, balancers, peer)).await {
                Some(told) => told,
                None => return,
            }
        };
        if tls {
            Box::pin(self.serve_tls(stream, told)).await;
        } else {
            let connection = Arc::new(Connection::new(told.viewer, told.local, None, &self.shared.limits));
            Box::pin(self.http1(FileSending::new(stream, self.shared.files.clone()), Arc::clone(&connection))).await;
            connection.tunnel_ended().await;
        }
    }

    async fn serve_quic(&self, incoming: quinn::Incoming, local: SocketAddr, handshaking: Handshaking) {
        let viewer = incoming.remote_address();
        let finished = match incoming.accept() {
            Ok(connecting) => timeout(self.shared.limits.tls_handshake_timeout, connecting).await,
            Err(_not_tls13) => return,
        };
        drop(handshaking);
        let Ok(Ok(quic)) = finished else {
            return self.shared.refusals.count(ViewerRefusal::Handshake);
        };
        let tls = Some(tls::session_of_quic(&quic));
        let connection = Arc::new(Connection::new(viewer, local, tls, &self.shared.limits));
        super::http3::serve(quic, self.service.clone(), connection, Arc::clone(&self.shared)).await;
    }

    /// `None`: whoever connects is no balancer, or does not say for whom.
    async fn told_by_balancer(&self, stream: &mut TcpStream, balancers: &[Network], peer: Told) -> Option<Told> {
        let is_balancer = balancers.iter().any(|network| network.contains(peer.viewer.ip()));
        let header = timeout(self.shared.limits.header_timeout, proxy_protocol::read(stream));
        let told = match is_balancer {
            true => tokio::select! {
                told = header => told.ok().and_then(Result::ok),
                () = self.shared.stop.requested() => return None,
            },
            false => None,
        };
        if told.is_none() {
            self.shared.counters.strangers.fetch_add(1, Ordering::Relaxed);
        }
        // A balancer that speaks for itself has no viewer behind it.
        let is_paused = told.as_ref().is_some_and(|viewer| viewer.is_some_and(|it| self.shared.turns_away(it.viewer)));
        told.filter(|_| !is_paused).map(|told| told.unwrap_or(peer))
    }

    async fn serve_tls(&self, stream: TcpStream, Told { viewer, local }: Told) {
        let Some((stream, session)) = Box::pin(self.handshake(stream, Told { viewer, local })).await else { return };
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(tls::ALPN_H2);
        let connection = Arc::new(Connection::new(viewer, local, Some(session), &self.shared.limits));
        if is_http2 {
            Box::pin(self.http2(stream, connection)).await;
        } else {
            Box::pin(self.http1(stream, Arc::clone(&connection))).await;
            connection.tunnel_ended().await;
        }
    }

    async fn handshake(&self, stream: TcpStream, told: Told) -> Option<Handshake> {
        let mut attempt = Attempt { told, began: Instant::now(), asked_by: None };
        let finished = tokio::select! {
            finished = timeout(self.shared.limits.tls_handshake_timeout, self.accept(stream, &mut attempt)) => finished,
            () = self.shared.stop.requested() => return None,
        };
        let failure = match finished {
            Ok(Ok(handshake)) => {
                self.tell(&attempt, Ok(&handshake.1));
                return Some(handshake);
            }
            Ok(Err(error)) => CertificateFailure::of(&error),
            Err(_elapsed) => CertificateFailure::TcpTimeout,
        };
        self.shared.refusals.count(attempt.refusal(failure));
        self.tell(&attempt, Err(failure));
        None
    }

    fn tell(&self, attempt: &Attempt, end: Result<&TlsSession, CertificateFailure>) {
        let Some((observer, server_name)) = self.shared.handshakes.as_ref().zip(attempt.asked_by.as_deref()) else {
            return;
        };
        let Told { viewer, local } = attempt.told;
        observer.ended(&AskedHandshake { viewer, local, server_name, duration: attempt.began.elapsed(), end });
    }

    async fn accept(&self, stream: TcpStream, attempt: &mut Attempt) -> io::Result<Handshake> {
        let StartHandshake { accepted, io, .. } =
            LazyConfigAcceptor::new(Acceptor::default(), Recorder::new(stream)).await?;
        let (stream, hello) = io.finish();
        let name = accepted.client_hello().server_name().map(str::to_owned);
        let offer =
            self.tls.offer_for(name.as_deref(), KeyExchange::best_of(hello.as_ref())).map_err(io::Error::other)?;
        attempt.asked_by = name.filter(|_| offer.authentication.is_some());
        let stream = StartHandshake::from_parts(accepted, stream).into_stream(offer.config).await?;
        let (_, session) = stream.get_ref();
        let shown = offer.authentication.map(|asked| self.tls.authenticated(session, &asked)).transpose();
        let session = tls::session_of(session, hello, shown.map_err(io::Error::other)?);
        Ok((Box::new(stream), session))
    }

    fn http1<IO>(&self, io: IO, connection: Arc<Connection>) -> Http1<IO, S>
    where
        IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        Http1::new(Arc::clone(&self.http1), io, self.service.clone(), connection, Arc::clone(&self.shared))
    }

    fn http2(&self, io: Tls, connection: Arc<Connection>) -> Http2<Tls, S> {
        Http2::new(&self.http2, io, self.service.clone(), connection, Arc::clone(&self.shared))
    }
}

/// What is known of a handshake before it is finished.
struct Attempt {
    told: Told,
    began: Instant,
    /// The name that asked the viewer for a certificate.
    asked_by: Option<String>,
}

impl Attempt {
    fn refusal(&self, failure: CertificateFailure) -> ViewerRefusal {
        match self.asked_by.is_some() && failure.is_about_certificate() {
            true => ViewerRefusal::Certificate,
            false => ViewerRefusal::Handshake,
        }
    }
}

/// Takes the connection out of the worker's load, however it ends.
struct Lease {
    panics: PanicCount,
    index: usize,
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(load) = self.panics.shared.loads.get(self.index) {
            load.leave();
        }
    }
}

/// Part of a task; counts the panic that drops it. The runtime keeps the panic from the worker.
#[derive(Debug)]
pub(super) struct PanicCount {
    shared: Arc<Shared>,
}

impl PanicCount {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }
}

impl Drop for PanicCount {
    fn drop(&mut self) {
        if thread::panicking() {
            self.shared.counters.panics.fetch_add(1, Ordering::Relaxed);
        }
    }
}
