//! Session tickets that several edges can open: their keys come from shared secrets and the time.
//!
//! A ticket lets a viewer take up its session at any edge with the same secrets, without state at any of them (RFC 8446
//! section 4.6.1, RFC 5077). Keys change every six hours by themselves; whoever wants a stolen secret to be worthless
//! replaces the secrets too. Invariant: a ticket is opened for twelve hours at least and for eighteen at most. Called by
//! rustls during handshakes, by `crates/proxy` when time passes or the secrets change.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::aead::{AES_256_GCM, AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use aws_lc_rs::rand;
use rustls::server::ProducesTickets;

/// A secret of all edges that open each other's tickets: 32 random bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct TicketSecret(pub [u8; 32]);

impl fmt::Debug for TicketSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TicketSecret(..)")
    }
}

/// Seals and opens tickets with the keys of one moment.
pub struct Tickets {
    ring: ArcSwap<Ring>,
}

impl Tickets {
    /// New tickets are sealed with the first of `secrets`, those of all of them are opened. `now` is in seconds since the
    /// epoch.
    pub fn new(secrets: &[TicketSecret], now: u64) -> Self {
        Self { ring: ArcSwap::from_pointee(Ring::new(secrets, now)) }
    }

    /// What an address token of QUIC with these random bytes may be sealed with; the first one seals. Those of a period before
    /// and after this one are among them.
    pub(crate) fn token_keys(&self, random: &[u8]) -> Vec<LessSafeKey> {
        let ring = self.ring.load();
        let of = |(secret, period): &(Prk, u64)| {
            let mut key = [0; SECRET];
            secret.expand(&[&period.to_be_bytes(), random], Secret).ok()?.fill(&mut key).ok()?;
            UnboundKey::new(&AES_256_GCM, &key).ok().map(LessSafeKey::new)
        };
        ring.tokens.iter().filter_map(of).collect()
    }

    /// What stateless resets of QUIC are made with. Of the first secret, at all times: a connection has no end.
    pub(crate) fn reset_secret(&self) -> Option<[u8; SECRET]> {
        let ring = self.ring.load();
        let mut key = [0; SECRET];
        let secret = Salt::new(HKDF_SHA256, RESETS).extract(&ring.secrets.first()?.0);
        secret.expand(&[], Secret).ok()?.fill(&mut key).ok()?;
        Some(key)
    }

    /// Goes on with the keys of `now` and of other secrets. Tickets of secrets that are gone are not opened any more.
    pub fn renew(&self, secrets: &[TicketSecret], now: u64) {
        let ring = self.ring.load();
        if ring.period != period_of(now) || ring.secrets != secrets {
            self.ring.store(Arc::new(Ring::new(secrets, now)));
        }
    }
}

impl fmt::Debug for Tickets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Tickets(..)")
    }
}

impl ProducesTickets for Tickets {
    fn enabled(&self) -> bool {
        true
    }

    fn lifetime(&self) -> u32 {
        LIFETIME
    }

    fn encrypt(&self, plain: &[u8]) -> Option<Vec<u8>> {
        self.ring.load().keys.first()?.seal(plain).ok()
    }

    fn decrypt(&self, cipher: &[u8]) -> Option<Vec<u8>> {
        let (name, sealed) = cipher.split_first_chunk()?;
        let ring = self.ring.load();
        // The names are no secret: they stand in every ticket.
        ring.keys.iter().find(|key| key.name == *name)?.open(sealed).ok()
    }
}

/// All keys of one period.
struct Ring {
    secrets: Vec<TicketSecret>,
    period: u64,
    /// The first one seals.
    keys: Vec<Key>,
    /// The same of address tokens: what their keys are derived from, for a period.
    tokens: Vec<(Prk, u64)>,
}

impl Ring {
    fn new(secrets: &[TicketSecret], now: u64) -> Self {
        let period = period_of(now);
        // The clock of another edge may be ahead.
        let opened = [Some(period), period.checked_sub(1), period.checked_sub(2), period.checked_add(1)];
        let keys =
            secrets.iter().flat_map(|secret| opened.into_iter().flatten().filter_map(|of| Key::new(secret, of).ok()));
        let near = [Some(period), period.checked_sub(1), period.checked_add(1)];
        let tokens = secrets.iter().flat_map(|secret| {
            near.into_iter().flatten().map(|of| (Salt::new(HKDF_SHA256, TOKENS).extract(&secret.0), of))
        });
        Self { secrets: secrets.to_vec(), period, keys: keys.collect(), tokens: tokens.collect() }
    }
}

fn period_of(now: u64) -> u64 {
    now / PERIOD
}

/// What tickets of one secret and one period are sealed with.
struct Key {
    name: [u8; NAME],
    key: LessSafeKey,
}

impl Key {
    /// HKDF (RFC 5869) of the secret, for the period.
    fn new(secret: &TicketSecret, period: u64) -> Result<Self, Unspecified> {
        let mut material = [0; NAME + SECRET];
        Salt::new(HKDF_SHA256, PURPOSE)
            .extract(&secret.0)
            .expand(&[&period.to_be_bytes()], Material)?
            .fill(&mut material)?;
        let (name, key) = material.split_first_chunk().ok_or(Unspecified)?;
        Ok(Self { name: *name, key: LessSafeKey::new(UnboundKey::new(&AES_256_GCM_SIV, key)?) })
    }

