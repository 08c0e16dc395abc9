//! The joined writes against a mock stream that records every call.

use std::collections::VecDeque;
use std::future::poll_fn;

use tokio::io::AsyncWriteExt;

use super::*;

/// What the stream was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Call {
    Write(Vec<u8>),
    Flush,
    Shutdown,
}

/// Takes `accepts` bytes per write in turn (0: the socket is full), everything once that list is used up.
#[derive(Debug, Default)]
struct Mock {
    calls: Vec<Call>,
    accepts: VecDeque<usize>,
}

impl AsyncWrite for Mock {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let accepted = self.accepts.pop_front().unwrap_or(buf.len()).min(buf.len());
        if accepted == 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.calls.push(Call::Write(buf[..accepted].to_vec()));
        Poll::Ready(Ok(accepted))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.calls.push(Call::Flush);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.calls.push(Call::Shutdown);
        Poll::Ready(Ok(()))
    }
}

fn mock(accepts: &[usize]) -> (CoalescingWriter<Mock>, Flusher<Mock>) {
    coalesce(Mock { calls: Vec::new(), accepts: accepts.iter().copied().collect() })
}

fn calls(flusher: &Flusher<Mock>) -> Vec<Call> {
    flusher.0.lock().io.calls.clone()
}

fn written(flusher: &Flusher<Mock>) -> Vec<u8> {
    let bytes = |call| if let Call::Write(bytes) = call { bytes } else { Vec::new() };
    calls(flusher).into_iter().flat_map(bytes).collect()
}

async fn end_of_turn(flusher: &mut Flusher<Mock>) {
    poll_fn(|cx| flusher.poll_flush(cx)).await.unwrap();
}

#[tokio::test]
async fn the_writes_and_flushes_of_one_turn_leave_as_one_write() {
    let (mut writer, mut flusher) = mock(&[]);
    for part in ["one ", "two ", "three"] {
        writer.write_all(part.as_bytes()).await.unwrap();
        writer.flush().await.unwrap();
    }
    assert_eq!(calls(&flusher), []);
    end_of_turn(&mut flusher).await;
    assert_eq!(calls(&flusher), [Call::Write(b"one two three".to_vec()), Call::Flush]);
}

#[tokio::test]
async fn a_turn_without_writes_makes_no_call() {
    let (mut writer, mut flusher) = mock(&[]);
    end_of_turn(&mut flusher).await;
    writer.write_all(b"x").await.unwrap();
    end_of_turn(&mut flusher).await;
    end_of_turn(&mut flusher).await;
    assert_eq!(calls(&flusher).len(), 2);
}

#[tokio::test]
async fn partial_writes_keep_the_order_of_bytes() {
    let (mut writer, mut flusher) = mock(&[3, 0, 1, 0, 0, 2]);
    let sent: Vec<u8> = (0..=255).collect();
    for part in sent.chunks(10) {
        writer.write_all(part).await.unwrap();
    }
    end_of_turn(&mut flusher).await;
    assert_eq!(written(&flusher), sent);
}

#[tokio::test]
async fn gathered_vectors_keep_their_order() {
    let (mut writer, mut flusher) = mock(&[]);
    let sent = writer.write_vectored(&[IoSlice::new(b"head "), IoSlice::new(b"content")]).await.unwrap();
    end_of_turn(&mut flusher).await;
    assert_eq!((sent, written(&flusher)), (12, b"head content".to_vec()));
}

#[tokio::test]
async fn a_large_write_goes_through_behind_what_was_gathered() {
    let (mut writer, flusher) = mock(&[]);
    writer.write_all(b"head").await.unwrap();
    let large = vec![7; WRITE_THROUGH + 1];
    writer.write_all(&large).await.unwrap();
    assert_eq!(calls(&flusher), [Call::Write(b"head".to_vec()), Call::Write(large)]);
}

#[tokio::test]
async fn a_full_buffer_waits_for_the_socket() {
    let (mut writer, mut flusher) = mock(&[0]);
    for _ in 0..CAPACITY / WRITE_THROUGH {
        writer.write_all(&vec![1; WRITE_THROUGH]).await.unwrap();
    }
    let refused = poll_fn(|cx| Poll::Ready(Pin::new(&mut writer).poll_write(cx, b"more"))).await;
    assert!(refused.is_pending());
    writer.write_all(b"more").await.unwrap();
    end_of_turn(&mut flusher).await;
    assert_eq!(written(&flusher).len(), CAPACITY + 4);
}

#[tokio::test]
async fn shutdown_comes_after_everything_gathered() {
    let (mut writer, flusher) = mock(&[2, 0]);
    writer.write_all(b"last").await.unwrap();
    writer.shutdown().await.unwrap();
    let expected = [Call::Write(b"la".to_vec()), Call::Write(b"st".to_vec()), Call::Flush, Call::Shutdown];
    assert_eq!(calls(&flusher), expected);
}

#[tokio::test]
async fn an_idle_connection_keeps_no_large_buffer() {
    let (mut writer, mut flusher) = mock(&[]);
    for _ in 0..3 {
        writer.write_all(&[0; WRITE_THROUGH]).await.unwrap();
    }
    end_of_turn(&mut flusher).await;
    assert!(flusher.0.lock().buffer.capacity() <= RETAINED_CAPACITY);
}
