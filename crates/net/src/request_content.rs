//! The content of a viewer's request, whichever protocol carries it.
//!
//! Invariant: content is as long as Content-Length says or ends in an error (RFC 9112 section 6.3, RFC 9113 section 8.1.1,
//! RFC 9114 section 4.1.2). Made by `server`, read by the pipeline.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use crate::http3_content::{Http3Content, Http3ContentError};

/// Content of a request. Dropping it tells an HTTP/2 or HTTP/3 viewer to send no more.
#[derive(Debug)]
pub enum RequestContent {
    /// Over HTTP/1.1 or HTTP/2.
    Hyper(Incoming),
    /// Over HTTP/3; boxed, since most requests have none.
    Http3(Box<Http3Content>),
    /// There is none.
    Empty,
}

/// Why content ends early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestContentError {
    /// Over HTTP/1.1 or HTTP/2.
    #[error(transparent)]
    Hyper(#[from] hyper::Error),
    /// Over HTTP/3.
    #[error(transparent)]
    Http3(#[from] Http3ContentError),
}

impl Body for RequestContent {
    type Data = Bytes;
    type Error = RequestContentError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestContentError>>> {
        match self.get_mut() {
            Self::Hyper(content) => Pin::new(content).poll_frame(cx).map_err(Into::into),
            Self::Http3(content) => Pin::new(content.as_mut()).poll_frame(cx).map_err(Into::into),
            Self::Empty => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Hyper(content) => content.is_end_stream(),
            Self::Http3(content) => content.is_end_stream(),
            Self::Empty => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Hyper(content) => content.size_hint(),
            Self::Http3(content) => content.size_hint(),
            Self::Empty => SizeHint::with_exact(0),
        }
    }
}
