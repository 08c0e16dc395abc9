//! One request and what becomes of it: carried through the stages, written to the log when it is dropped.
//!
//! The log record is written in `Drop`, so that no path through the pipeline, a viewer that hangs up included, can leave
//! a request without one.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use edgeward_cache::{AcceptedCodings, Timestamp};
use edgeward_http_rules::SelectionMode;
use edgeward_net::Connection;
use edgeward_plan::{CacheBehavior, CachingRules, Distribution};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode};

use crate::cache_status::CacheStatus;
use crate::explain::Explanation;
use crate::identity::RequestId;
use crate::outcome::{Detail, ResultType};
use crate::set_aside::SetAside;
use crate::stages::websocket::ExtendedConnect;
use crate::viewer_content::ContentReceived;
use crate::viewer_facts::HeaderNames;
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
    pub(crate) content_received: Option<Arc<ContentReceived>>,
    /// Set once the answer is an error that the distribution has a page for: from then on it is the page that is asked
    /// for.
    pub(crate) error_page: Option<PageInstead>,
    /// Set where the distribution tells an origin about them.
    pub(crate) header_names: Option<HeaderNames>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) cache_status: CacheStatus,
    pub(crate) set_aside: SetAside,
    /// The origin answered a request for a range with everything, and so does the edge.
    pub(crate) range_is_ignored: AtomicBool,
    /// Set where the viewer may know why it gets what it gets.
    pub(crate) explanation: Option<Box<Explanation>>,
    /// No viewer waits for it: it is not logged.
    pub(crate) is_errand: bool,
}

/// A page that stands in place of an error.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageInstead {
    /// What viewers see with it.
    pub(crate) status: StatusCode,
    /// What the error was.
    pub(crate) detail: Detail,
}

/// Where a request belongs.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) distribution: Arc<Distribution>,
    pub(crate) behavior: Arc<CacheBehavior>,
    /// The default root object's path, where it stands in for `/`, or an error page's.
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
    /// A request of the edge's own for the same response, content included.
    pub(crate) fn errand(&self) -> Box<Exchange> {
        let mut request = self.request.clone();
        if request.method == Method::HEAD {
            request.method = Method::GET;
        }
        Box::new(Exchange {
            worker: Arc::clone(&self.worker),
            connection: Arc::clone(&self.connection),
            request,
            section_bytes: self.section_bytes,
            id: RequestId::random(),
            received: self.received,
            route: self.route.clone(),
            content_received: None,
            error_page: self.error_page,
            header_names: self.header_names.clone(),
            outcome: None,
            cache_status: CacheStatus::default(),
            set_aside: SetAside::default(),
            range_is_ignored: AtomicBool::new(false),
            explanation: None,
            is_errand: true,
        })
    }

    /// The path that behaviors, cache key and origin see.
    pub(crate) fn path(&self) -> &str {
        let rewritten = self.route.as_ref().and_then(|route| route.rewritten_path.as_deref());
        rewritten.unwrap_or(self.request.uri.path())
    }

    /// The query string that cache key and origin see: an error page has none.
    pub(crate) fn query(&self) -> Option<&str> {
        self.request.uri.query().filter(|_| self.error_page.is_none())
    }

    /// The method that cache and origin see. Error pages are read, whatever the viewer asked for.
    pub(crate) fn method(&self) -> &Method {
        static GET: Method = Method::GET;
        if self.error_page.is_some() && self.request.method != Method::HEAD { &GET } else { &self.request.method }
    }

    /// ErrorCachingMinTTL of a status, in seconds.
    pub(crate) fn error_min_ttl(&self, status: StatusCode) -> u64 {
        self.route.as_ref().map_or(0, |route| route.distribution.error_responses.caching_min_ttl(status))
    }

    /// Whose caching rules apply.
    pub(crate) fn rules(&self) -> CachingRules {
        self.route.as_ref().map_or_else(CachingRules::default, |route| route.behavior.cache.rules)
    }

    /// Whether any cookies reach the origin.
    pub(crate) fn forwards_cookies(&self) -> bool {
        self.route.as_ref().is_some_and(|route| route.behavior.forwarding.cookies.mode() != SelectionMode::None)
    }

    /// Where CloudFront forwards cookies takes each viewer's request for its own: requests are not collapsed, and what
    /// is stored is fetched anew where it is stale, not validated (guide, Cookies and
    /// RequestAndResponseBehaviorCustomOrigin, simultaneous requests).
    pub(crate) fn is_personal(&self) -> bool {
        self.rules() == CachingRules::CloudFront && self.forwards_cookies()
    }

    /// The codings that the cache key holds and the origin is asked for.
    pub(crate) fn accepted_codings(&self) -> AcceptedCodings {
        let Some(route) = &self.route else { return AcceptedCodings::Absent };
        AcceptedCodings::of(self.request.version, &self.request.headers, &route.behavior.cache)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.worker.engine.clock.now()
    }

    /// Whether the viewer asked by extended CONNECT: with success the stream is a tunnel, and no content of the edge's.
    pub(crate) fn is_extended_connect(&self) -> bool {
        self.request.extensions.get::<ExtendedConnect>().is_some()
    }

    /// Whether the viewer came over https.
    pub(crate) fn is_https(&self) -> bool {
        self.connection.tls.is_some()
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.is_errand {
            self.worker.log_exchange(self);
        }
    }
}
