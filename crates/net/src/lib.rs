//! Everything between sockets and the pipeline: listeners, worker threads, TLS and certificate choice, HTTP/1.1 and
//! HTTP/2 towards viewers, and pooled HTTP/1.1 connections towards origins.
//!
//! Invariant: nothing here knows distributions, caches or plans. A request leaves this crate through
//! [`ViewerService::call`] and comes back as a response; an origin answers or fails with an [`origin::OriginError`]
//! whose kind is plain data. `crates/proxy` is the only caller.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod fingerprint;
pub mod origin;

mod certificates;
mod client_hello;
mod coalesce;
mod connection;
mod file_sending;
mod frames;
mod framing;
mod limits;
mod server;
mod tls;

pub use certificates::{Certificate, CertificateError, CertificateStore};

pub use client_hello::ClientHello;
pub use connection::{Connection, TlsSession};
pub use limits::{ViewerLimits, ViewerRefusal};
#[cfg(any(test, feature = "fuzzing"))]
pub use server::fuzzing;
pub use server::{Server, ServerCounters, ServerSettings, ViewerService};
