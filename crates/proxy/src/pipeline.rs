//! The life of a request, in order. Start reading here.
//!
//! 1. `stages::receive`          well-formed, within limits, for which host
//! 2. `stages::route`            host -> distribution, path -> cache behavior
//! 3. `stages::viewer_request`   viewer protocol policy, allowed methods; may answer at once
//! 4. `stages::cache_lookup`     cache key, stored response: fresh, stale or missing
//! 5. `stages::origin_fetch`     collapse, ask the origin, store while streaming (only when nothing fresh is stored)
//! 6. `stages::viewer_response`  conditions, range, response fields; the record is logged when the content ends
//!
//! A hit runs through without waiting and without a heap-allocated future; only stage 5 is asynchronous.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Poll};

use edgeward_net::{Connection, ViewerService};
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;

use crate::access_log::section_bytes;
use crate::content::ResponseContent;
use crate::exchange::Exchange;
use crate::identity::RequestId;
use crate::outcome::ResultType;
use crate::stages::{cache_lookup, origin_fetch, receive, route, viewer_request, viewer_response};
use crate::worker::Worker;

/// Answers the requests of one worker's connections.
#[derive(Clone)]
pub(crate) struct Pipeline {
    worker: Arc<Worker>,
}

impl Pipeline {
    pub(crate) fn new(worker: Arc<Worker>) -> Pipeline {
        Pipeline { worker }
    }

    fn handle(&self, connection: &Arc<Connection>, request: Request<Incoming>) -> Answer {
        let (mut exchange, content) = self.begin(connection, request);
        let routed =
            receive::check(&exchange).and_then(|host| route::find(&exchange, &self.worker.engine.plan.load(), &host));
        let admitted = routed.and_then(|route| {
            exchange.route = Some(route);
            viewer_request::admit(&exchange)
        });
        if let Err(early) = admitted {
            return Answer::ready(viewer_response::answer_early(exchange, early));
        }
        match cache_lookup::find(&exchange) {
            cache_lookup::Found::Fresh(stored) => {
                let now = exchange.received;
                Answer::ready(viewer_response::from_stored(exchange, &stored, ResultType::Hit, now))
            }
            cache_lookup::Found::Lacking(lacking) => {
                Answer::Pending(Box::pin(origin_fetch::answer(exchange, content, lacking)))
            }
            cache_lookup::Found::NotCacheable => Answer::Pending(Box::pin(origin_fetch::pass(exchange, content))),
        }
    }

    fn begin(&self, connection: &Arc<Connection>, request: Request<Incoming>) -> (Box<Exchange>, Incoming) {
        let engine = &self.worker.engine;
        let (parts, content) = request.into_parts();
        let exchange = Box::new(Exchange {
            worker: Arc::clone(&self.worker),
            connection: Arc::clone(connection),
            section_bytes: section_bytes(&parts.headers),
            request: parts,
            id: RequestId::random(),
            received: engine.clock.now(),
            route: None,
            content_received: (!content.is_end_stream()).then(|| Arc::new(AtomicU64::new(0))),
            outcome: None,
        });
        (exchange, content)
    }
}

impl ViewerService for Pipeline {
    type Body = ResponseContent;
    type Future = Answer;

    fn call(&self, connection: &Arc<Connection>, request: Request<Incoming>) -> Answer {
        self.handle(connection, request)
    }
}

/// A response, now or once the origin has answered.
pub(crate) enum Answer {
    Ready(Option<Response<ResponseContent>>),
    Pending(Pin<Box<dyn Future<Output = Response<ResponseContent>> + Send>>),
}

impl Answer {
    fn ready(response: Response<ResponseContent>) -> Answer {
        Answer::Ready(Some(response))
    }
}

impl Future for Answer {
    type Output = Response<ResponseContent>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Answer::Ready(response) => response.take().map_or(Poll::Pending, Poll::Ready),
            Answer::Pending(future) => future.as_mut().poll(context),
        }
    }
}
