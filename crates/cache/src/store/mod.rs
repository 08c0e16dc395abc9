//! Where stored responses live.

mod arena;
mod memory;
mod s3_fifo;

pub(crate) use arena::Arena;
pub(crate) use memory::MemoryStore;
