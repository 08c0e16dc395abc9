//! Runs the streams of HTTP/2 connections, each as a task of its worker.
//!
//! Invariant: a panic ends one stream (its viewer sees it reset) and is counted. Used by `http2`.
//!
//! Polling a stream once in place before it becomes a task was tried, as most answers are ready at once: 2 % less CPU
//! per stored response, not enough for the second kind of waker that every future of the pipeline would have to bear.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::rt::Executor;
use pin_project_lite::pin_project;

use super::Shared;
use super::worker::PanicCount;

/// The executor of one worker's HTTP/2 connections.
#[derive(Clone, Debug)]
pub(super) struct StreamExecutor {
    shared: Arc<Shared>,
}

impl StreamExecutor {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

impl<F> Executor<F> for StreamExecutor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        tokio::spawn(CountingPanics { future: stream, _panics: PanicCount::new(Arc::clone(&self.shared)) });
    }
}

pin_project! {
    struct CountingPanics<F> {
        #[pin]
        future: F,
        _panics: PanicCount,
    }
}

impl<F: Future<Output = ()>> Future for CountingPanics<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().future.poll(cx)
    }
}
