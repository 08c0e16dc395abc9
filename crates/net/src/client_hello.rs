//! What the viewer's ClientHello offers: kept while rustls reads it, taken apart when a fingerprint is asked for.
//!
//! rustls shows what it negotiates with; a fingerprint needs every cipher suite and extension in the viewer's order.
//! Invariant: whatever the bytes are, parsing ends with `None` or with lists no longer than the message. Filled by
//! `server::worker` during the handshake, read by `fingerprint`.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of a ClientHello that is kept; the largest that browsers send, with a post-quantum key share, has two thousand.
const LARGEST_KEPT: usize = 16 * 1024;
const RECORD_OF_HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

/// The stream under a handshake until the ClientHello is read: passes everything through and keeps what is read.
#[derive(Debug)]
pub(crate) struct Recorder<IO> {
    io: IO,
    read: Vec<u8>,
}

impl<IO> Recorder<IO> {
    pub(crate) fn new(io: IO) -> Self {
        Self { io, read: Vec::new() }
    }

    /// The stream, and the ClientHello that came over it.
    pub(crate) fn finish(self) -> (IO, Option<ClientHello>) {
        (self.io, ClientHello::in_records(&self.read))
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Recorder<IO> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        let room = LARGEST_KEPT.saturating_sub(self.read.len());
        self.read.extend(buf.filled().iter().skip(before).take(room));
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Recorder<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// A ClientHello without its handshake header, and without the contents of extensions that nobody here reads: key shares and
/// tickets are most of it, and it is kept as long as the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello(Box<[u8]>);

impl ClientHello {
    /// From TLS records (RFC 8446 section 5.1); `None` unless a whole ClientHello is in them.
    pub(crate) fn in_records(records: &[u8]) -> Option<ClientHello> {
        let mut rest = Bytes(records);
        let mut handshake = Vec::new();
        loop {
            let (kind, _version) = (rest.u8()?, rest.u16()?);
            if kind != RECORD_OF_HANDSHAKE {
                return None;
            }
            handshake.extend_from_slice(rest.list16()?.0);
            if let Some(hello) = whole_message(&handshake) {
                return Some(ClientHello(essential(hello).map_or_else(|| hello.into(), Vec::into_boxed_slice)));
            }
        }
    }

    /// What it offers; `None` when it is malformed.
    pub(crate) fn offer(&self) -> Option<Offer<'_>> {
        let mut hello = Bytes(&self.0);
        let mut offer = Offer { legacy_version: hello.u16()?, ..Offer::default() };
        offer.cipher_suites = hello.suites()?.all_u16();
        // Before TLS 1.2 there need not be any extensions.
        let mut extensions = if hello.0.is_empty() { hello } else { hello.list16()? };
        while !extensions.0.is_empty() {
            let (kind, content) = (extensions.u16()?, extensions.list16()?);
            offer.extensions.push(kind);
            offer.note(kind, content)?;
        }
        Some(offer)
    }
}

/// The message at the beginning of the handshake stream, without its header, once all of it is there.
fn whole_message(handshake: &[u8]) -> Option<&[u8]> {
    let mut stream = Bytes(handshake);
    if stream.u8()? != CLIENT_HELLO {
        return None;
    }
    let length = (usize::from(stream.u8()?) << 16) | usize::from(stream.u16()?);
    stream.take(length)
}

/// `None`: it is malformed, or without extensions.
fn essential(message: &[u8]) -> Option<Vec<u8>> {
    let mut rest = Bytes(message);
    rest.u16()?;
    rest.suites()?;
    let before = message.get(..message.len() - rest.0.len())?;
    let (mut whole, mut extensions) = (rest.list16()?, Vec::new());
    while !whole.0.is_empty() {
        let (kind, content) = (whole.u16()?, whole.list16()?.0);
        let kept = if extension::READ.contains(&kind) { content } else { &[] };
        extensions.extend(kind.to_be_bytes());
        extensions.extend(u16::try_from(kept.len()).ok()?.to_be_bytes());
        extensions.extend(kept);
    }
    let length = u16::try_from(extensions.len()).ok()?.to_be_bytes();
    Some([before, &length, &extensions].concat())
}

/// What a viewer offers in its ClientHello, GREASE values (RFC 8701) included, all in its order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Offer<'a> {
    pub(crate) legacy_version: u16,
    pub(crate) cipher_suites: Vec<u16>,
    pub(crate) extensions: Vec<u16>,
    pub(crate) groups: Vec<u16>,
    pub(crate) point_formats: &'a [u8],
    pub(crate) signature_schemes: Vec<u16>,
    pub(crate) versions: Vec<u16>,
    /// The first protocol of ALPN.
    pub(crate) protocol: Option<&'a [u8]>,
}

impl<'a> Offer<'a> {
    /// `None` when the content of a known extension is malformed.
    fn note(&mut self, kind: u16, mut content: Bytes<'a>) -> Option<()> {
        match kind {
            extension::GROUPS => self.groups = content.list16()?.all_u16(),
            extension::POINT_FORMATS => self.point_formats = content.list8()?.0,
            extension::SIGNATURE_ALGORITHMS => self.signature_schemes = content.list16()?.all_u16(),
            extension::ALPN => self.protocol = Some(content.list16()?.list8()?.0),
            extension::SUPPORTED_VERSIONS => self.versions = content.list8()?.all_u16(),
            _ => {}
        }
        Some(())
    }
}

