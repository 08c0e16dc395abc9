//! Runs the streams of HTTP/2 and HTTP/3 connections, each as a task of its worker.
//!
//! Invariant: a panic ends one stream (its viewer sees it reset) and is counted; so does a viewer that makes no room for
//! a stream's content. Used by `http2` and `http3`.
//!
//! Polling a stream once in place before it becomes a task was tried, as most answers are ready at once: 2 % less CPU
//! per stored response, not enough for the second kind of waker that every future of the pipeline would have to bear.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use hyper::rt::Executor;
use pin_project_lite::pin_project;

use super::Shared;
use super::stall::StallTimer;
use super::worker::PanicCount;
use crate::limits::ViewerRefusal;

/// The executor of one worker's HTTP/2 and HTTP/3 connections.
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
        let panics = PanicCount::new(Arc::clone(&self.shared));
        tokio::spawn(Stream { future: stream, stall: StallTimer::default(), panics });
    }
}

pin_project! {
    struct Stream<F> {
        #[pin]
        future: F,
        stall: StallTimer,
        panics: PanicCount,
    }
}

impl<F: Future<Output = ()>> Future for Stream<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        StallTimer::begin_turn();
        if this.future.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let shared = this.panics.shared();
        ready!(this.stall.poll(cx, &shared.limits));
        shared.refusals.count(ViewerRefusal::SlowReading);
        Poll::Ready(())
    }
}
