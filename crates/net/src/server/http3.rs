//! One HTTP/3 viewer connection over QUIC, from its first stream to its close.
//!
//! Invariant: a response that was not sent to its end is reset, never finished, so that no viewer takes a part for the
//! whole. Ends by its time limits, after the requests in progress once the server leaves (GOAWAY), or by the viewer. Run by
//! `worker`.

use std::error::Error;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use h3::error::{Code, ConnectionError, StreamError};
use h3::server::{Connection as Http3Connection, RequestResolver, RequestStream};
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING, UPGRADE};
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use hyper::rt::Executor;
use quinn::VarInt;
use tokio::time::timeout;

use super::Shared;
use super::executor::StreamExecutor;
use super::service::{TrackedBody, ViewerService};
use super::viewer_streams::{self, Stopped, Stops, ViewerStreams};
use super::watchdog::{Http, Watchdog, refusal_of};
use crate::connection::{Connection, Phase};
use crate::frames::Allowance;
use crate::http3_content::{Http3Content, Receiving};
use crate::limits::{ViewerLimits, ViewerRefusal};
use crate::request_content::RequestContent;

type Sending = RequestStream<viewer_streams::Sending, Bytes>;
type Resolver = RequestResolver<ViewerStreams, Bytes>;

/// Serves one connection; resolves when it is over, whatever the reason.
pub(super) async fn serve<S: ViewerService>(
    quic: quinn::Connection,
    service: S,
    connection: Arc<Connection>,
    shared: Arc<Shared>,
) {
    let mut builder = h3::server::builder();
    builder.max_field_section_size(shared.limits.max_head_bytes as u64);
    let stops = Stops::default();
    let streams = ViewerStreams::new(quic.clone(), stops.clone());
    let opened = timeout(shared.limits.header_timeout, builder.build(streams)).await;
    // A viewer that is gone already, or takes no control stream.
    let Ok(Ok(http)) = opened else { return };
    let serving = Serving {
        quic,
        http,
        stops,
        watchdog: Watchdog::new(&shared.limits, Http::Three),
        service,
        connection,
        is_closing: false,
        said_so: false,
        resets: Arc::default(),
        allowance: Allowance::new(shared.limits.max_reset_streams),
        paid: Instant::now(),
        shared,
    };
    serving.run().await;
}

struct Serving<S> {
    quic: quinn::Connection,
    http: Http3Connection<ViewerStreams, Bytes>,
    stops: Stops,
    watchdog: Watchdog,
    service: S,
    connection: Arc<Connection>,
    shared: Arc<Shared>,
    is_closing: bool,
    /// GOAWAY was sent.
    said_so: bool,
    /// Requests that the viewer gave up, since they were paid for last.
    resets: Arc<AtomicU32>,
    allowance: Allowance,
    paid: Instant,
}

/// What a connection wakes up for.
#[expect(clippy::large_enum_variant, reason = "lives on the stack for one turn")]
enum Event {
    Accepted(Result<Option<Resolver>, ConnectionError>),
    Expired(Phase),
    Leave,
}

impl<S: ViewerService> Serving<S> {
    async fn run(mut self) {
        loop {
            match self.next_event().await {
                Event::Accepted(Ok(Some(resolver))) => self.begin(resolver),
                Event::Expired(Phase::Idle) | Event::Leave if !self.is_closing => self.is_closing = true,
                Event::Expired(phase) => {
                    refusal_of(phase).into_iter().for_each(|refusal| self.shared.refusals.count(refusal));
                    return;
                }
                // The viewer is gone, or broke the protocol.
                Event::Accepted(_) | Event::Leave => return,
            }
            if !self.pays_for_resets() {
                self.quic.close(VarInt::from_u32(EXCESSIVE_LOAD), b"");
                return self.shared.cut_off(self.connection.viewer, ViewerRefusal::ResetStreams);
            }
            self.is_closing |= self.connection.is_used_up();
            if self.is_closing && !self.says_goodbye().await {
                return;
            }
            if self.is_closing && self.connection.phase() == Phase::Idle {
                // The last response is on its way: closing at once would have nobody send its lost packets again. What the
                // viewer sent before it heard of the end is answered, too.
                match timeout(LINGER, self.http.accept()).await {
                    Ok(Ok(Some(resolver))) => self.begin(resolver),
                    _gone_or_silent => return,
                }
            }
        }
    }

