//! What is stored, listed for people in pages: which responses a distribution has, how fresh and how large they are.
//!
//! Every tier fills the same `Listed`. Memory comes first, then what is on disk alone. Invariant: a walk over all pages
//! meets everything that stays where it is. A page reads a tier part by part, holds no lock for longer than one part takes,
//! and looks at a bounded number of records on disk; so it may be short, or empty, where more follows. Called by
//! `proxy::inspection`.

use http::{HeaderMap, StatusCode};

use crate::key::KeyText;
use crate::stored::{Freshness, StoredResponse};
use crate::tags::CacheTag;

/// Where a stored response is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// In memory, and on disk too where there is one.
    Memory,
    /// On disk alone.
    Disk,
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
    /// Its cache tags.
    pub tags: Vec<CacheTag>,
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
            tags: stored.generation.tags().map(|tags| tags.to_vec()).unwrap_or_default(),
            length: stored.body.length(),
            hits,
            tier: Tier::Memory,
        }
    }
}

/// Where the next page begins. Holds for as long as the process runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursor {
    /// In memory, after the key with this hash.
    Memory(u64),
    /// On disk, at this place.
    Disk(u64),
}

/// What belongs on a page.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a, F> {
    /// Distribution id.
    pub distribution: &'a str,
    /// Which of its keys.
    pub is_wanted: F,
    /// Keys at most.
    pub limit: usize,
}

/// Some of what is stored.
#[derive(Debug, Default)]
pub struct Page {
    /// In no order that means anything, but always the same.
    pub listed: Vec<Listed>,
    /// `None` where nothing follows.
    pub next: Option<Cursor>,
}
