//! Connection ids of QUIC that say which process a packet is for.
//!
//! After a takeover two processes have connections on one UDP socket. Every id that a process gives away begins with its tag,
//! so that whoever reads a packet knows whose it is (RFC 9000 section 5.1 leaves the content to us). Invariant: a tag tells
//! nothing of a connection: all of a process have the same. Used by `quic` and `quic_socket`.

use std::fmt;
use std::io;

use aws_lc_rs::rand;
use quinn::{ConnectionId, ConnectionIdGenerator};

/// Names a process, among those that follow each other on a socket.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag(pub(super) [u8; TAG]);

impl Tag {
    pub(super) fn draw() -> io::Result<Self> {
        let mut tag = [0; TAG];
        rand::fill(&mut tag).map_err(|_| io::Error::other("the system has no randomness"))?;
        Ok(Self(tag))
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Tag({:08x})", u32::from_be_bytes(self.0))
    }
}

/// Draws ids that begin with a tag.
#[derive(Debug)]
pub(super) struct TaggedIds(pub(super) Tag);

impl ConnectionIdGenerator for TaggedIds {
    fn generate_cid(&mut self) -> ConnectionId {
        let mut id = [0; ID];
        // The library ends the process rather than fail; and ids that are alike would be noticed.
        let _never_fails = rand::fill(&mut id);
        if let Some(tag) = id.first_chunk_mut() {
            *tag = self.0.0;
        }
        ConnectionId::new(&id)
    }

    fn cid_len(&self) -> usize {
        ID
    }

    fn cid_lifetime(&self) -> Option<std::time::Duration> {
        None
    }
}

/// The tag of the connection that `packet` is for; `None` where a viewer chose the id, as in the first packets of a
/// connection, or where it is no packet. What a viewer chose may look like a tag, once in four thousand million.
pub(super) fn tag_of(packet: &[u8]) -> Option<Tag> {
    let (first, rest) = packet.split_first()?;
    let id = if first & LONG_HEADER == 0 {
        rest.get(..ID)?
    } else {
        // A version, then the length of the id (RFC 8999 section 5.1).
        let (length, rest) = rest.get(VERSION..)?.split_first()?;
        rest.get(..usize::from(*length)).filter(|id| id.len() == ID)?
    };
    id.first_chunk().copied().map(Tag)
}

/// Bytes.
const TAG: usize = 4;
/// Bytes of an id.
const ID: usize = 12;
const VERSION: usize = 4;
const LONG_HEADER: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_begins_with_the_tag_and_no_two_are_alike() {
        let mut ids = TaggedIds(Tag([1, 2, 3, 4]));
        let (one, other) = (ids.generate_cid(), ids.generate_cid());
        assert_eq!((&one[..TAG], one.len()), (&[1, 2, 3, 4][..], ids.cid_len()));
        assert_ne!(one[..], other[..]);
    }

    #[test]
    fn packets_tell_whose_they_are() {
        let id = [9, 8, 7, 6, 0, 0, 0, 0, 0, 0, 0, 0];
        let short = [&[0x40][..], &id, b"content"].concat();
        let long = [&[0xc0, 0, 0, 0, 1, 12][..], &id, &[0]].concat();
        let chosen = [&[0xc0, 0, 0, 0, 1, 8][..], &id].concat();
        for (packet, expected) in [
            (&short[..], Some(Tag([9, 8, 7, 6]))),
            (&long, Some(Tag([9, 8, 7, 6]))),
            (&chosen, None),
            (&short[..12], None),
            (&long[..10], None),
            (&long[..3], None),
            (&[], None),
        ] {
            assert_eq!(tag_of(packet), expected, "{packet:?}");
        }
    }
}