    /// Sends GOAWAY, once, which leaves room for requests that are on their way; `false` where nobody hears it.
    async fn says_goodbye(&mut self) -> bool {
        let on_their_way = self.shared.limits.max_concurrent_streams as usize;
        std::mem::replace(&mut self.said_so, true) || self.http.shutdown(on_their_way).await.is_ok()
    }

    /// Streams that are opened only to be given up cost an allowance that time refills (CVE-2023-44487, in QUIC too).
    fn pays_for_resets(&mut self) -> bool {
        let passed = std::mem::replace(&mut self.paid, Instant::now()).elapsed();
        self.allowance.pay(self.resets.swap(0, Ordering::Relaxed), 0, passed)
    }

    async fn next_event(&mut self) -> Event {
        let Self { http, watchdog, connection, shared, is_closing, .. } = self;
        tokio::select! {
            accepted = http.accept() => Event::Accepted(accepted),
            phase = poll_fn(|cx| watchdog.poll(cx, connection, &shared.limits)) => Event::Expired(phase),
            () = shared.leave.requested(), if !*is_closing => Event::Leave,
        }
    }

    fn begin(&self, resolver: Resolver) {
        let answering =
            answer(resolver, self.service.clone(), Arc::clone(&self.connection), self.shared.limits.clone());
        let (quic, resets) = (self.quic.clone(), Arc::clone(&self.resets));
        let stopped = self.stops.take();
        StreamExecutor::new(Arc::clone(&self.shared)).execute(async move {
            tokio::select! {
                biased;
                answered = answering => {
                    if answered.is_err() {
                        resets.fetch_add(1, Ordering::Relaxed);
                    }
                }
                // Dropping what is done for the viewer says so to the pipeline: it gave up this request, or is gone.
                () = stopped_of(stopped) => {
                    resets.fetch_add(1, Ordering::Relaxed);
                }
                _gone = quic.closed() => {}
            }
        });
    }
}

/// Completes once the viewer wants no response any more.
async fn stopped_of(stopped: Option<Stopped>) {
    match stopped {
        Some(stopped) => stopped.await,
        None => std::future::pending().await,
    }
}

/// One request, from its header section to the end of its response, unless the viewer gives it up.
async fn answer<S: ViewerService>(
    resolver: Resolver,
    service: S,
    connection: Arc<Connection>,
    limits: ViewerLimits,
) -> Result<(), GivenUp> {
    // h3 has answered what is malformed.
    let resolved = timeout(limits.header_timeout, resolver.resolve_request()).await;
    let (request, stream) = resolved.map_err(|_| GivenUp)?.map_err(|_| GivenUp)?;
    let in_progress = connection.begin_request();
    connection.moved();
    let (send, receive) = stream.split();
    let mut sending = ResponseStream { stream: send, ending: Ending::Reset(Code::H3_INTERNAL_ERROR) };
    let is_head = request.method() == Method::HEAD;
    let Some(request) = with_content(request, receive, &connection, limits.header_timeout).await else {
        sending.ending = Ending::Reset(Code::H3_MESSAGE_ERROR);
        return Err(GivenUp);
    };
    let response = service.call(&connection, request).await;
    let response = response.map(|body| TrackedBody::new(body, in_progress));
    // Dropping what is left of the response says so to the pipeline.
    sending.send(response, is_head, &connection).await.map_err(|_| GivenUp)
}

