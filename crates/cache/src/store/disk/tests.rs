//! The disk tier as a whole: against a model, over restarts, with damaged files.

mod trouble;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use edgeward_mapped::MappedFiles;

use super::{DiskRecord, DiskSettings, DiskStore};
use crate::chunks::{CHUNK, ContentId};

fn open(directory: &Path, limit: u64) -> Arc<DiskStore> {
    let settings = DiskSettings { directory: directory.to_owned(), limit };
    Arc::new(DiskStore::open(&settings, &MappedFiles::new()).unwrap())
}

fn record(key: &str, slot: u64, text: &str) -> DiskRecord {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    DiskRecord { key: bytes(key), slot, meta: bytes(&format!("meta of {text}")), content: bytes(text) }
}

fn contents(store: &DiskStore, key: &str) -> Vec<String> {
    let texts = |records: Vec<DiskRecord>| -> Vec<String> {
        records.iter().map(|record| String::from_utf8(record.content.to_vec()).unwrap()).collect()
    };
    let loaded = texts(store.load(key.as_bytes()));
    // What was just read is in the page cache.
    assert_eq!(store.load_now(key.as_bytes()).map(texts).as_ref(), Some(&loaded));
    loaded
}

fn chunk(seed: u64, length: u64) -> Bytes {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..length).map(|_| random.u8(..)).collect::<Vec<u8>>().into()
}

#[test]
fn responses_are_found_by_key_and_slot_and_over_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path(), 0);
    assert!(!store.may_have(b"a"));
    store.put(record("a", 0, "one")).unwrap();
    store.put(record("b", 0, "other")).unwrap();
    store.put(record("a", 7, "variant")).unwrap();
    store.put(record("a", 0, "two")).unwrap();
    store.flush();
    for _ in 0..2 {
        assert_eq!(contents(&store, "a"), ["two", "variant"]);
    }
    assert!(contents(&store, "c").is_empty());
    drop(store);
    let store = open(directory.path(), 0);
    assert_eq!(contents(&store, "a"), ["two", "variant"]);
    assert_eq!(contents(&store, "b"), ["other"]);
    assert_eq!(store.usage().responses, 3);
    store.remove(b"a");
    assert!(contents(&store, "a").is_empty());
    drop(store);
    let store = open(directory.path(), 0);
    assert!(contents(&store, "a").is_empty() && !store.may_have(b"a"));
    assert_eq!(contents(&store, "b"), ["other"]);
}

#[test]
fn what_was_ordered_before_a_removal_does_not_come_back_by_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path(), 0);
    for round in 0..200 {
        store.put(record("a", 0, "before")).unwrap();
        store.remove(b"a");
        assert!(contents(&store, "a").is_empty(), "round {round}");
        store.put(record("a", 0, "after")).unwrap();
        store.flush();
        assert_eq!(contents(&store, "a"), ["after"], "round {round}");
    }
}

#[tokio::test]
async fn chunks_are_mapped_and_read_and_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path(), 0);
    let id = ContentId(9);
    let (full, last) = (chunk(1, CHUNK), chunk(2, 1_000));
    let pieces = vec![full.slice(..100_000), full.slice(100_000..)];
    store.put_chunk(id, 0, pieces).await.unwrap();
    store.put_chunk(id, 5, vec![last.clone()]).await.unwrap();
    let check = |store: &Arc<DiskStore>, is_due: bool| {
        for (index, expected) in [(0, &full), (5, &last)] {
            let found = store.chunk(id, index, 1_000).unwrap();
            assert_eq!(found.needs_check(), is_due);
            assert!(found.read().as_ref() == Some(expected) && found.mapped() == expected);
            assert!(!store.chunk(id, index, 1_000).unwrap().needs_check());
            assert!(store.chunk(id, index, 1_000).unwrap().read_now().flatten().as_ref() == Some(expected));
        }
        assert!(store.chunk(id, 1, 0).is_none() && store.chunk(ContentId(8), 0, 0).is_none());
    };
    check(&store, false);
    drop(store);
    check(&open(directory.path(), 0), true);
}

