//! QUIC packets on their way from the process that reads the UDP socket to the one whose they are.
//!
//! Over a Unix socket of whole messages, a packet each: from where it came, to which address, its congestion mark, its bytes.
//! As on the network a packet may be lost: where the receiver is too slow it is, and QUIC sends it again. Invariant: what is
//! no such message is no packet. Used by `quic_socket`.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsFd, OwnedFd};

use quinn::udp::{EcnCodepoint, RecvMeta};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair, sockopt};

/// Whether the other end is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// It has the packet, or the packet is lost.
    Gone,
    /// It has ended.
    NobodyThere,
}

/// The two ends: the first reads, the second is for the other process.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let (reads, writes) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    sockopt::set_socket_send_buffer_size(&writes, BUFFER)?;
    Ok((reads, writes))
}

/// Sends a packet on.
pub(super) fn send_on(to: impl AsFd, packet: &[u8], meta: &RecvMeta) -> Sent {
    let message = [&head_of(meta)[..], packet].concat();
    match send(to, &message, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
        Err(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN) => Sent::NobodyThere,
        _sent_or_lost => Sent::Gone,
    }
}

/// Reads one packet into `buffer`.
///
/// # Errors
/// `WouldBlock` when there is none now; `UnexpectedEof` when the other process has ended.
pub(super) fn receive(from: impl AsFd, buffer: &mut [u8]) -> io::Result<RecvMeta> {
    let mut message = [0; HEAD + LONGEST_PACKET];
    loop {
        let (length, _) = recv(from.as_fd(), &mut message[..], RecvFlags::DONTWAIT)?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(meta) = message.get(..length).and_then(|message| taken(message, buffer)) {
            return Ok(meta);
        }
    }
}

fn taken(message: &[u8], buffer: &mut [u8]) -> Option<RecvMeta> {
    let (head, packet) = message.split_first_chunk::<HEAD>()?;
    buffer.get_mut(..packet.len())?.copy_from_slice(packet);
    let mut meta = meta_of(head)?;
    (meta.len, meta.stride) = (packet.len(), packet.len());
    Some(meta)
}

/// Source, port, scope, destination, what of it is known, congestion mark.
fn head_of(meta: &RecvMeta) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    let scope = if let SocketAddr::V6(address) = meta.addr { address.scope_id() } else { 0 };
    let flags = u8::from(meta.addr.is_ipv4())
        | u8::from(meta.dst_ip.is_some()) << 1
        | u8::from(meta.dst_ip.is_some_and(|ip| ip.is_ipv4())) << 2;
    let parts: [&[u8]; 6] = [
        &bits_of(meta.addr.ip()),
        &meta.addr.port().to_be_bytes(),
        &scope.to_be_bytes(),
        &meta.dst_ip.map_or([0; 16], bits_of),
        &[flags],
        &[meta.ecn.map_or(0, |ecn| ecn as u8)],
    ];
    head.iter_mut().zip(parts.into_iter().flatten()).for_each(|(place, byte)| *place = *byte);
    head
}

fn meta_of(head: &[u8; HEAD]) -> Option<RecvMeta> {
    let (source, rest) = head.split_first_chunk::<16>()?;
    let (port, rest) = rest.split_first_chunk::<2>()?;
    let (scope, rest) = rest.split_first_chunk::<4>()?;
    let (destination, rest) = rest.split_first_chunk::<16>()?;
    let [flags, ecn] = rest else { return None };
    let (source, port) = (address_of(*source, flags & 1 != 0), u16::from_be_bytes(*port));
    let addr = match source {
        IpAddr::V4(_) => SocketAddr::new(source, port),
        IpAddr::V6(ip) => SocketAddrV6::new(ip, port, 0, u32::from_be_bytes(*scope)).into(),
    };
    let dst_ip = (flags & 2 != 0).then(|| address_of(*destination, flags & 4 != 0));
    Some(RecvMeta { addr, dst_ip, ecn: EcnCodepoint::from_bits(*ecn), ..RecvMeta::default() })
}

fn bits_of(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}

fn address_of(bits: [u8; 16], is_ipv4: bool) -> IpAddr {
    let ip = Ipv6Addr::from(bits);
    ip.to_ipv4_mapped().filter(|_| is_ipv4).map_or(IpAddr::V6(ip), IpAddr::V4)
}

const HEAD: usize = 16 + 2 + 4 + 16 + 2;
/// Bytes of a UDP datagram.
const LONGEST_PACKET: usize = 65_527;
/// Bytes that wait for the other process.
const BUFFER: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(address: &str, destination: Option<&str>, ecn: Option<EcnCodepoint>) -> RecvMeta {
        let (addr, dst_ip) = (address.parse().unwrap(), destination.map(|ip| ip.parse().unwrap()));
        RecvMeta { addr, dst_ip, ecn, ..RecvMeta::default() }
    }

    #[test]
    fn a_packet_arrives_as_it_came() {
        let (reads, writes) = pair().unwrap();
        for sent in [
            meta("192.0.2.7:4433", Some("192.0.2.1"), Some(EcnCodepoint::Ect0)),
            meta("[2001:db8::7]:1", None, None),
            meta("[fe80::1%3]:9", Some("::ffff:192.0.2.1"), Some(EcnCodepoint::Ce)),
        ] {
            assert_eq!(send_on(&writes, b"packet", &sent), Sent::Gone);
            let mut buffer = [0; 1500];
            let got = receive(&reads, &mut buffer).unwrap();
            assert_eq!((got.addr, got.dst_ip, got.ecn), (sent.addr, sent.dst_ip, sent.ecn));
            assert_eq!(&buffer[..got.len], b"packet");
        }
        assert_eq!(receive(&reads, &mut [0; 9]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn a_slow_receiver_costs_packets_and_one_that_has_ended_is_noticed() {
        let (reads, writes) = pair().unwrap();
        let sent = meta("192.0.2.7:4433", None, None);
        for _ in 0..10_000 {
            assert_eq!(send_on(&writes, &[0; 1200], &sent), Sent::Gone);
        }
        receive(&reads, &mut [0; 1500]).unwrap();
        drop(reads);
        assert_eq!(send_on(&writes, b"packet", &sent), Sent::NobodyThere);
    }

    #[test]
    fn what_is_no_message_is_left_out() {
        let (reads, writes) = pair().unwrap();
        send(&writes, b"short", SendFlags::empty()).unwrap();
        send_on(&writes, &[7; 64], &meta("192.0.2.7:4433", None, None));
        send_on(&writes, b"fits", &meta("192.0.2.7:4433", None, None));
        let mut buffer = [0; 8];
        assert_eq!(receive(&reads, &mut buffer).unwrap().len, 4);
        drop(writes);
        assert_eq!(receive(&reads, &mut buffer).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
