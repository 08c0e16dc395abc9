//! The TLS sessions of QUIC, which remember what they agreed on: quinn's own tell neither suite nor resumption.
//!
//! Everything is quinn's but for a look at the ServerHello as it goes out (RFC 8446 section 4.1.3). Invariant: nothing of the
//! handshake is changed. Made by `tls`, read once a connection is established.

use std::any::Any;
use std::sync::Arc;

use quinn::ConnectionId;
use quinn::crypto::rustls::{HandshakeData, QuicServerConfig};
use quinn::crypto::{
    ExportKeyingMaterialError, HeaderKey, KeyPair, Keys, PacketKey, ServerConfig, Session, UnsupportedVersion,
};
use quinn_proto::transport_parameters::TransportParameters;
use quinn_proto::{Side, TransportError};
use rustls::CipherSuite;

/// The handshake data of a connection.
pub(crate) struct QuicHandshake {
    pub(crate) server_name: Option<String>,
    pub(crate) agreed: Option<Agreed>,
}

/// What a ServerHello says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Agreed {
    pub(crate) suite: CipherSuite,
    pub(crate) resumed: bool,
}

/// The configuration of sessions that remember.
pub(crate) struct RememberingConfig(pub(crate) Arc<QuicServerConfig>);

struct RememberingSession {
    inner: Box<dyn Session>,
    agreed: Option<Agreed>,
}

impl ServerConfig for RememberingConfig {
    fn initial_keys(&self, version: u32, id: &ConnectionId) -> Result<Keys, UnsupportedVersion> {
        self.0.initial_keys(version, id)
    }

    fn retry_tag(&self, version: u32, id: &ConnectionId, packet: &[u8]) -> [u8; 16] {
        self.0.retry_tag(version, id, packet)
    }

    fn start_session(self: Arc<Self>, version: u32, parameters: &TransportParameters) -> Box<dyn Session> {
        let inner = Arc::clone(&self.0).start_session(version, parameters);
        Box::new(RememberingSession { inner, agreed: None })
    }
}

impl Session for RememberingSession {
    fn handshake_data(&self) -> Option<Box<dyn Any>> {
        let data = self.inner.handshake_data()?.downcast::<HandshakeData>().ok()?;
        Some(Box::new(QuicHandshake { server_name: data.server_name, agreed: self.agreed }))
    }

    fn write_handshake(&mut self, buffer: &mut Vec<u8>) -> Option<Keys> {
        let written = buffer.len();
        let keys = self.inner.write_handshake(buffer);
        // A HelloRetryRequest looks the same; the ServerHello after it counts.
        self.agreed = buffer.get(written..).and_then(read_server_hello).or(self.agreed);
        keys
    }

    fn initial_keys(&self, id: &ConnectionId, side: Side) -> Keys {
        self.inner.initial_keys(id, side)
    }

    fn peer_identity(&self) -> Option<Box<dyn Any>> {
        self.inner.peer_identity()
    }

    fn early_crypto(&self) -> Option<(Box<dyn HeaderKey>, Box<dyn PacketKey>)> {
        self.inner.early_crypto()
    }

    fn early_data_accepted(&self) -> Option<bool> {
        self.inner.early_data_accepted()
    }

    fn is_handshaking(&self) -> bool {
        self.inner.is_handshaking()
    }

    fn read_handshake(&mut self, content: &[u8]) -> Result<bool, TransportError> {
        self.inner.read_handshake(content)
    }

    fn transport_parameters(&self) -> Result<Option<TransportParameters>, TransportError> {
        self.inner.transport_parameters()
    }

    fn next_1rtt_keys(&mut self) -> Option<KeyPair<Box<dyn PacketKey>>> {
        self.inner.next_1rtt_keys()
    }

    fn is_valid_retry(&self, id: &ConnectionId, header: &[u8], payload: &[u8]) -> bool {
        self.inner.is_valid_retry(id, header, payload)
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: &[u8],
    ) -> Result<(), ExportKeyingMaterialError> {
        self.inner.export_keying_material(output, label, context)
    }
}

/// `None` where the messages do not begin with one.
fn read_server_hello(messages: &[u8]) -> Option<Agreed> {
    let (&kind, rest) = messages.split_first()?;
    if kind != SERVER_HELLO {
        return None;
    }
    let (session_id, rest) = rest.get(LENGTH + VERSION + RANDOM..)?.split_first()?;
    let (suite, rest) = rest.get(usize::from(*session_id)..)?.split_first_chunk()?;
    // One byte of compression method, two of the extensions' length.
    let resumed = has_extension(rest.get(3..)?, PRE_SHARED_KEY);
    Some(Agreed { suite: CipherSuite::from(u16::from_be_bytes(*suite)), resumed })
}

fn has_extension(mut extensions: &[u8], wanted: u16) -> bool {
    while let Some(([kind @ .., high, low], rest)) = extensions.split_first_chunk::<4>() {
        if *kind == wanted.to_be_bytes() {
            return true;
        }
        extensions = rest.get(usize::from(u16::from_be_bytes([*high, *low]))..).unwrap_or_default();
    }
    false
}

const SERVER_HELLO: u8 = 2;
const PRE_SHARED_KEY: u16 = 41;
/// Bytes, as the following two.
const LENGTH: usize = 3;
const VERSION: usize = 2;
const RANDOM: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(extensions: &[u8]) -> Vec<u8> {
        let length = u16::try_from(extensions.len()).unwrap().to_be_bytes();
        let before = [&[SERVER_HELLO, 0, 0, 0, 3, 3][..], &[9; 32], &[2, 7, 7], &[0x13, 0x02], &[0]].concat();
        [&before, &length[..], extensions].concat()
    }

    #[test]
    fn a_server_hello_says_what_was_agreed_on() {
        let (key_share, versions, psk) = ([0, 51, 0, 2, 41, 41], [0, 43, 0, 2, 3, 4], [0, 41, 0, 2, 0, 0]);
        for (extensions, resumed) in [
            ([&key_share[..], &versions].concat(), false),
            ([&key_share[..], &versions, &psk].concat(), true),
            (vec![], false),
            (vec![0, 51, 0xff, 0xff, 0, 41], false),
        ] {
            let expected = Agreed { suite: CipherSuite::TLS13_AES_256_GCM_SHA384, resumed };
            assert_eq!(read_server_hello(&hello(&extensions)), Some(expected), "{extensions:?}");
        }
    }

    #[test]
    fn what_is_none_says_nothing() {
        let whole = hello(&[]);
        for length in 0..whole.len() - 2 {
            assert_eq!(read_server_hello(&whole[..length]), None, "{length}");
        }
        assert_eq!(read_server_hello(&[&[8], &whole[1..]].concat()), None);
    }
}
