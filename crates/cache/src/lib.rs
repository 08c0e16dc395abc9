//! The cache: keys, stored responses, the memory store, request collapsing, invalidation.
//!
//! `key` says which requests share a response, `ttl` whether and for how long one may be stored, `stored` what is kept,
//! `stale` what an expired one is good for, `filling` how a response is read while it still arrives, `flights` how
//! requests for one key become one origin request, `invalidation` what may no longer be served, `store` where responses
//! live and which one goes first. Invariant: what `Cache::find` calls fresh is complete, unexpired and not invalidated.
//!
//! Called by `proxy`. No socket and no clock here: time is passed in.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod arriving;
mod chunks;
mod disk_tier;
mod filling;
mod flights;
mod invalidation;
mod key;
mod listing;
mod lookup;
mod parts;
mod patterns;
mod record;
mod stale;
mod store;
mod stored;
mod tags;
mod time;
mod ttl;
mod variant;

pub use arriving::{Arriving, Cut, Fed, Feed, Reader};
pub use chunks::{CHUNK, Chunk, Chunks, ContentId, Delivery, NotKept, Pending, UnreadChunk, index_of, start_of};
pub use filling::Filling;
pub use flights::{Flight, FlightOutcome, Follower, Joined};
pub use invalidation::Generation;
pub use key::{AcceptedCodings, CacheKey, KeyParts, KeyText};
pub use listing::{Cursor, Listed, Page, Tier, Wanted};
pub use lookup::{Cache, CacheSettings, CacheUsage, Lookup, Missing};
pub use parts::{Announcement, JoinedPart, PartFlight};
pub use stale::{Grace, StaleUse};
pub use store::{DiskCounters, DiskSettings, DiskUsage};
pub use stored::{Body, Chunked, Compressed, Freshness, ResponseHead, StoredResponse};
pub use tags::{CacheTag, tags_of};
pub use time::Timestamp;
pub use ttl::{Lifetime, LifetimeSource, NewResponse, NotStored, lifetime};
pub use variant::Variant;
