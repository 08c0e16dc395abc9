//! What is stored, listed for people in pages: which responses a distribution has, how fresh and how large they are.
//!
//! Every tier fills the same `Listed`. Invariant: a page is cut between keys, and a walk over all pages meets every key
//! that is stored from its beginning to its end exactly once. A page reads a tier part by part and holds no lock for
//! longer than one part takes. Called by `proxy::inspection`.

use http::{HeaderMap, StatusCode};

use crate::key::KeyText;
use crate::stored::{Freshness, StoredResponse};

/// Where a stored response is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// In memory.
    Memory,
}

/// One stored response.
#[derive(Debug, Clone)]
pub struct Listed {
    /// What it is found by.
    pub key: KeyText,
    /// Status code.
    pub status: StatusCode,
    /// Header fields.
    pub headers: HeaderMap,
    /// For how long it is fresh.
    pub freshness: Freshness,
    /// Whether no invalidation matches it.
    pub is_valid: bool,
    /// Content length in bytes, whatever parts of it are stored.
    pub length: u64,
    /// How often it was found since it was last looked at for eviction; counted to a few.
    pub hits: u8,
    /// Where it is.
    pub tier: Tier,
}

impl Listed {
    pub(crate) fn in_memory(key: KeyText, stored: &StoredResponse, hits: u8) -> Listed {
        Listed {
            key,
            status: stored.head.status,
            headers: stored.head.headers.clone(),
            freshness: stored.freshness,
            is_valid: stored.generation.is_valid(),
            length: stored.body.length(),
            hits,
            tier: Tier::Memory,
        }
    }
}

/// Where a page ends; the next one begins after it. Holds for as long as the process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub u64);

/// Some of what is stored.
#[derive(Debug, Default)]
pub struct Page {
    /// In no order that means anything, but always the same.
    pub listed: Vec<Listed>,
    /// `None` where nothing follows.
    pub next: Option<Cursor>,
}
