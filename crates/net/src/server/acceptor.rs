//! The listening sockets and the one thread that accepts from them.
//!
//! Invariant: one socket per address and one thread that accepts, so the choice of the least loaded worker sees every
//! connection. Errors of `accept` slow it down but never end it. Started by `server`.

use std::io;
use std::net::{SocketAddr, TcpListener as StdTcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;

use super::worker::{Accepted, Order};
use super::{Listener, Shared};
use crate::networks::Network;

/// Bound listeners, not accepting yet.
pub(super) struct Acceptor {
    http: Vec<Bound>,
    https: Vec<Bound>,
}

/// A listening socket, and who connects to it in place of viewers.
struct Bound {
    listener: StdTcpListener,
    balancers: Arc<[Network]>,
}

/// The accept loop of one listener.
struct Accepting {
    listener: TcpListener,
    tls: bool,
    balancers: Arc<[Network]>,
    shared: Arc<Shared>,
    workers: Arc<[UnboundedSender<Order>]>,
}

impl Acceptor {
    pub(super) fn bind(http: &[Listener], https: &[Listener]) -> io::Result<Self> {
        Ok(Self { http: bind_all(http)?, https: bind_all(https)? })
    }

    /// The bound addresses, http and https.
    pub(super) fn addresses(&self) -> io::Result<(Vec<SocketAddr>, Vec<SocketAddr>)> {
        let addresses =
            |bound: &[Bound]| bound.iter().map(|bound| bound.listener.local_addr()).collect::<io::Result<Vec<_>>>();
        Ok((addresses(&self.http)?, addresses(&self.https)?))
    }

    /// Accepts on a thread of its own until the server stops.
    pub(super) fn spawn(
        self,
        shared: Arc<Shared>,
        workers: Arc<[UnboundedSender<Order>]>,
    ) -> io::Result<JoinHandle<()>> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let loops = {
            let _context = runtime.enter();
            self.into_loops(&shared, &workers)?
        };
        thread::Builder::new().name("edge-acceptor".to_owned()).spawn(move || {
            runtime.block_on(async {
                let mut tasks: JoinSet<()> = loops.into_iter().map(Accepting::run).collect();
                shared.stop_accepting.requested().await;
                tasks.shutdown().await;
            });
        })
    }

    fn into_loops(self, shared: &Arc<Shared>, workers: &Arc<[UnboundedSender<Order>]>) -> io::Result<Vec<Accepting>> {
        let http = self.http.into_iter().map(|listener| (listener, false));
        let https = self.https.into_iter().map(|listener| (listener, true));
        http.chain(https)
            .map(|(Bound { listener, balancers }, tls)| {
                let (shared, workers) = (Arc::clone(shared), Arc::clone(workers));
                Ok(Accepting { listener: TcpListener::from_std(listener)?, tls, balancers, shared, workers })
            })
            .collect()
    }
}

fn bind_all(listeners: &[Listener]) -> io::Result<Vec<Bound>> {
    let named = |Listener { address, balancers }: &Listener| {
        let listener = bind(*address)
            .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}")))?;
        Ok(Bound { listener, balancers: balancers.as_slice().into() })
    };
    listeners.iter().map(named).collect()
}

fn bind(address: SocketAddr) -> io::Result<StdTcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // So that [::] and 0.0.0.0 can both be listed.
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

impl Accepting {
    async fn run(self) {
        let mut pause = SHORTEST_PAUSE;
        loop {
            match self.listener.accept().await {
                Ok((stream, viewer)) => {
                    pause = SHORTEST_PAUSE;
                    self.hand_over(stream, viewer);
                }
                Err(error) if is_the_viewers(&error) => {}
                Err(_out_of_files_or_memory) => {
                    self.shared.counters.accept_errors.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    fn hand_over(&self, stream: TcpStream, viewer: SocketAddr) {
        if self.shared.connections() >= self.shared.limits.max_connections {
            self.shared.counters.refused.fetch_add(1, Ordering::Relaxed);
            return;
        }
        // A socket that cannot be configured is one whose viewer is gone.
        let Ok(stream) = stream.set_nodelay(true).and_then(|()| stream.into_std()) else { return };
        let loads = self.shared.loads.iter().zip(self.workers.iter());
        let Some((load, worker)) = loads.min_by_key(|(load, _)| load.connections.load(Ordering::Relaxed)) else {
            return;
        };
        load.connections.fetch_add(1, Ordering::Relaxed);
        let balancers = Arc::clone(&self.balancers);
        if worker.send(Order::Serve(Accepted { stream, viewer, tls: self.tls, balancers })).is_err() {
            load.leave();
            return;
        }
        self.shared.counters.accepted.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whether `accept` reports trouble of the one connection it took, not of the process (accept(2)).
fn is_the_viewers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, NetworkDown, NetworkUnreachable};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | NetworkDown | NetworkUnreachable)
}

/// The kernel cuts this to net.core.somaxconn.
const BACKLOG: i32 = 4096;
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
