//! The disk tier when the system refuses what it asks for, when removals and writes meet, and when a turn gives up much.

use std::sync::atomic::Ordering;

use super::*;
use crate::store::disk::NotTaken;
use crate::store::disk::journal::{Journal, TakenOrder};
use crate::store::disk::segment::{self, Left, Row};

fn segments_in(directory: &Path) -> usize {
    let is_segment = |path: std::path::PathBuf| path.extension().is_some_and(|extension| extension == "segment");
    std::fs::read_dir(directory).unwrap().filter(|entry| is_segment(entry.as_ref().unwrap().path())).count()
}

/// Sends and reads each chunk that is there, and returns how many there are.
fn whole_chunks(store: &Arc<DiskStore>, ids: std::ops::Range<u64>) -> usize {
    let is_whole = |id: &u64| {
        let Some(found) = store.chunk(ContentId(*id), 0, 1_000) else { return false };
        let expected = chunk(*id, CHUNK);
        assert!(found.mapped() == expected, "chunk {id} as it is sent");
        assert!(found.read() == Some(expected), "chunk {id} as it is read");
        true
    };
    ids.filter(is_whole).count()
}

#[tokio::test]
async fn what_is_kept_of_many_segments_at_once_fits_into_one() {
    let directory = tempfile::tempdir().unwrap();
    for id in 0..30 {
        let store = open(directory.path(), 64 << 20);
        store.put_chunk(ContentId(id), 0, vec![chunk(id, CHUNK)]).await.unwrap();
    }
    assert_eq!(segments_in(directory.path()), 30);
    let store = open(directory.path(), 0);
    assert_eq!(whole_chunks(&store, 0..30), 30);
    store.put_chunk(ContentId(30), 0, vec![chunk(30, CHUNK)]).await.unwrap();
    assert!(whole_chunks(&store, 0..31) > 8);
    assert!(bytes_in(directory.path()) <= (4 << 20) + 4096, "{}", bytes_in(directory.path()));
    drop(store);
    assert!(whole_chunks(&open(directory.path(), 0), 0..31) > 8);
}

#[tokio::test]
async fn a_disk_that_takes_no_files_costs_nothing_of_what_is_on_it() {
    let parent = tempfile::tempdir().unwrap();
    let (directory, away) = (parent.path().join("cache"), parent.path().join("away"));
    let store = open(&directory, 0);
    for id in 0..12 {
        store.put_chunk(ContentId(id), 0, vec![chunk(id, CHUNK)]).await.unwrap();
    }
    let before = whole_chunks(&store, 0..12);
    std::fs::rename(&directory, &away).unwrap();
    let mut written = 0;
    for id in 12..40 {
        written += usize::from(store.put_chunk(ContentId(id), 0, vec![chunk(id, CHUNK)]).await.is_ok());
    }
    assert!(written < 4, "the open segment alone can be written");
    assert!(store.counters().io_errors.load(Ordering::Relaxed) > 0);
    assert_eq!(whole_chunks(&store, 0..40), before + written);
    std::fs::rename(&away, &directory).unwrap();
    while store.put_chunk(ContentId(50), 0, vec![chunk(50, CHUNK)]).await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(whole_chunks(&store, 50..51), 1);
    assert_eq!(store.usage().bytes, segment_bytes_in(&directory));
    assert!(store.usage().bytes <= 4 << 20);
}

/// Of segments alone.
fn segment_bytes_in(directory: &Path) -> u64 {
    let paths = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let of_segments = paths.filter(|path| path.extension().is_some_and(|extension| extension == "segment"));
    of_segments.map(|path| path.metadata().unwrap().len()).sum()
}

#[tokio::test]
async fn a_segment_that_somebody_deleted_is_given_up_all_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path(), 0);
    for id in 0..40 {
        store.put_chunk(ContentId(id), 0, vec![chunk(id, CHUNK)]).await.unwrap();
        if id == 8 {
            std::fs::remove_file(only_segment(directory.path())).unwrap();
        }
    }
    assert_eq!(store.counters().io_errors.load(Ordering::Relaxed), 0);
}

#[test]
fn what_was_removed_is_not_found_while_the_writer_still_has_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path(), 0);
    for round in 0..3_000 {
        store.put(record("a", 0, "before")).unwrap();
        (0..round % 64).for_each(|_| std::hint::spin_loop());
        store.remove(b"a");
        for _ in 0..100 {
            assert!(!store.may_have(b"a"), "round {round}");
        }
    }
}

#[tokio::test]
async fn a_removal_that_could_not_be_written_is_written_later() {
    let parent = tempfile::tempdir().unwrap();
    let (directory, away) = (parent.path().join("cache"), parent.path().join("away"));
    let store = open(&directory, 0);
    store.put(record("a", 0, "one")).unwrap();
    store.flush();
    std::fs::rename(&directory, &away).unwrap();
    while store.put_chunk(ContentId(1), 0, vec![chunk(1, CHUNK)]).await.is_ok() {}
    store.remove(b"a");
    store.flush();
    std::fs::rename(&away, &directory).unwrap();
    drop(store);
    assert!(contents(&open(&directory, 0), "a").is_empty());
}

