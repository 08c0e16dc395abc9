//! Keys of QUIC that outlive a process, or are shared by edges: of address tokens, and of stateless resets.
//!
//! Both come from the secrets of session tickets, under labels of their own. A token that one edge gives with Retry is good at
//! all of them (RFC 9000 section 8.1.3). A stateless reset is good only from processes that follow each other on the same sockets:
//! an edge that reset connections of other, living ones could be made to end them (section 21.11). Invariant: without shared
//! secrets both are of this process alone. Given to quinn by `server`.

use std::sync::Arc;

use aws_lc_rs::aead::{Aad, LessSafeKey, Nonce};
use aws_lc_rs::{hmac, rand};
use quinn::crypto::{AeadKey, CryptoError, HandshakeTokenKey, HmacKey};

use crate::tickets::{TicketSecret, Tickets};

/// Seals and opens address tokens.
pub(crate) struct AddressTokens {
    shared: Option<Arc<Tickets>>,
    /// For this process alone.
    own: Tickets,
}

/// The keys that one token may be sealed with; the first one seals.
struct TokenKeys(Vec<LessSafeKey>);

impl AddressTokens {
    /// `None` where the system has no randomness.
    pub(crate) fn new(shared: Option<Arc<Tickets>>) -> Option<Self> {
        let mut secret = [0; 32];
        rand::fill(&mut secret).ok()?;
        // The time does not matter: nobody else has the secret.
        Some(Self { shared, own: Tickets::new(&[TicketSecret(secret)], 0) })
    }
}

impl HandshakeTokenKey for AddressTokens {
    fn aead_from_hkdf(&self, random: &[u8]) -> Box<dyn AeadKey> {
        let mut keys = self.shared.as_ref().map(|tickets| tickets.token_keys(random)).unwrap_or_default();
        keys.extend(self.own.token_keys(random));
        Box::new(TokenKeys(keys))
    }
}

impl AeadKey for TokenKeys {
    fn seal(&self, content: &mut Vec<u8>, additional: &[u8]) -> Result<(), CryptoError> {
        let key = self.0.first().ok_or(CryptoError)?;
        Ok(key.seal_in_place_append_tag(once(), Aad::from(additional), content)?)
    }

    fn open<'a>(&self, content: &'a mut [u8], additional: &[u8]) -> Result<&'a mut [u8], CryptoError> {
        let opened = self.0.iter().find_map(|key| {
            let mut copy = content.to_vec();
            let length = key.open_in_place(once(), Aad::from(additional), &mut copy).ok()?.len();
            copy.truncate(length);
            Some(copy)
        });
        let opened = opened.ok_or(CryptoError)?;
        let place = content.get_mut(..opened.len()).ok_or(CryptoError)?;
        place.copy_from_slice(&opened);
        Ok(place)
    }
}

/// Each key is of the random bytes of one token.
fn once() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

/// Says what resets a connection, by its id.
pub(crate) struct ResetKey<F> {
    shared: hmac::Key,
    own: hmac::Key,
    /// Whether an id is of this process, or of one before it on the same sockets.
    is_ours: F,
}

impl<F: Fn(&[u8]) -> bool> ResetKey<F> {
    /// `None` where there are no shared secrets: quinn's own key is as good.
    pub(crate) fn new(tickets: &Tickets, is_ours: F) -> Option<Self> {
        let mut random = [0; 32];
        rand::fill(&mut random).ok()?;
        let shared = hmac::Key::new(hmac::HMAC_SHA256, &tickets.reset_secret()?);
        Some(Self { shared, own: hmac::Key::new(hmac::HMAC_SHA256, &random), is_ours })
    }

    fn of(&self, id: &[u8]) -> &hmac::Key {
        if (self.is_ours)(id) { &self.shared } else { &self.own }
    }
}

impl<F: Fn(&[u8]) -> bool + Send + Sync> HmacKey for ResetKey<F> {
    fn sign(&self, id: &[u8], signature: &mut [u8]) {
        hmac::sign(self.of(id), id).as_ref().iter().zip(signature).for_each(|(from, to)| *to = *from);
    }

    fn signature_len(&self) -> usize {
        32
    }

    fn verify(&self, id: &[u8], signature: &[u8]) -> Result<(), CryptoError> {
        Ok(hmac::verify(self.of(id), id, signature)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn tickets(byte: u8, now: u64) -> Arc<Tickets> {
        Arc::new(Tickets::new(&[TicketSecret([byte; 32])], now))
    }

    fn opens(by: &AddressTokens, sealed: &[u8]) -> bool {
        let mut content = sealed.to_vec();
        by.aead_from_hkdf(b"random").open(&mut content, b"").is_ok_and(|opened| opened == b"address")
    }

    #[test]
    fn a_token_is_good_at_all_edges_with_the_secret_and_at_no_other() {
        let sealing = AddressTokens::new(Some(tickets(1, NOW))).unwrap();
        let mut sealed = b"address".to_vec();
        sealing.aead_from_hkdf(b"random").seal(&mut sealed, b"").unwrap();
        let period = 6 * 60 * 60;
        for (other, expected) in [
            (Some(tickets(1, NOW)), true),
            (Some(tickets(1, NOW + period)), true),
            (Some(tickets(1, NOW - period)), true),
            (Some(tickets(1, NOW + 2 * period)), false),
            (Some(tickets(2, NOW)), false),
            (None, false),
        ] {
            assert_eq!(opens(&AddressTokens::new(other.clone()).unwrap(), &sealed), expected, "{other:?}");
        }
        let mut again = sealed.clone();
        assert!(sealing.aead_from_hkdf(b"others").open(&mut again, b"").is_err());
        sealed[0] ^= 1;
        assert!(!opens(&sealing, &sealed));
    }

    #[test]
    fn without_shared_secrets_a_token_is_good_where_it_was_made() {
        for alone in [None, Some(Arc::new(Tickets::new(&[], NOW)))] {
            let (one, other) = (AddressTokens::new(alone.clone()).unwrap(), AddressTokens::new(alone).unwrap());
            let mut sealed = b"address".to_vec();
            one.aead_from_hkdf(b"random").seal(&mut sealed, b"").unwrap();
            assert!(opens(&one, &sealed) && !opens(&other, &sealed));
        }
    }

    #[test]
    fn only_processes_on_the_same_sockets_reset_each_others_connections() {
        let key = |byte, tag: u8| ResetKey::new(&tickets(byte, NOW), move |id| id.first() == Some(&tag)).unwrap();
        let signed = |key: &dyn HmacKey| {
            let mut signature = [0; 32];
            key.sign(&[7, 1, 2], &mut signature);
            signature
        };
        let first = signed(&key(1, 7));
        assert_eq!(signed(&key(1, 7)), first, "a successor, which knows the tag");
        assert_ne!(signed(&key(1, 8)), first, "an edge elsewhere, which has the secret");
        assert_ne!(signed(&key(2, 7)), first);
        assert!(key(1, 7).verify(&[7, 1, 2], &first).is_ok() && key(1, 8).verify(&[7, 1, 2], &first).is_err());
        assert!(ResetKey::new(&Tickets::new(&[], NOW), |_| true).is_none());
    }
}
