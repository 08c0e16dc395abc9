//! The cache key: which requests share a stored response.
//!
//! A key is the distribution, the path, and what the cache policy selects of query string, header fields, cookies and
//! accepted codings (CloudFront guide, understanding-the-cache-key). GET and HEAD share a key, OPTIONS has its own; http
//! and https share one. The encoding is injective: two requests have the same bytes only where every part is the same.

mod text;

use std::sync::LazyLock;

use ahash::RandomState;
use http::{HeaderMap, Method, Version};

use edgeward_http_rules::accept_encoding::Accepted;
use edgeward_http_rules::{cookies, query};
use edgeward_plan::{CachePolicy, CachingRules};

pub use text::KeyText;

/// Keyed by the process, so that nobody outside can choose keys that collide.
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// What a key is made from.
#[derive(Debug, Clone, Copy)]
pub struct KeyParts<'a> {
    /// Distribution id.
    pub distribution: &'a str,
    /// Of the request.
    pub method: &'a Method,
    /// As sent, percent-encoding kept.
    pub path: &'a str,
    /// As sent, without `?`.
    pub query: Option<&'a str>,
    /// Of the request.
    pub headers: &'a HeaderMap,
    /// Of the request.
    pub codings: AcceptedCodings,
    /// What is selected.
    pub policy: &'a CachePolicy,
}

/// The codings of content that a request asks for, as far as the policy looks at them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptedCodings {
    /// The viewer sent no Accept-Encoding, or the policy treats it as any other field.
    Absent,
    /// Those of the policy's that the viewer accepts, which may be none.
    Of(Accepted),
}

impl AcceptedCodings {
    /// Normalises Accept-Encoding (guide, controlling-the-cache-key, compressed objects). What an HTTP/1.0 viewer sends does
    /// not count (guide, ServingCompressedFiles).
    pub fn of(version: Version, headers: &HeaderMap, policy: &CachePolicy) -> AcceptedCodings {
        let is_looked_at = policy.normalizes_codings() && version > Version::HTTP_10;
        let Some(accepted) = is_looked_at.then(|| Accepted::parse(headers)).flatten() else {
            return AcceptedCodings::Absent;
        };
        AcceptedCodings::Of(Accepted {
            gzip: accepted.gzip && policy.gzip,
            brotli: accepted.brotli && policy.brotli,
            zstd: accepted.zstd && policy.zstd(),
        })
    }

    /// All that requests under a policy can have.
    pub fn possible(policy: &CachePolicy) -> impl Iterator<Item = AcceptedCodings> {
        let count = if policy.normalizes_codings() { 8 } else { 0 };
        let numbered = |bits: u8| Accepted { gzip: bits & 1 != 0, brotli: bits & 2 != 0, zstd: bits & 4 != 0 };
        std::iter::once(AcceptedCodings::Absent).chain((0..count).map(numbered).map(AcceptedCodings::Of))
    }

    /// What is sent to the origin in their place.
    pub fn as_field_value(self) -> Option<&'static str> {
        let AcceptedCodings::Of(Accepted { gzip, brotli, zstd }) = self else { return None };
        Some(match (brotli, zstd, gzip) {
            (false, false, false) => "identity",
            (false, false, true) => "gzip",
            (true, false, false) => "br",
            (true, false, true) => "br,gzip",
            (false, true, false) => "zstd",
            (false, true, true) => "zstd,gzip",
            (true, true, false) => "br,zstd",
            (true, true, true) => "br,zstd,gzip",
        })
    }

    /// CloudFront takes a viewer without Accept-Encoding for one that accepts none of the codings; by RFC 9110 section
    /// 12.5.3 it accepts any that the origin chooses.
    fn in_key(self, rules: CachingRules) -> u8 {
        let AcceptedCodings::Of(Accepted { gzip, brotli, zstd }) = self else { return b'-' };
        match (brotli, zstd, gzip) {
            (false, false, false) if rules == CachingRules::Rfc9111 => b'i',
            (false, false, false) => b'-',
            (false, false, true) => b'g',
            (true, false, false) => b'b',
            (true, false, true) => b'2',
            (false, true, false) => b'z',
            (false, true, true) => b'Z',
            (true, true, false) => b'B',
            (true, true, true) => b'3',
        }
    }
}

/// A cache key.
#[derive(Debug, Clone)]
pub struct CacheKey {
    bytes: Vec<u8>,
    hash: u64,
}

impl CacheKey {
    /// The key of a request.
    pub fn of(parts: &KeyParts<'_>) -> CacheKey {
        let mut bytes = Vec::with_capacity(256);
        write_part(&mut bytes, parts.distribution.as_bytes());
        bytes.push(match (parts.policy.rules, parts.method == Method::OPTIONS) {
            (CachingRules::CloudFront, false) => b'G',
            (CachingRules::CloudFront, true) => b'O',
            // Apart from the others: what was stored without a look at Vary answers nobody here.
            (CachingRules::Rfc9111, false) => b'g',
            (CachingRules::Rfc9111, true) => b'o',
        });
        bytes.push(parts.codings.in_key(parts.policy.rules));
        write_part(&mut bytes, parts.path.as_bytes());
        write_selected(&mut bytes, |out| write_query(parts, out));
        for name in &parts.policy.headers.0 {
            write_part(&mut bytes, name.as_str().as_bytes());
            let values = parts.headers.get_all(name);
            // Counted, because the size hint of more than one is too low.
            bytes.push(values.iter().count().min(255) as u8);
            for value in values {
                write_part(&mut bytes, value.as_bytes());
            }
        }
        write_selected(&mut bytes, |out| cookies::select(parts.headers, &parts.policy.cookies, out));
        let hash = HASHER.hash_one(&bytes);
        CacheKey { bytes, hash }
    }

    /// Spread over all bits.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A key whose bytes were kept.
    pub(crate) fn restored(bytes: &[u8]) -> CacheKey {
        CacheKey { bytes: bytes.to_vec(), hash: HASHER.hash_one(bytes) }
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }
}

impl PartialEq for CacheKey {
    fn eq(&self, other: &CacheKey) -> bool {
        self.hash == other.hash && self.bytes == other.bytes
    }
}

impl Eq for CacheKey {}

impl std::hash::Hash for CacheKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl KeyParts<'_> {
    /// Path and selected query strings: what invalidation patterns are matched against.
    pub fn target(&self) -> String {
        let mut query = Vec::new();
        write_query(self, &mut query);
        match query.is_empty() {
            true => self.path.to_owned(),
            false => format!("{}?{}", self.path, String::from_utf8_lossy(&query)),
        }
    }
}

fn write_query(parts: &KeyParts<'_>, out: &mut Vec<u8>) {
    if let Some(query) = parts.query {
        query::select(query.as_bytes(), &parts.policy.query_strings, out);
    }
}

/// Length first, so that no part can pass for another.
fn write_part(bytes: &mut Vec<u8>, part: &[u8]) {
    bytes.extend_from_slice(&(part.len() as u32).to_le_bytes());
    bytes.extend_from_slice(part);
}

fn write_selected(bytes: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let at = bytes.len();
    bytes.extend_from_slice(&[0; 4]);
    write(bytes);
    let len = (bytes.len() - at - 4) as u32;
    if let Some(place) = bytes.get_mut(at..at + 4) {
        place.copy_from_slice(&len.to_le_bytes());
    }
}

#[cfg(test)]
mod tests;
