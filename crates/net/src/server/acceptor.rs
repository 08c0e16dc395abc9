//! The listening sockets and the one thread that accepts from them.
//!
//! Invariant: one socket per address and one thread that accepts, so the choice of the least loaded worker sees every
//! connection. Errors of `accept` slow it down but never end it. Started by `server`.

use std::io;
use std::net::{SocketAddr, TcpListener as StdTcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio::task::JoinSet;

use super::dispatch::Dispatcher;
use super::worker::Arrival;
use super::{Inherited, Listener, Shared};
use crate::networks::Network;

/// A UDP socket, and the way of its packets to the process that had it before.
pub(super) type Udp = (UdpSocket, Option<OwnedFd>);

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
    dispatcher: Dispatcher,
}

impl Acceptor {
    /// Binds all addresses; where `http3`, a UDP socket on the same address and port as each of `https` that takes viewers
    /// directly, too, with the way of its packets to an earlier process. What is `inherited` is taken first.
    pub(super) fn bind(
        http: &[Listener],
        https: &[Listener],
        http3: bool,
        inherited: &mut Inherited,
    ) -> io::Result<(Self, Vec<Udp>)> {
        let http = http.iter().map(|listener| {
            let found = inherited.http(listener.address);
            Ok(bound(listener, false, found)?.0)
        });
        let http = http.collect::<io::Result<_>>()?;
        let mut udp = Vec::new();
        let both = https.iter().map(|listener| {
            let http3 = http3 && listener.balancers.is_empty();
            let (bound, fresh) = bound(listener, http3, inherited.https(listener.address))?;
            let local = bound.listener.local_addr()?;
            if http3 {
                let known = inherited.udp(local).or(fresh.map(|socket| (socket, None)));
                udp.push(known.map_or_else(|| Ok((bind_udp(local)?, None)), io::Result::Ok)?);
            }
            Ok(bound)
        });
        let https = both.collect::<io::Result<Vec<_>>>()?;
        Ok((Self { http, https }, udp))
    }

    /// Further handles of the sockets, http and https.
    pub(super) fn copies(&self) -> io::Result<(Vec<StdTcpListener>, Vec<StdTcpListener>)> {
        let copies = |bound: &[Bound]| bound.iter().map(|bound| bound.listener.try_clone()).collect::<io::Result<_>>();
        Ok((copies(&self.http)?, copies(&self.https)?))
    }

    /// The bound addresses, http and https.
    pub(super) fn addresses(&self) -> io::Result<(Vec<SocketAddr>, Vec<SocketAddr>)> {
        let addresses =
            |bound: &[Bound]| bound.iter().map(|bound| bound.listener.local_addr()).collect::<io::Result<Vec<_>>>();
        Ok((addresses(&self.http)?, addresses(&self.https)?))
    }

    /// Accepts on a thread of its own until the server stops.
    pub(super) fn spawn(self, dispatcher: &Dispatcher, shared: Arc<Shared>) -> io::Result<JoinHandle<()>> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let loops = {
            let _context = runtime.enter();
            self.into_loops(&shared, dispatcher)?
        };
        thread::Builder::new().name("edge-acceptor".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = shared.serve.requested() => {}
                    () = shared.stop_accepting.requested() => return,
                }
                let mut tasks: JoinSet<()> = loops.into_iter().map(Accepting::run).collect();
                shared.stop_accepting.requested().await;
                tasks.shutdown().await;
            });
        })
    }

    fn into_loops(self, shared: &Arc<Shared>, dispatcher: &Dispatcher) -> io::Result<Vec<Accepting>> {
        let http = self.http.into_iter().map(|listener| (listener, false));
        let https = self.https.into_iter().map(|listener| (listener, true));
        http.chain(https)
            .map(|(Bound { listener, balancers }, tls)| {
                let (shared, dispatcher) = (Arc::clone(shared), dispatcher.clone());
                Ok(Accepting { listener: TcpListener::from_std(listener)?, tls, balancers, shared, dispatcher })
            })
            .collect()
    }
}

/// `inherited` is a socket that listens there already: then a UDP socket is bound only where that address has none.
fn bound(
    Listener { address, balancers }: &Listener,
    http3: bool,
    inherited: Option<StdTcpListener>,
) -> io::Result<(Bound, Option<UdpSocket>)> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"));
    let (listener, udp) = match inherited {
        Some(listener) => (listener, None),
        None => bind_both(*address, http3).map_err(named)?,
    };
    Ok((Bound { listener, balancers: balancers.as_slice().into() }, udp))
}

/// A port that the system chooses for TCP may be taken for UDP; then it chooses again.
fn bind_both(address: SocketAddr, http3: bool) -> io::Result<(StdTcpListener, Option<UdpSocket>)> {
    let mut tries = if address.port() == 0 { PORT_TRIES } else { 1 };
    loop {
        let listener = bind(address)?;
        if !http3 {
            return Ok((listener, None));
        }
        tries -= 1;
        match bind_udp(listener.local_addr()?) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries > 0 => {}
            bound => return bound.map(|udp| (listener, Some(udp))),
        }
    }
}

fn bind_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    // The kernel gives at most net.core.rmem_max: what it gives is enough for most, so less is no error.
    let _less = socket.set_recv_buffer_size(UDP_BUFFER).and_then(|()| socket.set_send_buffer_size(UDP_BUFFER));
    socket.bind(&address.into())?;
    Ok(socket.into())
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
        // Behind a load balancer the worker learns who comes.
        if self.balancers.is_empty() && self.shared.turns_away(viewer) {
            return reset(stream);
        }
        let Some(address) = self.dispatcher.admit(viewer) else { return };
        // A socket that cannot be configured is one whose viewer is gone.
        let Ok(stream) = stream.set_nodelay(true).and_then(|()| stream.into_std()) else { return };
        let balancers = Arc::clone(&self.balancers);
        self.dispatcher.dispatch(address, Arrival::Tcp { stream, viewer, tls: self.tls, balancers });
    }
}

/// Ends a connection at once, so that nothing of it is left in the kernel either.
fn reset(stream: TcpStream) {
    // Where that fails the connection is closed all the same.
    let _closed = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
}

/// Whether `accept` reports trouble of the one connection it took, not of the process (accept(2)).
fn is_the_viewers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, NetworkDown, NetworkUnreachable};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted | NetworkDown | NetworkUnreachable)
}

/// The kernel cuts this to net.core.somaxconn.
const BACKLOG: i32 = 4096;
/// Ports of the system's choice.
const PORT_TRIES: u32 = 16;
/// Bytes: a burst of packets waits here for the one thread that reads them.
const UDP_BUFFER: usize = 4 << 20;
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
