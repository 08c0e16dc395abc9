//! The streams of a QUIC connection as h3 wants them, with word of a viewer that does not want a response any more.
//!
//! `h3_quinn` keeps quinn's streams to itself, and h3 tells of STOP_SENDING only when something is written. A request can
//! wait for its origin for a long time before that. Invariant: what h3 is handed last is what `Stops` tells of. Used by
//! `http3`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h3::error::Code;
use h3::quic::{self, ConnectionErrorIncoming, StreamErrorIncoming, StreamId, WriteBuf};
use parking_lot::Mutex;
use quinn::{ConnectionError, ReadError, VarInt, WriteError};

type Later<T> = Pin<Box<dyn Future<Output = T> + Send + Sync>>;
type Accepted = Result<(quinn::SendStream, quinn::RecvStream), ConnectionError>;
type Read = (quinn::RecvStream, Result<Option<quinn::Chunk>, ReadError>);

/// Completes once the viewer has stopped the stream, or has all of it.
pub(super) type Stopped = Later<()>;

/// Of the request stream that was accepted last.
#[derive(Clone, Default)]
pub(super) struct Stops(Arc<Mutex<Option<Stopped>>>);

impl Stops {
    pub(super) fn take(&self) -> Option<Stopped> {
        self.0.lock().take()
    }
}

/// A connection whose request streams are quinn's own; all others are left to `h3_quinn`.
pub(super) struct ViewerStreams {
    quic: quinn::Connection,
    others: h3_quinn::Connection,
    accepting: Option<Later<Accepted>>,
    stops: Stops,
}

impl ViewerStreams {
    pub(super) fn new(quic: quinn::Connection, stops: Stops) -> Self {
        Self { others: h3_quinn::Connection::new(quic.clone()), quic, accepting: None, stops }
    }
}

impl quic::Connection<Bytes> for ViewerStreams {
    type RecvStream = h3_quinn::RecvStream;
    type OpenStreams = Opener;

    fn poll_accept_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Self::RecvStream, ConnectionErrorIncoming>> {
        quic::Connection::<Bytes>::poll_accept_recv(&mut self.others, cx)
    }

    fn poll_accept_bidi(&mut self, cx: &mut Context<'_>) -> Poll<Result<RequestStream, ConnectionErrorIncoming>> {
        let quic = &self.quic;
        let accepting = self.accepting.get_or_insert_with(|| {
            let quic = quic.clone();
            Box::pin(async move { quic.accept_bi().await })
        });
        let accepted = ready!(accepting.as_mut().poll(cx));
        self.accepting = None;
        let (send, receive) = accepted.map_err(of_connection)?;
        let id = StreamId::try_from(u64::from(send.id()));
        let id = id.map_err(|error| ConnectionErrorIncoming::InternalError(error.to_string()))?;
        let stopped = send.stopped();
        *self.stops.0.lock() = Some(Box::pin(async move { drop(stopped.await) }));
        Poll::Ready(Ok(RequestStream { send: Sending::new(id, send), receive: Receiving::new(id, receive) }))
    }

    fn opener(&self) -> Opener {
        Opener(quic::Connection::<Bytes>::opener(&self.others))
    }
}

/// Opens the streams that are the edge's own.
pub(super) struct Opener(h3_quinn::OpenStreams);

impl quic::OpenStreams<Bytes> for Opener {
    type BidiStream = RequestStream;
    type SendStream = h3_quinn::SendStream<Bytes>;

    fn poll_open_bidi(&mut self, _: &mut Context<'_>) -> Poll<Result<RequestStream, StreamErrorIncoming>> {
        Poll::Ready(Err(no_requests()))
    }

    fn poll_open_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<Self::SendStream, StreamErrorIncoming>> {
        self.0.poll_open_send(cx)
    }

    fn close(&mut self, code: Code, reason: &[u8]) {
        quic::OpenStreams::<Bytes>::close(&mut self.0, code, reason);
    }
}

impl quic::OpenStreams<Bytes> for ViewerStreams {
    type BidiStream = RequestStream;
    type SendStream = h3_quinn::SendStream<Bytes>;

    fn poll_open_bidi(&mut self, _: &mut Context<'_>) -> Poll<Result<RequestStream, StreamErrorIncoming>> {
        Poll::Ready(Err(no_requests()))
    }

    fn poll_open_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<Self::SendStream, StreamErrorIncoming>> {
        self.others.poll_open_send(cx)
    }

    fn close(&mut self, code: Code, reason: &[u8]) {
        quic::OpenStreams::<Bytes>::close(&mut self.others, code, reason);
    }
}

/// Both halves of a request stream.
pub(super) struct RequestStream {
    send: Sending,
    receive: Receiving,
}

impl quic::BidiStream<Bytes> for RequestStream {
    type SendStream = Sending;
    type RecvStream = Receiving;

    fn split(self) -> (Sending, Receiving) {
        (self.send, self.receive)
    }
}

