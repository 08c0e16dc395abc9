//! Receives the content of one origin response while viewers read along, and stores it once it is complete.
//!
//! Runs as a task of the worker, so that no viewer's pace or departure holds up another. Content to be compressed goes
//! through the encoder in small pieces with a pause after each, so that a worker never spends long on one response.
//! Called by `stages::origin_fetch`.

use std::io;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use edgeward_cache::{Body, Fed, Feed, Filling, Flight, Generation, ResponseHead, StoredResponse};
use edgeward_net::origin::OriginBody;
use http::{HeaderValue, header};
use http_body_util::BodyExt;
use tokio::sync::OwnedSemaphorePermit;

use crate::compression::{self, Candidate, Encoder};
use crate::exchange::Exchange;
use crate::refusal::Refusal;
use crate::worker::Worker;

/// Bytes that are compressed without a pause: a fraction of a millisecond, now and then two.
const STEP: usize = 16 * 1024;

/// Where the content goes.
pub(crate) struct Intake {
    feed: Feed,
    compression: Option<Compression>,
}

/// A response that is being compressed, and its share of the memory for it.
pub(crate) struct Compression {
    encoder: Encoder,
    _share: OwnedSemaphorePermit,
}

/// Compresses a response where CloudFront does, and turns its header section into that of the result. `length` is that
/// of the content, where the origin says it.
pub(crate) fn begin_compression(
    exchange: &Exchange,
    head: &mut ResponseHead,
    length: Option<u64>,
) -> Option<Compression> {
    let behavior = &exchange.route.as_ref()?.behavior;
    compression::check(&Candidate { status: head.status, headers: &head.headers, length }, behavior).ok()?;
    compression::vary(&mut head.headers);
    let coding = compression::preferred(exchange.accepted_codings())?;
    let share = Arc::clone(&exchange.worker.compressions).try_acquire_owned().ok()?;
    let encoder = Encoder::new(coding, length?).ok()?;
    head.compressed = Some(compression::apply(&mut head.headers, coding));
    Some(Compression { encoder, _share: share })
}

/// Nobody needs the rest.
struct Abandoned;

impl Intake {
    pub(crate) fn new(feed: Feed, compression: Option<Compression>) -> Intake {
        Intake { feed, compression }
    }

    async fn take(&mut self, piece: Bytes) -> Result<(), Abandoned> {
        let Some(compression) = &mut self.compression else { return give(&mut self.feed, Ok(piece)).await };
        for step in piece.chunks(STEP) {
            give(&mut self.feed, compression.encoder.push(step)).await?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    async fn finish(mut self) -> Option<Fed> {
        if let Some(compression) = self.compression {
            give(&mut self.feed, compression.encoder.finish()).await.ok()?;
        }
        Some(self.feed.finish().await)
    }
}

async fn give(feed: &mut Feed, ready: io::Result<Bytes>) -> Result<(), Abandoned> {
    // The encoders write to memory, which does not fail; if one did, the response would end here for everybody.
    let ready = ready.map_err(|_| Abandoned)?;
    if ready.is_empty() || feed.push(ready).await { Ok(()) } else { Err(Abandoned) }
}

/// Ends early, without storing, when the origin breaks off or no viewer is left.
pub(crate) async fn store(
    worker: Arc<Worker>,
    flight: Flight<Refusal>,
    filling: Arc<Filling>,
    mut intake: Intake,
    body: OriginBody,
) {
    let mut body = pin!(body);
    loop {
        intake.feed.ready().await;
        match body.frame().await {
            Some(Ok(frame)) => {
                if let Ok(piece) = frame.into_data()
                    && intake.take(piece).await.is_err()
                {
                    return;
                }
            }
            Some(Err(_broken)) => return,
            None => break,
        }
    }
    if let Some(Fed::Kept(body)) = intake.finish().await {
        let response = complete(&filling, flight.generation().clone(), body);
        worker.engine.cache.insert(&flight, Arc::new(response));
    }
}

fn complete(filling: &Filling, generation: Generation, body: Body) -> StoredResponse {
    let mut head = filling.head.detached();
    head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.length()));
    StoredResponse { head, freshness: filling.freshness, generation, body }
}
