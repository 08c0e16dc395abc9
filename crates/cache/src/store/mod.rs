//! Where stored responses live.

mod arena;
mod disk;
mod memory;
mod s3_fifo;

pub(crate) use arena::Arena;
pub(crate) use disk::{DiskChunk, DiskListed, DiskRecord, DiskStore, Journal, TakenOrder};
pub use disk::{DiskCounters, DiskSettings, DiskUsage};
pub(crate) use memory::{Evicted, MemoryStore};
