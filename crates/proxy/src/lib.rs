//! The request pipeline: what happens to a viewer's request from the listener to the log.
//!
//! `pipeline` is the map; `stages` has one file per stage. `edge` assembles an edge and takes plans and invalidations,
//! `engine` and `worker` are what requests share, `exchange` is one request, `content` its response's bytes, `outcome` and
//! `refusal` how it ended and why. Invariant: every request that reaches the pipeline ends in exactly one log record.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod access_log;
mod cache_status;
mod cache_tags;
mod clock;
mod compression;
mod connection_log;
mod content;
mod edge;
mod engine;
mod exchange;
mod explain;
mod failover;
mod geo;
mod held_content;
mod hex;
mod identity;
mod inspection;
mod invalidation;
mod origin_exchange;
mod origin_request;
mod origins;
mod outcome;
mod pipeline;
mod refusal;
mod response_headers;
mod security_policy;
mod segments;
mod set_aside;
mod settings;
mod signing;
mod sigv4;
mod stages;
mod stored_content;
mod storing;
mod ticket_file;
mod vary;
mod viewer_content;
mod viewer_facts;
mod viewer_mtls;
mod worker;

pub use edge::{Addresses, Edge, StartError, Status};
pub use edgeward_net::receive_sockets;
pub use explain::ExplainKey;
pub use geo::{GeoError, GeoFiles};
pub use inspection::InvalidQuestion;
pub use settings::{ClockSetting, DiskCache, EdgeSettings, InvalidSettings, ListenerSetting, LogFiles, S3Access};
pub use ticket_file::TicketFileError;
pub use viewer_facts::UserAgentRegexes;
