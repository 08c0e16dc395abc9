//! The rules of HTTP (RFC 9110, RFC 9111, RFC 9112) as pure functions over `http::HeaderMap`.
//!
//! Owns every decision that depends on the text of a message alone: directives, freshness, validators, conditions,
//! ranges, negotiation, framing, and what of a query string or of cookies a policy selects.
//! Invariant: nothing here reads a clock, blocks, or fails on hostile input; time is a parameter in Unix seconds.
//! Called by `cache`, `net` and `proxy`; the functions a hit needs do not allocate unless they say so.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod accept_encoding;
pub mod cache_control;
pub mod combine;
pub mod conditional;
pub mod cookies;
pub mod date;
pub mod fields;
pub mod framing;
pub mod freshen;
pub mod freshness;
pub mod glob;
pub mod hop_by_hop;
pub mod host;
pub mod methods;
pub mod query;
pub mod range;
pub mod selection;
pub mod targeted;
pub mod validators;
pub mod vary;

mod decimal;

pub use selection::{Selection, SelectionMode};