impl quic::SendStream<Bytes> for RequestStream {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        self.send.poll_ready(cx)
    }

    fn send_data<T: Into<WriteBuf<Bytes>>>(&mut self, data: T) -> Result<(), StreamErrorIncoming> {
        self.send.send_data(data)
    }

    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        self.send.poll_finish(cx)
    }

    fn reset(&mut self, code: u64) {
        self.send.reset(code);
    }

    fn send_id(&self) -> StreamId {
        self.send.send_id()
    }
}

impl quic::RecvStream for RequestStream {
    type Buf = Bytes;

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, StreamErrorIncoming>> {
        self.receive.poll_data(cx)
    }

    fn stop_sending(&mut self, code: u64) {
        self.receive.stop_sending(code);
    }

    fn recv_id(&self) -> StreamId {
        self.receive.recv_id()
    }
}

/// The half that carries the response.
pub(super) struct Sending {
    id: StreamId,
    stream: quinn::SendStream,
    unsent: Option<WriteBuf<Bytes>>,
}

impl Sending {
    fn new(id: StreamId, stream: quinn::SendStream) -> Self {
        Self { id, stream, unsent: None }
    }
}

impl quic::SendStream<Bytes> for Sending {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        while let Some(unsent) = self.unsent.as_mut().filter(|unsent| unsent.has_remaining()) {
            let written = ready!(Pin::new(&mut self.stream).poll_write(cx, unsent.chunk())).map_err(of_writing)?;
            unsent.advance(written);
        }
        self.unsent = None;
        Poll::Ready(Ok(()))
    }

    fn send_data<T: Into<WriteBuf<Bytes>>>(&mut self, data: T) -> Result<(), StreamErrorIncoming> {
        self.unsent = Some(data.into());
        Ok(())
    }

    fn poll_finish(&mut self, _: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        Poll::Ready(self.stream.finish().map_err(|error| StreamErrorIncoming::Unknown(Box::new(error))))
    }

    fn reset(&mut self, code: u64) {
        // A stream that has ended needs no reset.
        let _ended = self.stream.reset(code_of(code));
    }

    fn send_id(&self) -> StreamId {
        self.id
    }
}

/// The half that carries the request.
pub(crate) struct Receiving {
    id: StreamId,
    /// `None` while `reading` has it.
    stream: Option<quinn::RecvStream>,
    reading: Option<Later<Read>>,
}

impl Receiving {
    fn new(id: StreamId, stream: quinn::RecvStream) -> Self {
        Self { id, stream: Some(stream), reading: None }
    }
}

impl quic::RecvStream for Receiving {
    type Buf = Bytes;

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, StreamErrorIncoming>> {
        if let Some(mut stream) = self.stream.take() {
            self.reading = Some(Box::pin(async move {
                let chunk = stream.read_chunk(usize::MAX, true).await;
                (stream, chunk)
            }));
        }
        let Some(reading) = &mut self.reading else { return Poll::Ready(Ok(None)) };
        let (stream, chunk) = ready!(reading.as_mut().poll(cx));
        (self.stream, self.reading) = (Some(stream), None);
        Poll::Ready(chunk.map(|chunk| chunk.map(|chunk| chunk.bytes)).map_err(of_reading))
    }

    fn stop_sending(&mut self, code: u64) {
        // A read that is under way has the stream; quinn stops one that is dropped, with code 0.
        self.reading = None;
        if let Some(stream) = &mut self.stream {
            let _ended = stream.stop(code_of(code));
        }
    }

    fn recv_id(&self) -> StreamId {
        self.id
    }
}

fn code_of(code: u64) -> VarInt {
    VarInt::from_u64(code).unwrap_or(VarInt::MAX)
}

fn no_requests() -> StreamErrorIncoming {
    let connection_error = ConnectionErrorIncoming::InternalError("a server has no requests".to_owned());
    StreamErrorIncoming::ConnectionErrorIncoming { connection_error }
}

fn of_connection(error: ConnectionError) -> ConnectionErrorIncoming {
    match error {
        ConnectionError::ApplicationClosed(closed) => {
            ConnectionErrorIncoming::ApplicationClose { error_code: closed.error_code.into_inner() }
        }
        ConnectionError::TimedOut => ConnectionErrorIncoming::Timeout,
        other => ConnectionErrorIncoming::Undefined(Arc::new(other)),
    }
}

fn of_reading(error: ReadError) -> StreamErrorIncoming {
    match error {
        ReadError::Reset(code) => StreamErrorIncoming::StreamTerminated { error_code: code.into_inner() },
        ReadError::ConnectionLost(error) => {
            StreamErrorIncoming::ConnectionErrorIncoming { connection_error: of_connection(error) }
        }
        other => StreamErrorIncoming::Unknown(Box::new(other)),
    }
}

fn of_writing(error: WriteError) -> StreamErrorIncoming {
    match error {
        WriteError::Stopped(code) => StreamErrorIncoming::StreamTerminated { error_code: code.into_inner() },
        WriteError::ConnectionLost(error) => {
            StreamErrorIncoming::ConnectionErrorIncoming { connection_error: of_connection(error) }
        }
        other => StreamErrorIncoming::Unknown(Box::new(other)),
    }
}