/// The viewer did not go through with a request.
#[derive(Clone, Copy, Debug)]
struct GivenUp;

/// The request with its content; `None` when it is malformed (RFC 9114 sections 4.1.2 and 4.2), or its beginning is not all
/// there in time.
async fn with_content(
    request: Request<()>,
    receive: Receiving,
    connection: &Arc<Connection>,
    patience: Duration,
) -> Option<Request<RequestContent>> {
    let length = content_length(request.headers())?;
    if has_connection_fields(request.headers()) {
        return None;
    }
    let mut content = Http3Content::new(receive, Arc::clone(connection), length);
    let begins = content.begins();
    // Whether there is content shows in the next frame. Only of methods that seldom have any is that waited for: others may
    // wait for the response before they send.
    let has_content = match *request.method() {
        Method::GET | Method::HEAD | Method::OPTIONS | Method::DELETE => timeout(patience, begins).await.ok()?.ok()?,
        _ if length == Some(0) => timeout(patience, begins).await.ok()?.ok()?,
        _ => tokio::select! {
            biased;
            begun = begins => begun.ok()?,
            () = std::future::ready(()) => true,
        },
    };
    let content = if has_content { RequestContent::Http3(Box::new(content)) } else { RequestContent::Empty };
    Some(request.map(|()| content))
}

/// `Some(None)` without the field, `None` where it is no length.
fn content_length(fields: &HeaderMap) -> Option<Option<u64>> {
    let mut values = fields.get_all(CONTENT_LENGTH).iter();
    let Some(value) = values.next() else { return Some(None) };
    let text = value.to_str().ok().filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))?;
    if values.next().is_some() { None } else { text.parse().ok().map(Some) }
}

/// RFC 9114 section 4.2: fields about a connection have no place in HTTP/3.
fn has_connection_fields(fields: &HeaderMap) -> bool {
    let is_other_te = |value: &HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"trailers");
    CONNECTION_FIELDS.iter().any(|name| fields.contains_key(name)) || fields.get_all(TE).iter().any(is_other_te)
}

/// The sending half of a request stream, which ends as it was told to last.
struct ResponseStream {
    stream: Sending,
    ending: Ending,
}

enum Ending {
    Finished,
    Reset(Code),
}

impl ResponseStream {
    async fn send<B>(
        &mut self,
        response: Response<B>,
        is_head: bool,
        connection: &Connection,
    ) -> Result<(), StreamError>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
    {
        let (mut parts, body) = response.into_parts();
        let mut body = pin!(body);
        if !is_head && has_content(parts.status) && !parts.headers.contains_key(CONTENT_LENGTH) {
            parts.headers.extend(body.size_hint().exact().map(|length| (CONTENT_LENGTH, HeaderValue::from(length))));
        }
        self.stream.send_response(Response::from_parts(parts, ())).await?;
        connection.moved();
        while let Some(frame) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await.map(Result::ok) {
            // Without a frame the content broke off: the viewer must not take what it has for all of it.
            let Some(frame) = frame else { return Ok(()) };
            if let Ok(data) = frame.into_data() {
                self.stream.send_data(data).await?;
                connection.moved();
            }
        }
        self.stream.finish().await?;
        self.ending = Ending::Finished;
        Ok(())
    }
}

impl Drop for ResponseStream {
    fn drop(&mut self) {
        // quinn would finish a stream that is merely dropped.
        if let Ending::Reset(code) = self.ending {
            self.stream.stop_stream(code);
        }
    }
}

fn has_content(status: StatusCode) -> bool {
    !status.is_informational() && status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED
}

static CONNECTION_FIELDS: [HeaderName; 5] = [
    CONNECTION,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// `H3_EXCESSIVE_LOAD` (RFC 9114 section 8.1).
const EXCESSIVE_LOAD: u32 = 0x107;
/// How long a connection stays after its last response when the server stops.
const LINGER: Duration = Duration::from_millis(500);
