//! S3-FIFO: which stored response goes first.
//!
//! Three queues (Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023): what is new passes a small
//! queue, and only what was hit there reaches the main one, so that a scan of keys asked for once cannot flush the cache;
//! what fell out of the small queue is remembered by its hash, and comes back straight into the main one.
//! Queues hold tickets; the store holds the responses and says whether a ticket still stands.

use std::collections::VecDeque;

use ahash::AHashSet;

/// The small queue's share of the bytes: one tenth.
const SMALL_SHARE: usize = 10;

/// A place in a queue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    pub(super) hash: u64,
    /// Tells two responses apart that were stored under one key one after the other.
    pub(super) id: u64,
    pub(super) size: usize,
}

/// What the store says of the ticket at the head of a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// The response was replaced or removed before.
    Gone,
    /// It was hit since it joined the queue.
    Hit,
    /// It was not hit.
    Cold,
}

/// What is to be evicted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Victim {
    pub(super) ticket: Ticket,
    /// Whether it had ever been hit.
    pub(super) was_hit: bool,
}

/// The queues. Sizes are in bytes.
#[derive(Debug, Default)]
pub(super) struct S3Fifo {
    small: VecDeque<Ticket>,
    main: VecDeque<Ticket>,
    small_bytes: usize,
    ghosts: Ghosts,
}

impl S3Fifo {
    /// Queues a new response.
    pub(super) fn admit(&mut self, ticket: Ticket) {
        if self.ghosts.take(ticket.hash) {
            self.main.push_back(ticket);
        } else {
            self.small_bytes += ticket.size;
            self.small.push_back(ticket);
        }
    }

    /// The response to evict next, or `None` when nothing is queued. `standing` looks at a response, and
    /// takes one hit off its count when it says `Hit`.
    pub(super) fn next_victim(&mut self, limit: usize, mut standing: impl FnMut(Ticket) -> Standing) -> Option<Victim> {
        loop {
            let from_small = self.small_bytes > limit / SMALL_SHARE || self.main.is_empty();
            let ticket = if from_small { self.small.pop_front() } else { self.main.pop_front() }?;
            if from_small {
                self.small_bytes -= ticket.size;
            }
            match standing(ticket) {
                Standing::Gone => {}
                Standing::Hit => self.main.push_back(ticket),
                Standing::Cold => {
                    if from_small {
                        self.ghosts.remember(ticket.hash, self.main.len().max(1_024));
                    }
                    return Some(Victim { ticket, was_hit: !from_small });
                }
            }
        }
    }
}

/// Hashes of what fell out of the small queue, oldest first.
#[derive(Debug, Default)]
struct Ghosts {
    order: VecDeque<u64>,
    known: AHashSet<u64>,
}

impl Ghosts {
    fn remember(&mut self, hash: u64, at_most: usize) {
        if self.known.insert(hash) {
            self.order.push_back(hash);
        }
        while self.order.len() > at_most {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }

    fn take(&mut self, hash: u64) -> bool {
        // Its place in `order` stays behind and is dropped in its turn.
        self.known.remove(&hash)
    }
}
