//! The access log: one record a request, in W3C format, gathered per worker and written as gzip segments.
//!
//! `record` formats, `buffer` gathers without blocking a request, `segments` owns the files on a thread of its own.

mod buffer;
mod encode;
mod fields;
mod gzip;
mod recent;
mod record;
mod segments;

pub(crate) use buffer::LogBuffer;
pub(crate) use encode::encode;
pub(crate) use fields::header;
pub(crate) use record::{section_bytes, write};
pub(crate) use segments::{LogCounters, LogSettings, SegmentSender, SegmentWriter};
