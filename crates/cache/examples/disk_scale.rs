//! What a million stored responses on disk cost: memory, time to start, time to invalidate all of them.
//!
//! `cargo run --release -p edgeward-cache --example disk_scale -- FOLDER [RESPONSES]`: the first run in a folder writes them,
//! each later one opens what is there. Figures go to standard output, one a line.
#![expect(clippy::print_stdout, reason = "it is a command")]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use edgeward_cache::{
    AcceptedCodings, Body, Cache, CacheKey, CacheSettings, DiskSettings, Freshness, Grace, Joined, KeyParts, Lookup,
    ResponseHead, StoredResponse, Timestamp, Variant,
};
use edgeward_http_rules::Selection;
use edgeward_plan::{CachePolicy, CachingRules, HeaderSelection};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
/// What may wait in the writer's queue before it is given time.
const BATCH: usize = 10_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("name a folder")?);
    let responses: usize = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let policy = CachePolicy {
        min_ttl: 0,
        default_ttl: 86_400,
        max_ttl: 31_536_000,
        gzip: false,
        brotli: false,
        rules: CachingRules::CloudFront,
        headers: HeaderSelection::default(),
        cookies: Selection::default(),
        query_strings: Selection::default(),
    };
    let before = resident_bytes()?;
    let began = Instant::now();
    let settings = CacheSettings { memory: 1 << 20, disk: Some(DiskSettings { directory: folder, limit: 16 << 30 }) };
    let cache: Cache<()> = Cache::open(&settings)?;
    let found = cache.usage().disk.map_or(0, |disk| disk.responses);
    println!("open: {:?} with {found} responses", began.elapsed());
    if found == 0 {
        write(&cache, &policy, responses);
    }
    let on_disk = cache.usage().disk.map_or(0, |disk| disk.responses);
    let grown = resident_bytes()?.saturating_sub(before);
    println!("memory: {} bytes for each of {on_disk} responses", grown / (on_disk.max(1) as u64));
    let hits = (0..on_disk).step_by(997).filter(|n| is_hit(&cache, &policy, *n)).count();
    println!("hits: {hits} of {} tried", on_disk.div_ceil(997));
    let began = Instant::now();
    cache.invalidate("E1", began.elapsed().as_nanos() as u64 + NOW.secs(), &["/*".to_owned()])?;
    let left = is_hit(&cache, &policy, 0);
    println!("invalidation of /*: {:?}, still a hit: {left}", began.elapsed());
    Ok(())
}

fn write(cache: &Cache<()>, policy: &CachePolicy, responses: usize) {
    let began = Instant::now();
    for n in 0..responses {
        with_parts(policy, n, |key, parts| {
            if let Joined::Leader(flight) = cache.join(key, parts) {
                let generation = flight.generation().clone();
                cache.insert(&flight, Arc::new(response(generation)));
            }
        });
        if n % BATCH == 0 {
            cache.flush();
        }
    }
    cache.flush();
    println!("written: {:?}", began.elapsed());
}

fn is_hit(cache: &Cache<()>, policy: &CachePolicy, n: usize) -> bool {
    with_parts(policy, n, |key, parts| matches!(cache.find(key, parts, NOW), Lookup::Fresh(_)))
}

fn with_parts<R>(policy: &CachePolicy, n: usize, act: impl FnOnce(&CacheKey, &KeyParts<'_>) -> R) -> R {
    let (headers, path) = (HeaderMap::new(), format!("/assets/site/{n}/picture.webp"));
    let parts = KeyParts {
        distribution: "E1",
        method: &Method::GET,
        path: &path,
        query: None,
        headers: &headers,
        codings: AcceptedCodings::Absent,
        policy,
    };
    act(&CacheKey::of(&parts), &parts)
}

fn response(generation: edgeward_cache::Generation) -> StoredResponse {
    let fields = [
        (header::CONTENT_TYPE, "image/webp"),
        (header::CACHE_CONTROL, "max-age=86400"),
        (header::ETAG, "\"5f2b-61d\""),
        (header::LAST_MODIFIED, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (header::CONTENT_LENGTH, "1024"),
    ];
    let headers = fields.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect();
    StoredResponse {
        head: ResponseHead { status: StatusCode::OK, headers, compressed: None, variant: Variant::default() },
        freshness: Freshness {
            since: NOW,
            initial_age: 0,
            lifetime: 86_400,
            grace: Grace::default(),
            resting_until: None,
        },
        generation,
        body: Body::Whole(Bytes::from(vec![b'x'; 1024])),
    }
}

/// Of this process, without the pages of files.
fn resident_bytes() -> Result<u64, Box<dyn std::error::Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).ok_or("no RssAnon")?;
    let kilobytes: u64 = line.split_whitespace().nth(1).ok_or("no figure")?.parse()?;
    Ok(kilobytes * 1024)
}
