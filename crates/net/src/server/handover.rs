//! Listening sockets on their way from one process to the next: over a Unix socket, as SCM_RIGHTS (unix(7)).
//!
//! The next process listens at a path, the one that serves connects and sends copies of all its sockets in one message: how
//! many of each kind, whose connection ids are known, the sockets. Both then have them; who reads when is agreed on elsewhere.
//! Invariant: a message that is not whole brings no sockets. Called by `server` and `crates/proxy`.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

use super::Sockets;
use super::acceptor::Udp;
use super::connection_ids::Tag;

/// Sockets of the process before, by what they are for.
#[derive(Debug, Default)]
pub struct Inherited {
    http: Vec<TcpListener>,
    https: Vec<TcpListener>,
    udp: Vec<(UdpSocket, OwnedFd)>,
    pub(super) tags: Vec<Tag>,
}

impl Inherited {
    /// That for http at `address`; port 0 stands for any.
    pub(super) fn http(&mut self, address: SocketAddr) -> Option<TcpListener> {
        take(&mut self.http, address)
    }

    /// That for https at `address`; port 0 stands for any.
    pub(super) fn https(&mut self, address: SocketAddr) -> Option<TcpListener> {
        take(&mut self.https, address)
    }

    /// That for HTTP/3 beside the one for https at `local`.
    pub(super) fn udp(&mut self, local: SocketAddr) -> Option<Udp> {
        let found = self.udp.iter().position(|(socket, _)| socket.local_addr().is_ok_and(|known| known == local))?;
        let (socket, relay) = self.udp.swap_remove(found);
        Some((socket, Some(relay)))
    }

    /// `None` where there are not as many sockets as were announced.
    fn of(counts: Counts, tags: Vec<Tag>, sockets: Vec<OwnedFd>) -> Option<Self> {
        let [http, https, udp] = counts.map(usize::from);
        if sockets.len() != http + https + 2 * udp {
            return None;
        }
        let mut sockets = sockets.into_iter();
        Some(Self {
            http: sockets.by_ref().take(http).map(TcpListener::from).collect(),
            https: sockets.by_ref().take(https).map(TcpListener::from).collect(),
            udp: {
                let packets: Vec<_> = sockets.by_ref().take(udp).map(UdpSocket::from).collect();
                packets.into_iter().zip(sockets).collect()
            },
            tags,
        })
    }
}

/// How many sockets there are for http, https and HTTP/3; each of the last has a relay, too.
type Counts = [u8; 3];

fn take(sockets: &mut Vec<TcpListener>, address: SocketAddr) -> Option<TcpListener> {
    let is_it =
        |known: SocketAddr| known.ip() == address.ip() && (address.port() == 0 || known.port() == address.port());
    let found = sockets.iter().position(|socket| socket.local_addr().is_ok_and(is_it))?;
    Some(sockets.remove(found))
}

/// Sends all sockets to the process that listens at `path`.
pub(super) fn send(path: &Path, sockets: &Sockets, relays: &[OwnedFd]) -> io::Result<()> {
    let Sockets { http, https, udp, tags } = sockets;
    let counts = [http.len(), https.len(), udp.len()].map(u8::try_from);
    let (Ok(counts), true) = (counts.into_iter().collect::<Result<Vec<u8>, _>>(), relays.len() == udp.len()) else {
        return Err(too_many());
    };
    let content: Vec<u8> = counts.into_iter().chain(tags.iter().take(MOST_TAGS).flat_map(|tag| tag.0)).collect();
    let tcp = http.iter().chain(https).map(AsFd::as_fd);
    let all: Vec<BorrowedFd<'_>> =
        tcp.chain(udp.iter().map(AsFd::as_fd)).chain(relays.iter().map(AsFd::as_fd)).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_SOCKETS))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if all.len() > MOST_SOCKETS || !ancillary.push(SendAncillaryMessage::ScmRights(&all)) {
        return Err(too_many());
    }
    let to = UnixStream::connect(path)?;
    let sent = sendmsg(&to, &[IoSlice::new(&content)], &mut ancillary, SendFlags::NOSIGNAL)?;
    if sent == content.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

fn too_many() -> io::Error {
    io::Error::other(format!("more than {MOST_SOCKETS} sockets cannot be handed over"))
}

/// The sockets that have been sent to `listener`.
///
/// # Errors
/// None have, or the message is not whole.
pub fn receive_sockets(listener: &UnixListener) -> io::Result<Inherited> {
    listener.set_nonblocking(true)?;
    let (from, _) = listener.accept()?;
    from.set_nonblocking(true)?;
    let mut content = [0; 3 + MOST_TAGS * size_of::<Tag>()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_SOCKETS))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(&from, &mut [IoSliceMut::new(&mut content)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let sockets = ancillary.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(sockets) => sockets.collect::<Vec<_>>(),
        _ => Vec::new(),
    });
    let sockets = sockets.collect();
    let broken = || io::Error::new(io::ErrorKind::InvalidData, "the sockets of the other process did not arrive whole");
    let (counts, tags) = content.get(..received.bytes).and_then(<[u8]>::split_first_chunk).ok_or_else(broken)?;
    let (tags, _) = tags.as_chunks();
    Inherited::of(*counts, tags.iter().copied().map(Tag).collect(), sockets).ok_or_else(broken)
}

/// What one message carries (unix(7): SCM_MAX_FD is 253).
const MOST_SOCKETS: usize = 250;
/// Processes that may still have connections when their successors take over, and over again.
const MOST_TAGS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn sockets(addresses: &[&str]) -> Vec<TcpListener> {
        addresses.iter().map(|address| TcpListener::bind(address).unwrap()).collect()
    }

    #[test]
    fn sockets_arrive_with_what_they_are_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let sent = Sockets {
            http: sockets(&["127.0.0.1:0", "127.0.0.1:0"]),
            https: sockets(&["127.0.0.1:0"]),
            udp: vec![UdpSocket::bind("127.0.0.1:0").unwrap()],
            tags: vec![Tag([1; 4]), Tag([2; 4])],
        };
        let (_, relay) = super::super::relay::pair().unwrap();
        send(&path, &sent, &[relay]).unwrap();
        let mut got = receive_sockets(&listener).unwrap();
        assert_eq!(got.tags, sent.tags);
        let second = sent.http[1].local_addr().unwrap();
        assert_eq!(got.http(second).unwrap().local_addr().unwrap(), second);
        assert!(got.http(second).is_none(), "it is taken once");
        assert!(got.http("127.0.0.1:0".parse().unwrap()).is_some() && got.http("[::1]:0".parse().unwrap()).is_none());
        assert!(got.https(sent.https[0].local_addr().unwrap()).is_some());
        assert!(got.udp(second).is_none());
        assert!(got.udp(sent.udp[0].local_addr().unwrap()).is_some());
    }

    #[test]
    fn what_is_no_whole_message_brings_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        assert_eq!(receive_sockets(&listener).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        for content in [&[1, 0, 0][..], &[0], &[]] {
            io::Write::write_all(&mut UnixStream::connect(&path).unwrap(), content).unwrap();
            assert_eq!(receive_sockets(&listener).unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
    }
}