#[tokio::test]
async fn what_is_longer_than_a_record_may_be_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path(), 0);
    let long = |length: usize| Bytes::from(vec![b'x'; length]);
    let most = DiskRecord { content: long(CHUNK as usize), meta: long(256 * 1024 - 1), ..record("a", 0, "") };
    let with =
        |meta: usize, content: usize| DiskRecord { meta: long(meta), content: long(content), ..record("b", 0, "") };
    for too_long in [with(0, CHUNK as usize + 1), with(256 * 1024, 0), with(2 << 20, 0)] {
        assert_eq!(store.put(too_long), Err(NotTaken::TooLong));
    }
    let piece = chunk(1, CHUNK);
    assert!(store.put_chunk(ContentId(1), 0, vec![piece.clone(), piece.slice(..1)]).await.is_err());
    assert_eq!(store.counters().dropped_records.load(Ordering::Relaxed), 4);
    store.put(most.clone()).unwrap();
    store.flush();
    assert_eq!(store.load(b"a"), [most]);
    assert!(!store.may_have(b"b") && !store.has_chunk(ContentId(1), 0));
}

#[test]
fn the_limit_holds_with_the_tables_of_small_records() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path(), 0);
    for n in 0..60_000 {
        while store.put(record(&format!("{n}"), 0, "")).is_err() {
            store.flush();
        }
        if n % 1_000 == 0 {
            store.flush();
            assert!(segment_bytes_in(directory.path()) <= 4 << 20, "{n}: {}", segment_bytes_in(directory.path()));
        }
    }
    drop(store);
    assert!(segment_bytes_in(directory.path()) <= 4 << 20, "sealed: {}", segment_bytes_in(directory.path()));
}

#[test]
fn an_invalidation_that_cannot_be_read_any_more_costs_everything_stored() {
    let directory = tempfile::tempdir().unwrap();
    let write = || {
        let store = open(directory.path(), 0);
        let (journal, _) = Journal::open(directory.path(), |orders| orders).unwrap();
        let order = TakenOrder { distribution: "E1".to_owned(), sequence: 1, patterns: vec!["/a".to_owned()] };
        journal.append(&order).unwrap();
        store.put(record("a", 0, "one")).unwrap();
    };
    write();
    assert_eq!(contents(&open(directory.path(), 0), "a"), ["one"]);
    let path = directory.path().join("invalidations");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[30] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let store = open(directory.path(), 0);
    assert!(contents(&store, "a").is_empty() && segments_in(directory.path()) == 0);
    assert_eq!(store.counters().discarded_segments.load(Ordering::Relaxed), 1);
    drop(store);
    write();
    assert_eq!(contents(&open(directory.path(), 0), "a"), ["one"]);
}

#[test]
fn a_table_that_says_what_cannot_be_is_not_believed() {
    let directory = tempfile::tempdir().unwrap();
    let texts = small_log(directory.path());
    let path = only_segment(directory.path());
    let mut file = std::fs::File::open(&path).unwrap();
    let Left::Sealed(rows, end) = segment::inspect(&mut file).unwrap() else { panic!("it is sealed") };
    for (offset, size) in [(u32::MAX, 100), (0, u32::MAX), (end as u32 - 64, 65), (16, 63), (16, 0)] {
        let mut wrong = rows.clone();
        wrong[2] = Row { offset, size, ..wrong[2] };
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        segment::seal(&file, end, &wrong).unwrap();
        let store = open(directory.path(), 0);
        assert_eq!(holds_no_lies(&store, &texts), texts.len(), "{offset} {size}");
    }
}

/// What a process that is killed at this moment leaves.
fn as_if_killed(directory: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for path in std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
    }
    copy
}

#[test]
fn what_was_written_and_removed_before_a_kill_stands_and_what_was_under_way_tells_no_lies() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path(), 64 << 20);
    let text = |n: u32, round: u32| format!("{n} of {round} {}", "z".repeat((n * 37 % 5_000) as usize));
    for round in 0..20 {
        (0..200).for_each(|n| store.put(record(&format!("{round} {n}"), 0, &text(n, round))).unwrap());
        (0..200).step_by(10).for_each(|n| store.remove(format!("{round} {n}").as_bytes()));
        store.flush();
        // The writer has these before it.
        (0..200).for_each(|n| store.put(record(&format!("under way {n}"), 0, &text(n, round))).unwrap());
        let left = as_if_killed(directory.path());
        let found = open(left.path(), 64 << 20);
        for n in 0..200 {
            let expected = if n % 10 == 0 { vec![] } else { vec![text(n, round)] };
            assert_eq!(contents(&found, &format!("{round} {n}")), expected, "{round} {n}");
            let under_way = contents(&found, &format!("under way {n}"));
            assert!(under_way.iter().all(|found| (0..=round).any(|round| *found == text(n, round))), "{round} {n}");
        }
        assert_eq!(found.counters().corrupt_records.load(Ordering::Relaxed), 0);
    }
}