#[test]
fn one_process_at_a_time_has_a_directory() {
    let directory = tempfile::tempdir().unwrap();
    let _first = open(directory.path(), 0);
    let settings = DiskSettings { directory: directory.path().to_owned(), limit: 0 };
    let error = DiskStore::open(&settings, &MappedFiles::new()).unwrap_err().to_string();
    assert!(error.contains("another process has it") && error.contains(directory.path().to_str().unwrap()), "{error}");
}

/// Bytes of all files.
fn bytes_in(directory: &Path) -> u64 {
    // One may go away while they are looked at.
    std::fs::read_dir(directory).unwrap().filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len())).sum()
}

#[tokio::test]
async fn the_limit_holds_and_what_is_hit_stays() {
    let directory = tempfile::tempdir().unwrap();
    let limit = 16 << 20;
    let store = open(directory.path(), limit);
    let hot = ContentId(1);
    store.put_chunk(hot, 0, vec![chunk(1, CHUNK)]).await.unwrap();
    store.put(record("hot", 0, "hot")).unwrap();
    for n in 0..400 {
        store.put_chunk(ContentId(100 + n), 0, vec![chunk(n, CHUNK)]).await.unwrap();
        store.put(record(&format!("cold {n}"), 0, "cold")).unwrap();
        assert_eq!(contents(&store, "hot"), ["hot"], "{n}");
        assert!(store.chunk(hot, 0, 0).unwrap().read().is_some(), "{n}");
        assert!(bytes_in(directory.path()) <= limit + 4096, "{n}: {}", bytes_in(directory.path()));
    }
    store.flush();
    assert!(store.counters().evicted_segments.load(std::sync::atomic::Ordering::Relaxed) > 50);
    assert!(contents(&store, "cold 0").is_empty() && !contents(&store, "cold 399").is_empty());
    drop(store);
    assert_eq!(contents(&open(directory.path(), limit), "hot"), ["hot"]);
}

#[tokio::test]
async fn an_evicted_chunk_that_is_held_stays_readable() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path(), 0);
    let first = chunk(7, CHUNK);
    store.put_chunk(ContentId(1), 0, vec![first.clone()]).await.unwrap();
    let (held, mapped) = {
        let held = store.chunk(ContentId(1), 0, 0).unwrap();
        let mapped = held.mapped();
        (held, mapped)
    };
    let mut n = 0;
    while store.has_chunk(ContentId(1), 0) {
        store.put_chunk(ContentId(2), n, vec![chunk(8, CHUNK)]).await.unwrap();
        n += 1;
    }
    assert!(mapped == first && held.read() == Some(first));
}

/// The model: what must be there, by key and slot.
type Model = BTreeMap<(String, u64), String>;

#[test]
fn it_agrees_with_a_map_over_many_puts_removals_and_restarts() {
    for seed in 0..8 {
        let directory = tempfile::tempdir().unwrap();
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut store, mut model) = (open(directory.path(), 64 << 20), Model::new());
        for step in 0..600 {
            let key = format!("key {}", random.u32(..40));
            match random.u32(..100) {
                0..70 => {
                    let (slot, text) = (random.u64(..3), format!("{step} {}", "x".repeat(random.usize(..3_000))));
                    store.put(record(&key, slot, &text)).unwrap();
                    model.insert((key, slot), text);
                }
                70..90 => {
                    store.remove(key.as_bytes());
                    model.retain(|(other, _), _| *other != key);
                }
                90..97 => {
                    store.flush();
                    agree(&store, &model, (seed, step));
                }
                _ => {
                    drop(store);
                    store = open(directory.path(), 64 << 20);
                    agree(&store, &model, (seed, step));
                }
            }
        }
    }
}

fn agree(store: &DiskStore, model: &Model, at: (u64, u32)) {
    for n in 0..40 {
        let key = format!("key {n}");
        let mut found: Vec<(u64, String)> = store
            .load(key.as_bytes())
            .iter()
            .map(|record| (record.slot, String::from_utf8(record.content.to_vec()).unwrap()))
            .collect();
        found.sort();
        let expected: Vec<(u64, String)> = model
            .iter()
            .filter(|((other, _), _)| *other == key)
            .map(|((_, slot), text)| (*slot, text.clone()))
            .collect();
        assert_eq!(found, expected, "{at:?} {key}");
    }
    assert_eq!(store.usage().responses, model.len(), "{at:?}");
}

