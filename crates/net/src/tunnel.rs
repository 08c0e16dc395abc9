//! Bytes between a viewer and an origin after both have switched to another protocol.
//!
//! Invariant: a tunnel ends when either side has ended and the other has had its time to, when the origin has sent nothing
//! for the idle limit, or with an error; each side is at most one buffer ahead of the other. Called by `crates/proxy`.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::time::{Instant, sleep, sleep_until};

/// Bytes of content that have gone each way so far.
#[derive(Debug, Default)]
pub struct TunnelBytes {
    /// From the viewer.
    pub received: Arc<AtomicU64>,
    /// To the viewer.
    pub sent: Arc<AtomicU64>,
}

/// How a tunnel ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TunnelEnd {
    /// Both sides have ended, or one has and the other took too long.
    Closed,
    /// The origin sent nothing for too long.
    Idle,
    /// A connection broke.
    Broken,
}

/// The connection of somebody who has switched protocols.
///
/// # Errors
/// The connection ended before.
pub async fn switched(upgrade: OnUpgrade) -> io::Result<TokioIo<Upgraded>> {
    upgrade.await.map(TokioIo::new).map_err(io::Error::other)
}

/// Carries bytes both ways until the tunnel ends. `idle`: how long the origin may be silent.
pub async fn relay<V, O>(viewer: V, origin: O, idle: Duration, bytes: &TunnelBytes) -> TunnelEnd
where
    V: AsyncRead + AsyncWrite,
    O: AsyncRead + AsyncWrite,
{
    let (viewer_reads, viewer_writes) = split(viewer);
    let (origin_reads, origin_writes) = split(origin);
    let heard = Mutex::new(Instant::now());
    let up = carry(viewer_reads, origin_writes, |count| {
        bytes.received.fetch_add(count, Ordering::Relaxed);
    });
    let down = carry(origin_reads, viewer_writes, |count| {
        bytes.sent.fetch_add(count, Ordering::Relaxed);
        *heard.lock() = Instant::now();
    });
    tokio::select! {
        end = both(up, down) => end,
        () = silence(&heard, idle) => TunnelEnd::Idle,
    }
}

/// Until both directions have ended. After the first the other has a moment left.
async fn both(up: impl Future<Output = io::Result<()>>, down: impl Future<Output = io::Result<()>>) -> TunnelEnd {
    let (mut up, mut down) = (std::pin::pin!(up), std::pin::pin!(down));
    let (first, up_is_left) = tokio::select! {
        ended = &mut up => (ended, false),
        ended = &mut down => (ended, true),
    };
    if first.is_err() {
        return TunnelEnd::Broken;
    }
    let rest = async { if up_is_left { up.await } else { down.await } };
    tokio::select! {
        ended = rest => if ended.is_ok() { TunnelEnd::Closed } else { TunnelEnd::Broken },
        () = sleep(LINGER) => TunnelEnd::Closed,
    }
}

/// Copies until the end, and tells the receiver of it.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    count: impl Fn(u64),
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER].into_boxed_slice();
    loop {
        let read = from.read(&mut buffer).await?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { return to.shutdown().await };
        to.write_all(bytes).await?;
        to.flush().await?;
        count(read as u64);
    }
}

/// Completes once nothing has been heard for `limit`.
async fn silence(heard: &Mutex<Instant>, limit: Duration) {
    loop {
        let deadline = *heard.lock() + limit;
        if deadline <= Instant::now() {
            return;
        }
        sleep_until(deadline).await;
    }
}

/// Bytes, for each direction.
const BUFFER: usize = 16 * 1024;
/// How long one side may go on after the other has ended.
const LINGER: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};

    use super::*;

    const IDLE: Duration = Duration::from_secs(600);

    struct Ends {
        viewer: DuplexStream,
        origin: DuplexStream,
        bytes: Arc<TunnelBytes>,
        tunnel: tokio::task::JoinHandle<TunnelEnd>,
    }

    fn tunnel() -> Ends {
        let ((viewer, viewer_side), (origin, origin_side)) = (duplex(64), duplex(64));
        let bytes = Arc::new(TunnelBytes::default());
        let counted = Arc::clone(&bytes);
        let tunnel = tokio::spawn(async move { relay(viewer_side, origin_side, IDLE, &counted).await });
        Ends { viewer, origin, bytes, tunnel }
    }

    async fn say(from: &mut DuplexStream, to: &mut DuplexStream, text: &[u8]) {
        from.write_all(text).await.unwrap();
        let mut heard = vec![0; text.len()];
        to.read_exact(&mut heard).await.unwrap();
        assert_eq!(heard, text);
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_go_both_ways_and_are_counted() {
        let mut ends = tunnel();
        say(&mut ends.viewer, &mut ends.origin, b"hello").await;
        say(&mut ends.origin, &mut ends.viewer, b"good day").await;
        drop((ends.viewer, ends.origin));
        assert_eq!(ends.tunnel.await.unwrap(), TunnelEnd::Closed);
        let counts = [&ends.bytes.received, &ends.bytes.sent].map(|count| count.load(Ordering::Relaxed));
        assert_eq!(counts, [5, 8]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_one_side_reaches_the_other_which_has_a_moment_left() {
        let mut ends = tunnel();
        ends.viewer.shutdown().await.unwrap();
        assert_eq!(ends.origin.read(&mut [0]).await.unwrap(), 0);
        say(&mut ends.origin, &mut ends.viewer, b"the rest").await;
        let began = Instant::now();
        assert_eq!(ends.tunnel.await.unwrap(), TunnelEnd::Closed);
        assert!(began.elapsed() <= LINGER);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_origin_ends_the_tunnel_however_much_the_viewer_says() {
        let mut ends = tunnel();
        let began = Instant::now();
        sleep(IDLE - Duration::from_secs(1)).await;
        say(&mut ends.origin, &mut ends.viewer, b"still here").await;
        while !ends.tunnel.is_finished() {
            sleep(Duration::from_secs(60)).await;
            if ends.viewer.write_all(b"?").await.is_err() {
                break;
            }
            let _heard_or_ended = ends.origin.read(&mut [0]).await;
        }
        assert_eq!(ends.tunnel.await.unwrap(), TunnelEnd::Idle);
        assert!(began.elapsed() >= 2 * IDLE - Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_viewer_that_takes_nothing_holds_up_the_origin_and_counts_as_silence() {
        let mut ends = tunnel();
        let flood = tokio::spawn(async move { while ends.origin.write_all(&[b'x'; 1024]).await.is_ok() {} });
        assert_eq!(ends.tunnel.await.unwrap(), TunnelEnd::Idle);
        flood.await.unwrap();
        assert!(ends.bytes.sent.load(Ordering::Relaxed) <= BUFFER as u64);
    }
}
