//! The header by which a load balancer tells for whom it connects: PROXY protocol, version 2
//! (haproxy.org, proxy-protocol.txt, section 2.2).
//!
//! Invariant: not a byte behind the header is read, and what the header says is at most [`LONGEST`] bytes long. Read by
//! `server::worker` on listeners that ask for it, before TLS.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt};

/// Who speaks to whom, as a balancer tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) viewer: SocketAddr,
    /// Where the viewer connected to.
    pub(crate) local: SocketAddr,
}

/// Reads the header. `None`: the balancer speaks for itself, as in a health check, or for somebody without an IP address.
///
/// # Errors
/// The stream ends or begins with anything else.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Told>> {
    let mut fixed = [0; FIXED];
    stream.read_exact(&mut fixed).await?;
    let header = Header::parse(&fixed).ok_or(io::ErrorKind::InvalidData)?;
    let mut rest = vec![0; header.length];
    stream.read_exact(&mut rest).await?;
    header.told(&rest).map_err(Into::into)
}

/// What stands before the addresses.
struct Header {
    is_proxied: bool,
    family: Family,
    length: usize,
}

/// Of transport protocols TCP alone; a balancer of another has no business here.
#[derive(Clone, Copy)]
enum Family {
    Unspecified,
    Ipv4,
    Ipv6,
    /// A socket of the balancer's own machine.
    Unix,
}

impl Header {
    fn parse(fixed: &[u8; FIXED]) -> Option<Header> {
        let [version_and_command, family, high, low] = *fixed.strip_prefix(&SIGNATURE)? else { return None };
        let is_proxied = match version_and_command {
            0x20 => false,
            0x21 => true,
            _ => return None,
        };
        let family = match family {
            0x00 => Family::Unspecified,
            0x11 => Family::Ipv4,
            0x21 => Family::Ipv6,
            0x31 => Family::Unix,
            _ if !is_proxied => Family::Unspecified,
            _ => return None,
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        (length <= LONGEST).then_some(Header { is_proxied, family, length })
    }

    /// Behind the addresses there may be more fields, which are left out.
    fn told(&self, rest: &[u8]) -> Result<Option<Told>, io::ErrorKind> {
        let told = match self.family {
            _ if !self.is_proxied => return Ok(None),
            Family::Unspecified | Family::Unix => return Ok(None),
            Family::Ipv4 => rest.first_chunk::<12>().map(|block| {
                let [a, b, c, d, e, f, g, h, ports @ ..] = *block;
                told(Ipv4Addr::new(a, b, c, d).into(), Ipv4Addr::new(e, f, g, h).into(), ports)
            }),
            Family::Ipv6 => rest.first_chunk::<36>().and_then(|block| {
                let (viewer, block) = block.split_first_chunk::<16>()?;
                let (local, ports) = block.split_first_chunk::<16>()?;
                let ports = *ports.first_chunk::<4>()?;
                Some(told(Ipv6Addr::from(*viewer).into(), Ipv6Addr::from(*local).into(), ports))
            }),
        };
        told.map(Some).ok_or(io::ErrorKind::InvalidData)
    }
}

fn told(viewer: IpAddr, local: IpAddr, [a, b, c, d]: [u8; 4]) -> Told {
    let [from, to] = [[a, b], [c, d]].map(u16::from_be_bytes);
    Told { viewer: SocketAddr::new(viewer, from), local: SocketAddr::new(local, to) }
}

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// Bytes of signature, version, command, family and length.
const FIXED: usize = 16;
/// Bytes of addresses and further fields; those of the balancers of today are some hundred.
const LONGEST: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    const V4: [u8; 12] = [192, 0, 2, 1, 198, 51, 100, 2, 0x30, 0x39, 0x01, 0xbb];

    fn header(version_and_command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[version_and_command, family], &length, rest].concat()
    }

    async fn read_all(bytes: &[u8]) -> (Result<Option<Told>, io::ErrorKind>, usize) {
        let mut rest = bytes;
        let found = read(&mut rest).await.map_err(|error| error.kind());
        (found, rest.len())
    }

    #[tokio::test]
    async fn the_addresses_of_a_header_count_and_what_follows_it_is_left() {
        let v6 = [Ipv6Addr::LOCALHOST.octets(), "2001:db8::2".parse::<Ipv6Addr>().unwrap().octets()].concat();
        let v6 = [&v6[..], &[0, 80, 1, 187]].concat();
        let fields = [&V4[..], &[0x04, 0, 1, 0]].concat();
        for (header, viewer, local) in [
            (header(0x21, 0x11, &V4), "192.0.2.1:12345", "198.51.100.2:443"),
            (header(0x21, 0x11, &fields), "192.0.2.1:12345", "198.51.100.2:443"),
            (header(0x21, 0x21, &v6), "[::1]:80", "[2001:db8::2]:443"),
        ] {
            let told = Told { viewer: viewer.parse().unwrap(), local: local.parse().unwrap() };
            let (found, left) = read_all(&[&header[..], b"GET"].concat()).await;
            assert_eq!((found, left), (Ok(Some(told)), 3), "{viewer}");
        }
    }

    #[tokio::test]
    async fn a_balancer_may_speak_for_itself_or_for_somebody_without_address() {
        for header in [
            header(0x20, 0x00, &[]),
            header(0x20, 0x11, &V4),
            header(0x20, 0x99, &[1, 2]),
            header(0x21, 0x00, &[1, 2, 3]),
            header(0x21, 0x31, &[0; 216]),
        ] {
            assert_eq!(read_all(&[&header[..], b"GET"].concat()).await, (Ok(None), 3), "{header:?}");
        }
    }

    #[tokio::test]
    async fn anything_else_is_refused() {
        let good = header(0x21, 0x11, &V4);
        for length in 0..good.len() {
            assert_eq!(read_all(&good[..length]).await.0, Err(io::ErrorKind::UnexpectedEof), "{length}");
        }
        for bytes in [
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.1 198.51.100.2 12345 443\r\n".to_vec(),
            header(0x11, 0x11, &V4),
            header(0x22, 0x11, &V4),
            header(0x21, 0x12, &V4),
            header(0x21, 0x11, &V4[..11]),
            header(0x21, 0x21, &[0; 35]),
            header(0x21, 0x11, &[0; LONGEST + 1]),
        ] {
            assert_eq!(read_all(&bytes).await.0, Err(io::ErrorKind::InvalidData), "{bytes:?}");
        }
    }
}
