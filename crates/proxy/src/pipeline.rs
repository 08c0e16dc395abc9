//! The life of a request, in order. Start reading here.
//!
//! 1. `stages::receive`          well-formed, within limits, for which host
//!    `stages::challenge`        a certificate authority that asks whose a name is, is answered
//! 2. `stages::route`            host -> distribution, path -> cache behavior
//! 3. `stages::viewer_request`   viewer protocol policy, allowed methods; may answer at once
//!    `stages::websocket`        a viewer that asks to switch to WebSocket leaves here, with a connection to the origin
//!    `stages::grpc`             a gRPC request skips to the last two, with a stream to the origin
//! 4. `stages::cache_lookup`     cache key, stored response: fresh, stale or missing
//! 5. `stages::origin_fetch`     collapse, ask the origin, store while streaming (only when nothing fresh is stored)
//! 6. `stages::error_page`       the distribution's own page in place of an error (only for errors)
//! 7. `stages::viewer_response`  conditions, range, response fields; the record is logged when the content ends
//!
//! A hit in memory, or in the system's memory of the disk, runs through without waiting and without a heap-allocated
//! future; only stages 5 and 6, and reading the disk, are asynchronous.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll};

use edgeward_net::{Connection, RequestContent, ViewerService};
use http::{Request, Response, Version};
use http_body::Body;

use crate::access_log::section_bytes;
use crate::cache_status::CacheStatus;
use crate::content::ResponseContent;
use crate::exchange::Exchange;
use crate::explain;
use crate::identity::RequestId;
use crate::outcome::ResultType;
use crate::set_aside::SetAside;
use crate::stages::cache_lookup::Found;
use crate::stages::viewer_response::Reply;
use crate::stages::websocket::Switch;
use crate::stages::{
    Early, cache_lookup, challenge, error_page, grpc, origin_fetch, receive, route, viewer_request, viewer_response,
    websocket,
};
use crate::viewer_facts;
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

    fn handle(&self, connection: &Arc<Connection>, request: Request<RequestContent>) -> Answer {
        let (exchange, content) = self.begin(connection, request);
        if receive::awaits_end(&exchange) {
            return Answer::pending(async move {
                match receive::end_of_request(exchange, content).await {
                    Ok((exchange, content)) => receive(exchange, content).await,
                    Err((exchange, refusal)) => finish(exchange, Reply::Refused(refusal)).await,
                }
            });
        }
        receive(exchange, content)
    }

    fn begin(&self, connection: &Arc<Connection>, request: Request<RequestContent>) -> (Box<Exchange>, RequestContent) {
        let engine = &self.worker.engine;
        let (mut parts, content) = request.into_parts();
        let received = engine.clock.now();
        let section_bytes = section_bytes(&parts.headers);
        websocket::adopt(&mut parts);
        let explanation = explain::asked_for(engine, &mut parts.headers, received);
        let exchange = Box::new(Exchange {
            worker: Arc::clone(&self.worker),
            connection: Arc::clone(connection),
            section_bytes,
            request: parts,
            id: RequestId::random(),
            received,
            route: None,
            content_received: (!content.is_end_stream()).then(Arc::default),
            error_page: None,
            header_names: None,
            outcome: None,
            cache_status: CacheStatus::default(),
            set_aside: SetAside::default(),
            range_is_ignored: AtomicBool::new(false),
            explanation,
            is_errand: false,
        });
        (exchange, content)
    }
}

/// From stage 1 on.
fn receive(mut exchange: Box<Exchange>, content: RequestContent) -> Answer {
    let routed = receive::check(&exchange).and_then(|host| {
        let plan = exchange.worker.engine.plan.load();
        challenge::check(&exchange, &plan, &host)?;
        route::find(&exchange, &plan, &host)
    });
    let admitted = routed.and_then(|route| {
        exchange.route = Some(route);
        explain::routed(&mut exchange);
        viewer_request::admit(&exchange)
    });
    if let Err(early) = admitted {
        return match early {
            Early::Refuse(refusal) => finish(exchange, Reply::Refused(refusal)),
            Early::Challenge(content) => Answer::ready(viewer_response::challenge(exchange, content)),
            Early::Redirect(status) => Answer::ready(viewer_response::redirect(exchange, status)),
        };
    }
    viewer_facts::state(&mut exchange);
    match websocket::asked(&mut exchange) {
        Err(refusal) => return finish(exchange, Reply::Refused(refusal)),
        Ok(None) => {}
        Ok(Some(viewer)) => {
            return Answer::pending(async move {
                match websocket::answer(exchange, viewer).await {
                    Switch::Made(response) => response,
                    Switch::Declined(exchange, reply) => finish_later(exchange, reply).await,
                }
            });
        }
    }
    if grpc::is_asked(&exchange) {
        return Answer::pending(async move {
            let reply = grpc::answer(&exchange, content).await;
            finish_later(exchange, reply).await
        });
    }
    let found = cache_lookup::find(&exchange);
    proceed(exchange, content, found)
}

/// From stage 4 on.
fn proceed(exchange: Box<Exchange>, content: RequestContent, found: Found) -> Answer {
    match found {
        Found::Fresh(stored) if error_page::is_wanted(&exchange, stored.head.status) => {
            let now = exchange.received;
            finish(exchange, Reply::stored(stored, ResultType::Hit, now))
        }
        Found::Fresh(stored) => {
            let now = exchange.received;
            Answer::ready(viewer_response::from_stored(exchange, &stored, ResultType::Hit, now))
        }
        Found::Aging(stored, lacking) => {
            origin_fetch::revalidate(&exchange, lacking);
            let now = exchange.received;
            Answer::ready(viewer_response::from_stored(exchange, &stored, ResultType::Hit, now))
        }
        Found::OnDisk(key) => Answer::pending(async move {
            let found = cache_lookup::recall(&exchange, key).await;
            proceed(exchange, content, found).await
        }),
        Found::Lacking(lacking) => Answer::pending(async move {
            unless_taken_back(&exchange).await;
            let reply = origin_fetch::answer(&exchange, Some(content), lacking).await;
            finish_later(exchange, reply).await
        }),
        Found::NotCacheable => Answer::pending(async move {
            unless_taken_back(&exchange).await;
            let reply = origin_fetch::pass(&exchange, Some(content)).await;
            finish_later(exchange, reply).await
        }),
    }
}

/// Lets the connection look whether the viewer has reset the stream already: then this is never come back to, and no origin
/// hears of it (rapid reset, CVE-2023-44487).
async fn unless_taken_back(exchange: &Exchange) {
    if exchange.request.version >= Version::HTTP_2 {
        tokio::task::yield_now().await;
    }
}

/// At once, unless there is a page to fetch.
fn finish(exchange: Box<Exchange>, reply: Reply) -> Answer {
    if error_page::is_wanted(&exchange, reply.status()) {
        return Answer::pending(finish_later(exchange, reply));
    }
    Answer::ready(viewer_response::answer(exchange, reply))
}

async fn finish_later(mut exchange: Box<Exchange>, reply: Reply) -> Response<ResponseContent> {
    let reply = error_page::replace(&mut exchange, reply).await;
    viewer_response::answer(exchange, reply)
}

impl ViewerService for Pipeline {
    type Body = ResponseContent;
    type Future = Answer;

    fn call(&self, connection: &Arc<Connection>, request: Request<RequestContent>) -> Answer {
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

    fn pending(response: impl Future<Output = Response<ResponseContent>> + Send + 'static) -> Answer {
        Answer::Pending(Box::pin(response))
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