    /// Name, nonce, sealed content. Edges that share a key draw their nonces apart from each other, so the key is used in a
    /// mode that bears the same nonce twice (RFC 8452).
    fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce)?;
        let mut content = plain.to_vec();
        let name = Aad::from(&self.name);
        self.key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), name, &mut content)?;
        Ok([&self.name[..], &nonce, &content].concat())
    }

    fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let (nonce, content) = sealed.split_first_chunk().ok_or(Unspecified)?;
        let mut content = content.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self.key.open_in_place(nonce, Aad::from(&self.name), &mut content)?.len();
        content.truncate(length);
        Ok(content)
    }
}

/// How much HKDF gives: name and key.
struct Material;

impl KeyType for Material {
    fn len(&self) -> usize {
        NAME + SECRET
    }
}

/// The same: a key alone.
struct Secret;

impl KeyType for Secret {
    fn len(&self) -> usize {
        SECRET
    }
}

/// What nothing but tickets is derived for.
const PURPOSE: &[u8] = b"edgeward session tickets 1";
/// The same of address tokens of QUIC.
const TOKENS: &[u8] = b"edgeward quic address tokens 1";
/// The same of its stateless resets.
const RESETS: &[u8] = b"edgeward quic stateless resets 1";
/// Bytes.
const NAME: usize = 16;
/// Bytes.
const SECRET: usize = 32;
/// Seconds for which a key seals.
const PERIOD: u64 = 6 * 60 * 60;
/// Seconds for which a ticket is good.
const LIFETIME: u32 = 12 * 60 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600;
    const NOW: u64 = 1_700_000_000 / PERIOD * PERIOD;

    fn secret(byte: u8) -> TicketSecret {
        TicketSecret([byte; 32])
    }

    fn sealed(secrets: &[TicketSecret], now: u64) -> Vec<u8> {
        Tickets::new(secrets, now).encrypt(b"session").unwrap()
    }

    #[test]
    fn a_ticket_is_opened_wherever_the_secret_is_known() {
        let ticket = sealed(&[secret(1)], NOW);
        for (secrets, is_opened) in [
            (&[secret(1)][..], true),
            (&[secret(2), secret(1)], true),
            (&[secret(1), secret(2)], true),
            (&[secret(2)], false),
            (&[], false),
        ] {
            let found = Tickets::new(secrets, NOW).decrypt(&ticket);
            assert_eq!(found.as_deref(), is_opened.then_some(&b"session"[..]), "{secrets:?}");
        }
    }

    #[test]
    fn the_first_secret_seals() {
        let ticket = sealed(&[secret(2), secret(1)], NOW);
        assert!(Tickets::new(&[secret(2)], NOW).decrypt(&ticket).is_some());
        assert!(Tickets::new(&[secret(1)], NOW).decrypt(&ticket).is_none());
    }

    #[test]
    fn a_ticket_is_opened_for_twelve_hours_and_by_edges_whose_clocks_differ() {
        for (made, opened, expected) in [
            (NOW, NOW + 12 * HOUR, true),
            (NOW + 6 * HOUR - 1, NOW + 18 * HOUR - 1, true),
            (NOW, NOW + 18 * HOUR, false),
            (NOW, NOW - 1, true),
            (NOW, NOW - 6 * HOUR - 1, false),
        ] {
            let found = Tickets::new(&[secret(1)], opened).decrypt(&sealed(&[secret(1)], made));
            assert_eq!(found.is_some(), expected, "{made} {opened}");
        }
    }

    #[test]
    fn keys_go_on_with_time_and_secrets() {
        let tickets = Tickets::new(&[secret(1)], NOW);
        let first = tickets.encrypt(b"session").unwrap();
        tickets.renew(&[secret(1)], NOW + 6 * HOUR);
        let second = tickets.encrypt(b"session").unwrap();
        assert_ne!(first[..NAME], second[..NAME]);
        assert!(tickets.decrypt(&first).is_some() && tickets.decrypt(&second).is_some());
        tickets.renew(&[secret(1)], NOW + 24 * HOUR);
        assert!(tickets.decrypt(&first).is_none());
        tickets.renew(&[secret(2)], NOW + 6 * HOUR);
        assert!(tickets.decrypt(&second).is_none());
    }

    #[test]
    fn no_two_tickets_are_alike_and_none_shows_the_session() {
        let tickets = Tickets::new(&[secret(1)], NOW);
        let (one, other) = (tickets.encrypt(b"session").unwrap(), tickets.encrypt(b"session").unwrap());
        assert_ne!(one, other);
        assert!(!one.windows(7).any(|window| window == b"session"));
    }

    #[test]
    fn what_is_no_ticket_is_not_opened() {
        let tickets = Tickets::new(&[secret(1)], NOW);
        let ticket = tickets.encrypt(b"session").unwrap();
        for length in 0..ticket.len() {
            assert_eq!(tickets.decrypt(&ticket[..length]), None, "{length}");
        }
        for place in 0..ticket.len() {
            let mut changed = ticket.clone();
            changed[place] ^= 1;
            assert_eq!(tickets.decrypt(&changed), None, "{place}");
        }
        assert_eq!(tickets.decrypt(&[ticket, vec![0]].concat()), None);
    }

    #[test]
    fn no_secret_is_shown() {
        assert_eq!(format!("{:?}", secret(7)), "TicketSecret(..)");
        assert_eq!(format!("{:?}", Tickets::new(&[secret(7)], NOW)), "Tickets(..)");
    }
}
