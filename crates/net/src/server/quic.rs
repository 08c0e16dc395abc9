//! The UDP sockets of HTTP/3 and the one thread that reads them, hands new connections to the workers and sends their
//! packets on to them.
//!
//! Invariant: one socket per address of this process, so that a viewer keeps its connection when its address changes; the thread outlives
//! the workers, whose last responses need it. Started by `server`.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use quinn::crypto::HmacKey;
use quinn::{
    AsyncUdpSocket, Endpoint, EndpointConfig, IdleTimeout, Incoming, Runtime, ServerConfig, TokioRuntime,
    TransportConfig, VarInt,
};
use tokio::runtime;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Shared;
use super::acceptor::Udp;
use super::connection_ids::{Tag, TaggedIds};
use super::dispatch::Dispatcher;
use super::quic_socket::{Earlier, QuicSocket};
use super::worker::Arrival;
use crate::limits::ViewerLimits;
use crate::quic_keys::ResetKey;
use crate::tickets::Tickets;

/// Bound sockets, not read yet.
pub(super) struct QuicListeners {
    pub(super) sockets: Vec<Udp>,
    pub(super) config: ServerConfig,
    /// Of this process's connections.
    pub(super) tag: Tag,
    /// Of those of earlier processes.
    pub(super) foreign: Vec<Tag>,
    /// Where their secrets are shared.
    pub(super) tickets: Option<Arc<Tickets>>,
}

/// A socket, its endpoint, and where it is.
type Opened = (Arc<QuicSocket>, (Endpoint, SocketAddr));

/// Counts a handshake as in progress.
#[derive(Debug)]
pub(super) struct Handshaking(Arc<Shared>);

impl QuicListeners {
    /// Reads them on a thread of its own until the server has stopped.
    pub(super) fn spawn(
        self,
        dispatcher: Dispatcher,
        shared: Arc<Shared>,
    ) -> io::Result<(JoinHandle<()>, Vec<Arc<QuicSocket>>)> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let (sockets, endpoints): (Vec<_>, Vec<_>) = {
            let _context = runtime.enter();
            self.open()?.into_iter().unzip()
        };
        let thread = thread::Builder::new().name("edge-quic".to_owned()).spawn(move || {
            runtime.block_on(async {
                let mut loops = JoinSet::new();
                for (endpoint, local) in &endpoints {
                    loops.spawn(accept(endpoint.clone(), *local, dispatcher.clone(), Arc::clone(&shared)));
                }
                shared.stop_accepting.requested().await;
                endpoints.iter().for_each(|(endpoint, _)| endpoint.set_server_config(None));
                while loops.join_next().await.is_some() {}
                shared.workers_ended.requested().await;
                for (endpoint, _) in &endpoints {
                    endpoint.close(VarInt::from_u32(0), b"");
                    let _sent = timeout(FAREWELL, endpoint.wait_idle()).await;
                }
            });
        })?;
        Ok((thread, sockets))
    }

    fn open(self) -> io::Result<Vec<Opened>> {
        let Self { sockets, config, tag, foreign, tickets } = self;
        let resets = tickets.and_then(|tickets| reset_key(&tickets, tag, foreign.clone()));
        let opened = sockets.into_iter().map(|(socket, relay)| {
            let socket = TokioRuntime.wrap_udp_socket(socket)?;
            let socket = Arc::new(QuicSocket::held(socket, Earlier::new(foreign.clone(), relay)));
            let endpoint = endpoint(Arc::clone(&socket), config.clone(), tag, resets.clone())?;
            Ok((socket, endpoint))
        });
        opened.collect()
    }
}

/// A packet of a connection that nobody has any more is answered with a stateless reset, if the connection was of this process or
/// of one before it.
fn reset_key(tickets: &Tickets, tag: Tag, foreign: Vec<Tag>) -> Option<Arc<dyn HmacKey>> {
    let is_ours = move |id: &[u8]| id.first_chunk().is_some_and(|of| Tag(*of) == tag || foreign.contains(&Tag(*of)));
    Some(Arc::new(ResetKey::new(tickets, is_ours)?))
}

fn endpoint(
    socket: Arc<QuicSocket>,
    config: ServerConfig,
    tag: Tag,
    resets: Option<Arc<dyn HmacKey>>,
) -> io::Result<(Endpoint, SocketAddr)> {
    let local = socket.local_addr()?;
    let mut of_process = EndpointConfig::default();
    if let Some(key) = resets {
        of_process.reset_key(key);
    }
    of_process.cid_generator(move || Box::new(TaggedIds(tag)));
    let endpoint = Endpoint::new_with_abstract_socket(of_process, Some(config), socket, Arc::new(TokioRuntime))?;
    Ok((endpoint, local))
}

async fn accept(endpoint: Endpoint, local: SocketAddr, dispatcher: Dispatcher, shared: Arc<Shared>) {
    while let Some(incoming) = next(&endpoint, &shared).await {
        if shared.turns_away(incoming.remote_address()) {
            incoming.refuse();
            continue;
        }
        let in_progress = shared.quic_handshakes.load(Ordering::Relaxed);
        if in_progress >= shared.limits.max_unproven_handshakes && incoming.may_retry() {
            // An address that may be made up costs one small packet (RFC 9000 section 8.1.2).
            let _sent = incoming.retry();
            continue;
        }
        let Some(address) = dispatcher.admit(incoming.remote_address()) else {
            incoming.refuse();
            continue;
        };
        let local = SocketAddr::new(incoming.local_ip().unwrap_or_else(|| local.ip()), local.port());
        let handshaking = Handshaking::begin(Arc::clone(&shared));
        dispatcher.dispatch(address, Arrival::Quic { incoming: Box::new(incoming), local, handshaking });
    }
}

/// `None` once the server has stopped accepting, and those that had come are taken.
async fn next(endpoint: &Endpoint, shared: &Shared) -> Option<Incoming> {
    tokio::select! {
        biased;
        incoming = endpoint.accept() => incoming,
        () = shared.stop_accepting.requested() => None,
    }
}

impl Handshaking {
    fn begin(shared: Arc<Shared>) -> Self {
        shared.quic_handshakes.fetch_add(1, Ordering::Relaxed);
        Self(shared)
    }
}

impl Drop for Handshaking {
    fn drop(&mut self) {
        self.0.quic_handshakes.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a QUIC connection may take of the edge.
pub(super) fn transport(limits: &ViewerLimits) -> TransportConfig {
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(limits.max_concurrent_streams))
        // The control stream and the two of QPACK, and as many of unknown kinds (RFC 9114 section 6.2).
        .max_concurrent_uni_streams(VarInt::from_u32(6))
        // Of silence on the wire; `watchdog` ends viewers that merely keep it up.
        .max_idle_timeout(IdleTimeout::try_from(limits.idle_timeout).ok())
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW))
        .send_window(SEND_WINDOW)
        // HTTP/3 datagrams are not offered.
        .datagram_receive_buffer_size(None);
    transport
}

const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// Bytes of responses that a viewer has not acknowledged yet.
const SEND_WINDOW: u64 = 4 * 1024 * 1024;
/// How long viewers are waited for to hear of the end.
const FAREWELL: Duration = Duration::from_millis(200);
