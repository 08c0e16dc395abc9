//! The crate from outside: real viewers, real origins, loopback sockets, free ports.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod http3;
mod origins;
mod origins_http2;
mod parsing;
mod quic_edges;
mod support;
mod takeovers;
mod viewer_certificates;
mod viewers;
