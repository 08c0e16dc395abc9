//! Mapped and other bytes over a real connection.

use std::fs::File;
use std::io::{IoSlice, Write};
use std::sync::Arc;

use bytes::Bytes;
use edgeward_mapped::{MappedFile, MappedFiles};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{FileSending, LEAST};

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n % 251) as u8).collect()
}

fn mapped(files: &MappedFiles, content: &[u8]) -> (Arc<MappedFile>, File) {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    (files.map(file.try_clone().unwrap(), content.len()).unwrap(), file)
}

async fn connected(files: &MappedFiles, buffer: Option<u32>) -> (FileSending, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let viewer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    if let Some(bytes) = buffer {
        socket2::SockRef::from(&stream).set_send_buffer_size(bytes as usize).unwrap();
    }
    (FileSending::new(stream, files.clone()), viewer)
}

async fn write_all(stream: &mut FileSending, mut pieces: Vec<Bytes>) {
    while !pieces.is_empty() {
        let slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        let mut written = stream.write_vectored(&slices).await.unwrap();
        assert!(written > 0);
        pieces.retain_mut(|piece| {
            let taken = written.min(piece.len());
            written -= taken;
            let _sent = piece.split_to(taken);
            !piece.is_empty()
        });
    }
}

#[tokio::test]
async fn heap_and_file_leave_in_order_however_little_the_socket_takes() {
    for buffer in [None, Some(4096)] {
        let files = MappedFiles::new();
        let content = pattern(1_000_000);
        let (file, _handle) = mapped(&files, &content);
        let head = Bytes::from_static(b"HTTP/1.1 200 OK\r\n\r\n");
        let pieces = vec![
            head.clone(),
            file.bytes(0..400_000),
            Bytes::from_static(b"between"),
            file.bytes(400_000..400_100),
            file.bytes(500_000..1_000_000),
            Bytes::from_static(b"end"),
        ];
        let expected = pieces.concat();
        let (mut stream, mut viewer) = connected(&files, buffer).await;
        let reading = tokio::spawn(async move {
            let mut seen = Vec::new();
            viewer.read_to_end(&mut seen).await.unwrap();
            seen
        });
        write_all(&mut stream, pieces).await;
        stream.shutdown().await.unwrap();
        assert!(reading.await.unwrap() == expected, "buffer {buffer:?}");
    }
}

#[tokio::test]
async fn what_a_file_has_lost_ends_the_connection_and_nothing_else() {
    let files = MappedFiles::new();
    let (file, handle) = mapped(&files, &pattern(LEAST * 2));
    let bytes = file.bytes(0..LEAST * 2);
    handle.set_len(0).unwrap();
    let (mut stream, _viewer) = connected(&files, None).await;
    let failed = stream.write(&bytes).await.unwrap_err();
    assert_eq!(failed.kind(), std::io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_viewer_that_is_gone_is_an_error() {
    let files = MappedFiles::new();
    let (file, _handle) = mapped(&files, &pattern(8_000_000));
    let (mut stream, viewer) = connected(&files, None).await;
    drop(viewer);
    let mut offset = 0;
    while let Ok(written) = stream.write(&file.bytes(offset..8_000_000)).await {
        offset += written;
        assert!(offset < 8_000_000, "nobody reads it");
    }
}