/// A log of a few records, and what they say.
fn small_log(directory: &Path) -> HashMap<String, String> {
    let store = open(directory, 0);
    let texts: HashMap<String, String> =
        (0..5).map(|n| (format!("k{n}"), format!("text {n} {}", "y".repeat(n * 20)))).collect();
    for (key, text) in &texts {
        store.put(record(key, 0, text)).unwrap();
    }
    texts
}

fn only_segment(directory: &Path) -> std::path::PathBuf {
    let is_segment = |path: &std::path::PathBuf| path.extension().is_some_and(|extension| extension == "segment");
    std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).find(is_segment).unwrap()
}

/// Whatever is found for a key is what was stored for it.
fn holds_no_lies(store: &DiskStore, texts: &HashMap<String, String>) -> usize {
    let found = |(key, text): (&String, &String)| {
        let found = store.load(key.as_bytes());
        assert!(found.iter().all(|record| record.content == text.as_bytes() && record.key == key.as_bytes()), "{key}");
        found.len()
    };
    texts.iter().map(found).sum()
}

#[test]
fn a_log_cut_off_anywhere_has_its_whole_records_and_no_others() {
    let directory = tempfile::tempdir().unwrap();
    let texts = small_log(directory.path());
    let path = only_segment(directory.path());
    let whole = std::fs::read(&path).unwrap();
    let mut before = 0;
    for length in 0..=whole.len() {
        let segments: Vec<_> =
            std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        segments.iter().filter(|path| !path.ends_with("secret")).for_each(|path| std::fs::remove_file(path).unwrap());
        std::fs::write(&path, &whole[..length]).unwrap();
        let found = holds_no_lies(&open(directory.path(), 0), &texts);
        assert!(found >= before, "{length}: {found} after {before}");
        before = found;
    }
    assert_eq!(before, texts.len());
}

#[test]
fn a_damaged_byte_costs_misses_and_never_a_wrong_response() {
    let directory = tempfile::tempdir().unwrap();
    let texts = small_log(directory.path());
    let path = only_segment(directory.path());
    let whole = std::fs::read(&path).unwrap();
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..400 {
        let mut damaged = whole.clone();
        let at = random.usize(..damaged.len());
        damaged[at] ^= 1 << random.u32(..8);
        let others: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        others.iter().filter(|path| !path.ends_with("secret")).for_each(|path| std::fs::remove_file(path).unwrap());
        std::fs::write(&path, &damaged).unwrap();
        let store = open(directory.path(), 0);
        holds_no_lies(&store, &texts);
        store.put(record("new", 0, "new")).unwrap();
        store.flush();
        assert_eq!(contents(&store, "new"), ["new"], "byte {at}");
    }
}

#[tokio::test]
async fn a_damaged_chunk_is_missing_once_it_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path(), 0);
    store.put_chunk(ContentId(1), 0, vec![chunk(1, CHUNK)]).await.unwrap();
    drop(store);
    let path = only_segment(directory.path());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100_000] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let store = open(directory.path(), 0);
    let found = store.chunk(ContentId(1), 0, 0).unwrap();
    assert!(found.needs_check() && found.read().is_none());
    assert!(store.chunk(ContentId(1), 0, 0).is_none());
    assert_eq!(store.counters().corrupt_records.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[test]
fn a_directory_that_was_left_is_anothers_and_can_be_taken_back() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path(), 0);
    store.put(record("a", 0, "before")).unwrap();
    store.leave();
    store.put(record("b", 0, "not written")).unwrap();
    store.flush();
    assert_eq!(contents(&store, "a"), ["before"], "what lies there can still be read");
    assert!(contents(&store, "b").is_empty());
    let next = open(directory.path(), 0);
    assert_eq!(contents(&next, "a"), ["before"]);
    assert!(store.take_back().is_err(), "the other one has it");
    next.put(record("c", 0, "its own")).unwrap();
    drop(next);
    store.take_back().unwrap();
    store.put(record("d", 0, "after")).unwrap();
    store.remove(b"a");
    drop(store);
    let store = open(directory.path(), 0);
    let all = ["a", "b", "c", "d"].map(|key| contents(&store, key));
    assert_eq!(all, [vec![], vec![], vec!["its own".to_owned()], vec!["after".to_owned()]]);
}
