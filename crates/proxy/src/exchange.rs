//! One request and what becomes of it: carried through the stages, written to the log when it is dropped.
//!
//! The log record is written in `Drop`, so that no path through the pipeline, a viewer that hangs up included, can leave
//! a request without one.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use edgeward_cache::{AcceptedCodings, Timestamp};
use edgeward_net::Connection;
use edgeward_plan::{CacheBehavior, Distribution};
use http::request::Parts;
use http::{HeaderValue, StatusCode};

use crate::identity::RequestId;
use crate::outcome::{Detail, ResultType};
use crate::worker::Worker;

/// A request on its way.
pub(crate) struct Exchange {
    pub(crate) worker: Arc<Worker>,
    pub(crate) connection: Arc<Connection>,
    /// As the viewer sent it.
    pub(crate) request: Parts,
    /// Of the request's header section, as HTTP/1.1 writes it.
    pub(crate) section_bytes: usize,
    pub(crate) id: RequestId,
    pub(crate) received: Timestamp,
    /// From the plan that was live when the request came: later plans do not touch it.
    pub(crate) route: Option<Route>,
    /// Bytes of content that the viewer sent, for a request that has any.
    pub(crate) content_received: Option<Arc<AtomicU64>>,
    pub(crate) outcome: Option<Outcome>,
}

/// Where a request belongs.
pub(crate) struct Route {
    pub(crate) distribution: Arc<Distribution>,
    pub(crate) behavior: Arc<CacheBehavior>,
    /// The default root object's path, where it stands in for `/`.
    pub(crate) rewritten_path: Option<String>,
}

/// What the viewer got.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: StatusCode,
    /// `x-edge-response-result-type`: before the response went out.
    pub(crate) result: ResultType,
    pub(crate) detail: Detail,
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) content_length: Option<u64>,
    /// First and last byte, for a 206.
    pub(crate) range: Option<(u64, u64)>,
    /// Bytes of status line and header section, as HTTP/1.1 writes them.
    pub(crate) head_bytes: u64,
    /// Bytes of content handed to the connection so far.
    pub(crate) content_bytes: u64,
    pub(crate) first_byte: Timestamp,
}

impl Exchange {
    /// The path that behaviors, cache key and origin see.
    pub(crate) fn path(&self) -> &str {
        let rewritten = self.route.as_ref().and_then(|route| route.rewritten_path.as_deref());
        rewritten.unwrap_or(self.request.uri.path())
    }

    /// The codings that the cache key holds and the origin is asked for.
    pub(crate) fn accepted_codings(&self) -> AcceptedCodings {
        let Some(route) = &self.route else { return AcceptedCodings::Absent };
        AcceptedCodings::of(self.request.version, &self.request.headers, &route.behavior.cache)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.worker.engine.clock.now()
    }

    /// Whether the viewer came over https.
    pub(crate) fn is_https(&self) -> bool {
        self.connection.tls.is_some()
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.worker.log_exchange(self);
    }
}
