//! Where stored responses live.

mod memory;
mod s3_fifo;

pub(crate) use memory::MemoryStore;
