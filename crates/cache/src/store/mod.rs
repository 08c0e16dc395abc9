//! Where stored responses live.

mod arena;
mod disk;
mod memory;
mod s3_fifo;

pub(crate) use arena::Arena;
pub use disk::{
    Busy, DiskChunk, DiskCounters, DiskListed, DiskRecord, DiskSettings, DiskStore, DiskUsage, Journal, TakenOrder,
};
pub(crate) use memory::MemoryStore;
