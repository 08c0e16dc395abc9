//! The content of a request over HTTP/3, held against its Content-Length.
//!
//! Invariant: a viewer whose content is not read to its end is told to stop (RFC 9114 section 4.1). Made by
//! `server::http3`, read through `RequestContent`.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h3::error::{Code, StreamError};
use h3::server::RequestStream;
use http_body::{Body, Frame, SizeHint};

use crate::connection::Connection;

/// The receiving half of a request stream.
pub(crate) type Receiving = RequestStream<crate::server::viewer_streams::Receiving, Bytes>;

/// What is still to come of a request's content.
pub struct Http3Content {
    stream: Receiving,
    connection: Arc<Connection>,
    /// Received while it was found out whether there is any.
    first: Option<Bytes>,
    /// Bytes that Content-Length promises, `None` without that field.
    left: Option<u64>,
    has_ended: bool,
}

/// Why content ends early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Http3ContentError {
    /// The viewer reset the stream, or the connection ended.
    #[error("the viewer broke off: {0}")]
    Stream(#[from] StreamError),
    /// RFC 9114 section 4.1.2: malformed.
    #[error("the content is not as long as Content-Length says")]
    Length,
}

impl Http3Content {
    pub(crate) fn new(stream: Receiving, connection: Arc<Connection>, left: Option<u64>) -> Self {
        Self { stream, connection, first: None, left, has_ended: false }
    }

    /// Waits for the first piece of content or its end; returns whether there is any.
    pub(crate) async fn begins(&mut self) -> Result<bool, Http3ContentError> {
        self.first = std::future::poll_fn(|cx| self.poll_piece(cx)).await?;
        Ok(self.first.is_some())
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Http3ContentError>> {
        if self.has_ended {
            return Poll::Ready(Ok(None));
        }
        let Some(mut data) = ready!(self.stream.poll_recv_data(cx)).inspect_err(|_| self.has_ended = true)? else {
            self.has_ended = true;
            let is_whole = self.left.is_none_or(|left| left == 0);
            return Poll::Ready(if is_whole { Ok(None) } else { Err(Http3ContentError::Length) });
        };
        self.connection.moved();
        let piece = data.copy_to_bytes(data.remaining());
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(piece.len() as u64).ok_or(Http3ContentError::Length)?;
        }
        Poll::Ready(Ok(Some(piece)))
    }
}

impl Body for Http3Content {
    type Data = Bytes;
    type Error = Http3ContentError;

    /// Trailers are left unread: the pipeline forwards none.
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Http3ContentError>>> {
        let this = self.get_mut();
        if let Some(first) = this.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        let piece = ready!(this.poll_piece(cx));
        Poll::Ready(piece.transpose().map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && (self.has_ended || self.left == Some(0))
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().map_or(0, Bytes::len) as u64;
        self.left.map_or_else(SizeHint::default, |left| SizeHint::with_exact(left + first))
    }
}

impl Drop for Http3Content {
    fn drop(&mut self) {
        if !self.has_ended {
            self.stream.stop_sending(Code::H3_NO_ERROR);
        }
    }
}

impl std::fmt::Debug for Http3Content {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Http3Content").field("left", &self.left).finish_non_exhaustive()
    }
}
