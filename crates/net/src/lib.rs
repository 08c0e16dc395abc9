//! Everything between sockets and the pipeline: listeners, worker threads, TLS and certificate choice, HTTP/1.1, HTTP/2
//! and HTTP/3 towards viewers, and pooled HTTP/1.1 connections towards origins.
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
mod handshake_observer;
mod http3_content;
mod limits;
mod names;
mod networks;
mod proxy_protocol;
mod quic_keys;
mod quic_session;
mod request_content;
mod server;
mod tickets;
mod tls;
mod tunnel;
mod viewer_authentication;
mod viewer_terms;

pub use certificates::{Certificate, CertificateError, CertificateStore, NameSettings, Staple};

pub use client_hello::ClientHello;
pub use connection::{Connection, RequestInProgress, TlsSession};
pub use handshake_observer::{AskedHandshake, HandshakeObserver};
pub use http3_content::{Http3Content, Http3ContentError};
pub use limits::{ViewerLimits, ViewerRefusal};
pub use networks::{Network, NotANetwork};
pub use request_content::{RequestContent, RequestContentError};
#[cfg(any(test, feature = "fuzzing"))]
pub use server::fuzzing;
pub use server::{Inherited, Listener, Server, ServerCounters, ServerSettings, ViewerService, receive_sockets};
pub use tickets::{TicketSecret, Tickets};
pub use tunnel::{TunnelBytes, TunnelEnd, relay, switched};
pub use viewer_authentication::{
    CertificateDemand, CertificateFacts, CertificateFailure, ShownCertificate, TermsDigest, TrustError, TrustStore,
    ViewerAuthentication,
};
pub use viewer_terms::ViewerTerms;
