//! A UDP socket of HTTP/3 that two processes may share: one of them reads it, and sends the other what is for it.
//!
//! Both write to it. Invariant: at any time one process reads the socket; packets for connections of an earlier process go on
//! to that one, which reads them from its relay. Driven by quinn's endpoint, told by `server` when to change.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use parking_lot::Mutex;
use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};
use tokio::io::Interest;
use tokio::net::UnixDatagram;

use super::connection_ids::{Tag, tag_of};
use super::relay::{self, Sent};

/// The socket, as quinn sees it.
#[derive(Debug)]
pub(super) struct QuicSocket {
    socket: Arc<dyn AsyncUdpSocket>,
    source: Mutex<Source>,
    /// This process's end of the relay that it will read once another one has the socket.
    prepared: Mutex<Option<OwnedFd>>,
    earlier: Option<Earlier>,
    waiting: Mutex<Option<Waker>>,
}

/// The processes that had the socket before.
#[derive(Debug)]
pub(super) struct Earlier {
    /// Theirs.
    tags: Vec<Tag>,
    /// The way to the last of them; it sends on what is not its own.
    relay: Mutex<Option<OwnedFd>>,
}

/// Where packets come from.
#[derive(Debug)]
enum Source {
    /// Nowhere: they wait in the socket.
    Held,
    Socket,
    /// From the process that has the socket now.
    Relay(OwnedFd),
    /// The same, known to the runtime.
    Polled(UnixDatagram),
}

impl Earlier {
    pub(super) fn new(tags: Vec<Tag>, relay: Option<OwnedFd>) -> Option<Self> {
        relay.map(|relay| Self { tags, relay: Mutex::new(Some(relay)) })
    }
}

impl QuicSocket {
    /// Not read yet.
    pub(super) fn held(socket: Arc<dyn AsyncUdpSocket>, earlier: Option<Earlier>) -> Self {
        Self {
            socket,
            source: Mutex::new(Source::Held),
            prepared: Mutex::default(),
            earlier,
            waiting: Mutex::default(),
        }
    }

    /// The end of a relay that another process sends this one's packets to, once it has the socket.
    pub(super) fn prepare_relay(&self) -> io::Result<OwnedFd> {
        let (reads, writes) = relay::pair()?;
        *self.prepared.lock() = Some(reads);
        Ok(writes)
    }

    /// Reads the socket from now on.
    pub(super) fn read_socket(&self) {
        self.read_from(Source::Socket);
    }

    /// Reads the relay from now on, and leaves the socket to the other process.
    pub(super) fn read_relay(&self) {
        if let Some(reads) = self.prepared.lock().take() {
            self.read_from(Source::Relay(reads));
        }
    }

    fn read_from(&self, source: Source) {
        *self.source.lock() = source;
        if let Some(waiting) = self.waiting.lock().take() {
            waiting.wake();
        }
    }

    fn poll_source(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut source = self.source.lock();
        *self.waiting.lock() = Some(cx.waker().clone());
        if let Source::Relay(reads) = &*source {
            *source = Source::Polled(UnixDatagram::from_std(reads.try_clone()?.into())?);
        }
        match &*source {
            Source::Socket => self.socket.poll_recv(cx, bufs, meta),
            Source::Polled(relay) => match ready!(poll_relay(relay, cx, bufs, meta)) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    *source = Source::Held;
                    Poll::Pending
                }
                received => Poll::Ready(received),
            },
            Source::Held | Source::Relay(_) => Poll::Pending,
        }
    }
}

/// One packet.
fn poll_relay(
    relay: &UnixDatagram,
    cx: &mut Context<'_>,
    bufs: &mut [IoSliceMut<'_>],
    meta: &mut [RecvMeta],
) -> Poll<io::Result<usize>> {
    let (Some(buffer), Some(meta)) = (bufs.first_mut(), meta.first_mut()) else { return Poll::Ready(Ok(0)) };
    loop {
        ready!(relay.poll_recv_ready(cx))?;
        match relay.try_io(Interest::READABLE, || relay::receive(relay, buffer)) {
            Ok(received) => *meta = received,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Poll::Ready(Err(error)),
        }
        return Poll::Ready(Ok(1));
    }
}

impl Earlier {
    /// Takes out of a buffer what is for an earlier process, and sends it there.
    fn take_theirs(&self, buffer: &mut [u8], meta: &mut RecvMeta) {
        let mut relay = self.relay.lock();
        let Some(to) = &*relay else { return };
        let (mut kept, mut is_there) = (0, true);
        for start in (0..meta.len).step_by(meta.stride.max(1)) {
            let segment = start..meta.len.min(start + meta.stride.max(1));
            let Some(packet) = buffer.get(segment.clone()) else { break };
            if tag_of(packet).is_some_and(|tag| self.tags.contains(&tag)) {
                is_there &= relay::send_on(to, packet, meta) == Sent::Gone;
            } else {
                let length = segment.len();
                buffer.copy_within(segment, kept);
                kept += length;
            }
        }
        meta.len = kept;
        if !is_there {
            *relay = None;
        }
    }
}

impl AsyncUdpSocket for QuicSocket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.socket).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.socket.try_send(transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let received = ready!(self.poll_source(cx, bufs, meta))?;
        if let Some(earlier) = &self.earlier {
            // A buffer that is empty afterwards is none to quinn.
            bufs.iter_mut().zip(meta).take(received).for_each(|(buffer, meta)| earlier.take_theirs(buffer, meta));
        }
        Poll::Ready(Ok(received))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.socket.max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.socket.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.socket.may_fragment()
    }
}