/// Numbers of extensions (IANA, TLS ExtensionType values).
pub(crate) mod extension {
    pub(crate) const SERVER_NAME: u16 = 0;
    pub(super) const GROUPS: u16 = 10;
    pub(super) const POINT_FORMATS: u16 = 11;
    pub(super) const SIGNATURE_ALGORITHMS: u16 = 13;
    pub(crate) const ALPN: u16 = 16;
    pub(super) const SUPPORTED_VERSIONS: u16 = 43;
    /// Those whose content counts.
    pub(super) const READ: [u16; 5] = [GROUPS, POINT_FORMATS, SIGNATURE_ALGORITHMS, ALPN, SUPPORTED_VERSIONS];
}

/// Bytes that are taken from the front.
#[derive(Clone, Copy)]
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    /// What follows a length of one byte.
    fn list8(&mut self) -> Option<Bytes<'a>> {
        let length = self.u8()?;
        self.take(length.into()).map(Bytes)
    }

    /// What follows a length of two bytes.
    fn list16(&mut self) -> Option<Bytes<'a>> {
        let length = self.u16()?;
        self.take(length.into()).map(Bytes)
    }

    /// Behind the version: the cipher suites, and everything up to the extensions is taken.
    fn suites(&mut self) -> Option<Bytes<'a>> {
        self.take(RANDOM)?;
        self.list8()?;
        let suites = self.list16()?;
        self.list8()?;
        Some(suites)
    }

    fn all_u16(self) -> Vec<u16> {
        let (pairs, _odd) = self.0.as_chunks();
        pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect()
    }
}

/// Bytes of the random value.
const RANDOM: usize = 32;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn list16(content: &[u8]) -> Vec<u8> {
        [&u16::try_from(content.len()).unwrap().to_be_bytes(), content].concat()
    }

    pub(crate) fn numbers(values: &[u16]) -> Vec<u8> {
        values.iter().flat_map(|value| value.to_be_bytes()).collect()
    }

    /// A ClientHello message in records of `piece` bytes.
    pub(crate) fn records(version: u16, suites: &[u16], extensions: &[(u16, Vec<u8>)], piece: usize) -> Vec<u8> {
        let mut hello = [&version.to_be_bytes()[..], &[7; RANDOM], &[0]].concat();
        hello.extend(list16(&numbers(suites)));
        hello.extend([1, 0]);
        if !extensions.is_empty() {
            let each = extensions.iter().flat_map(|(kind, content)| [kind.to_be_bytes().to_vec(), list16(content)]);
            hello.extend(list16(&each.flatten().collect::<Vec<_>>()));
        }
        let length = u32::try_from(hello.len()).unwrap().to_be_bytes();
        let message = [&[CLIENT_HELLO][..], &length[1..], &hello].concat();
        message.chunks(piece).flat_map(|part| [vec![RECORD_OF_HANDSHAKE, 3, 1], list16(part)].concat()).collect()
    }

    fn sample(piece: usize) -> Vec<u8> {
        let extensions = [
            (extension::SERVER_NAME, vec![0, 4, 0, 0, 1, b'a']),
            (extension::GROUPS, list16(&numbers(&[29, 23]))),
            (extension::POINT_FORMATS, vec![1, 0]),
            (extension::SIGNATURE_ALGORITHMS, list16(&numbers(&[0x0403]))),
            (extension::ALPN, list16(b"\x02h2\x08http/1.1")),
            (extension::SUPPORTED_VERSIONS, vec![4, 3, 4, 3, 3]),
        ];
        records(0x0303, &[0x1301, 0xc02b], &extensions, piece)
    }

    #[test]
    fn a_hello_is_read_from_one_record_or_many() {
        for piece in [16_000, 100, 7] {
            let hello = ClientHello::in_records(&sample(piece)).unwrap();
            let offer = hello.offer().unwrap();
            assert_eq!(offer.legacy_version, 0x0303);
            assert_eq!(offer.cipher_suites, [0x1301, 0xc02b]);
            assert_eq!(offer.extensions, [0, 10, 11, 13, 16, 43]);
            assert_eq!((offer.groups, offer.point_formats), (vec![29, 23], &[0][..]));
            assert_eq!((offer.signature_schemes, offer.versions), (vec![0x0403], vec![0x0304, 0x0303]));
            assert_eq!(offer.protocol, Some(&b"h2"[..]));
        }
    }

    #[test]
    fn contents_that_nobody_reads_are_not_kept() {
        const KEY_SHARE: u16 = 51;
        let extensions = [(KEY_SHARE, vec![1; 1200]), (extension::ALPN, list16(b"\x02h2"))];
        let hello = ClientHello::in_records(&records(0x0303, &[0x1301], &extensions, 16_000)).unwrap();
        assert!(hello.0.len() < 100, "{}", hello.0.len());
        let offer = hello.offer().unwrap();
        assert_eq!((offer.extensions, offer.protocol), (vec![KEY_SHARE, extension::ALPN], Some(&b"h2"[..])));
    }

    #[test]
    fn what_is_cut_short_or_no_hello_is_none() {
        let whole = sample(16_000);
        for length in 0..whole.len() {
            assert_eq!(ClientHello::in_records(&whole[..length]), None, "{length}");
        }
        assert_eq!(ClientHello::in_records(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), None);
    }

    #[test]
    fn a_malformed_hello_offers_nothing_and_does_not_panic() {
        let ClientHello(message) = ClientHello::in_records(&sample(16_000)).unwrap();
        for at in 0..message.len() {
            for value in [0, 1, 127, 255] {
                let mut damaged = message.clone();
                damaged[at] = value;
                let _offer_or_none = ClientHello(damaged).offer();
            }
            let _offer_or_none = ClientHello(message[..at].into()).offer();
        }
        assert_eq!(ClientHello([3, 3].into()).offer(), None);
    }
}
