//! What must hold for any bytes that a viewer sends, for fuzzers: the real parser under the real witness and meter, with
//! a second opinion written from the RFCs.
//!
//! Only built for tests and with the feature `fuzzing`. Called by `crates/fuzz`.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::http1;
use super::service::{ConnectionService, ViewerService};
use crate::connection::{Connection, ViewerIo};
use crate::frames::{Counted, FrameMeter};
use crate::limits::ViewerLimits;
use crate::request_content::RequestContent;

/// An HTTP/2 viewer's bytes: how they are cut into reads does not change what the meter counts.
pub fn frames(data: &[u8]) {
    let Some((cut, stream)) = data.split_first() else { return };
    let counted = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut meter = FrameMeter::new();
        let sum = pieces.fold(Counted::default(), |sum, piece| {
            let Counted { requests, controls, resets } = meter.read(piece);
            Counted {
                requests: sum.requests + requests,
                controls: sum.controls + controls,
                resets: sum.resets + resets,
            }
        });
        (sum, meter.is_within_head())
    };
    let whole = counted(&mut std::iter::once(stream));
    assert_eq!(counted(&mut stream.chunks(usize::from(*cut) + 1)), whole);
}

/// An HTTP/1.1 viewer's bytes: two framings of the first request are seen, one is not taken for two, and what its chunks
/// hold is what a strict reader finds in them.
pub fn requests(data: &[u8]) {
    let Some((cut, stream)) = data.split_first() else { return };
    let seen = serve(stream, usize::from(*cut) + 1);
    let Some(first) = seen.first().filter(|first| first.is_chunked) else { return };
    let start = stream.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let (head, rest) = stream.split_at(start + head_length(stream.get(start..).unwrap_or_default()));
    assert_eq!(first.is_ambiguous, has_content_length(head), "two framings");
    if let Some(content) = &first.content {
        assert_eq!(Some(&**content), strict_chunks(rest).as_deref(), "chunks");
    }
}

/// A request as it reached the service.
struct Seen {
    is_chunked: bool,
    is_ambiguous: bool,
    /// `None`: it broke off.
    content: Option<Bytes>,
}

#[expect(clippy::expect_used, reason = "a fuzzer without a runtime cannot go on")]
fn serve(stream: &[u8], piece: usize) -> Vec<Seen> {
    let limits = ViewerLimits { half_closed_timeout: Duration::ZERO, ..ViewerLimits::default() };
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let connection = Arc::new(Connection::new(nowhere, nowhere, None, &limits));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let script = Script { left: stream.to_vec(), piece };
    let io = TokioIo::new(ViewerIo::<_, true>::new(script, Arc::clone(&connection), &limits));
    let service = ConnectionService::<_, true>::new(Recorder(Arc::clone(&seen)), connection);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        // An error is the parser's refusal.
        let _refused = http1::builder(&limits).serve_connection(io, service).await;
    });
    std::mem::take(&mut *seen.lock())
}

/// Notes every request, and reads it to its end.
#[derive(Clone)]
struct Recorder(Arc<Mutex<Vec<Seen>>>);

impl ViewerService for Recorder {
    type Body = Empty<Bytes>;
    type Future = Pin<Box<dyn Future<Output = Response<Empty<Bytes>>> + Send>>;

    fn call(&self, connection: &Arc<Connection>, request: Request<RequestContent>) -> Self::Future {
        let is_chunked = request.headers().contains_key(http::header::TRANSFER_ENCODING);
        let is_ambiguous = connection.ambiguous_framing();
        let seen = Arc::clone(&self.0);
        Box::pin(async move {
            let content = request.into_body().collect().await.ok().map(http_body_util::Collected::to_bytes);
            seen.lock().push(Seen { is_chunked, is_ambiguous, content });
            Response::new(Empty::new())
        })
    }
}

/// Bytes that come in pieces and then end; what is written is gone.
struct Script {
    left: Vec<u8>,
    piece: usize,
}

impl AsyncRead for Script {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let length = self.piece.min(self.left.len()).min(buf.remaining());
        let rest = self.left.split_off(length);
        buf.put_slice(&self.left);
        self.left = rest;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Up to the first empty line and with it.
fn head_length(bytes: &[u8]) -> usize {
    let mut length = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        length += line.len();
        if matches!(line, b"\n" | b"\r\n") {
            break;
        }
    }
    length
}

fn has_content_length(head: &[u8]) -> bool {
    let name_of = |line: &[u8]| line.split(|byte| *byte == b':').next().unwrap_or_default().to_ascii_lowercase();
    head.split(|byte| *byte == b'\n').any(|line| name_of(line) == b"content-length")
}

/// RFC 9112 section 7.1, without what a recipient may tolerate but white space behind the size.
fn strict_chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    loop {
        let line_length = rest.windows(2).position(|pair| pair == b"\r\n")?;
        let (line, behind) = rest.split_at(line_length);
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let (size, extensions) = line.split_at(digits);
        let is_sound = matches!(extensions.trim_ascii_start(), [] | [b';', ..]) && !extensions.contains(&b'\n');
        let size = u64::from_str_radix(std::str::from_utf8(size).ok()?, 16).ok().filter(|_| is_sound)?;
        rest = behind.get(2..)?;
        if size == 0 {
            return Some(content);
        }
        let (data, behind) = rest.split_at_checked(usize::try_from(size).ok()?)?;
        content.extend_from_slice(data);
        rest = behind.strip_prefix(b"\r\n")?;
    }
}
