//! A cache key read back into its parts, for people: the bytes of a key are made to be compared, and hold all of them.
//!
//! Called by `listing`.

use super::CacheKey;

/// The parts of a key, as they were in the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyText {
    /// Distribution id.
    pub distribution: String,
    /// OPTIONS has keys of its own; GET stands for all other methods.
    pub is_options: bool,
    /// Accept-Encoding as the policy normalises it: `gzip`, `br`, `br,gzip` and the like; `None` for none.
    pub codings: Option<&'static str>,
    /// As sent.
    pub path: String,
    /// The selected query strings, without `?`.
    pub query: String,
    /// The selected header fields that the request had.
    pub headers: Vec<(String, Vec<String>)>,
    /// The selected cookies.
    pub cookies: String,
}

impl KeyText {
    /// Path and selected query strings.
    pub fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }
}

impl CacheKey {
    /// Whether it belongs to a distribution.
    pub(crate) fn is_of(&self, distribution: &str) -> bool {
        let mut rest = Rest(&self.bytes);
        rest.part() == Some(distribution.as_bytes())
    }

    /// Its parts; `None` for bytes that no key has.
    pub(crate) fn text(&self) -> Option<KeyText> {
        let mut rest = Rest(&self.bytes);
        let distribution = text(rest.part()?);
        let is_options = matches!(rest.byte()?, b'O' | b'o');
        let codings = match rest.byte()? {
            b'g' => Some("gzip"),
            b'b' => Some("br"),
            b'2' => Some("br,gzip"),
            b'z' => Some("zstd"),
            b'Z' => Some("zstd,gzip"),
            b'B' => Some("br,zstd"),
            b'3' => Some("br,zstd,gzip"),
            _ => None,
        };
        let (path, query) = (text(rest.part()?), text(rest.part()?));
        let (headers, cookies) = rest.headers_and_cookies();
        Some(KeyText { distribution, is_options, codings, path, query, headers, cookies })
    }
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// As `write_part` wrote it.
    fn part(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk::<4>()?;
        let (part, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        self.0 = rest;
        Some(part)
    }

    /// Header fields have something after their name; cookies come last. Of a field with more lines than a byte counts,
    /// and of what follows it, not everything is told.
    fn headers_and_cookies(&mut self) -> (Vec<(String, Vec<String>)>, String) {
        let mut headers = Vec::new();
        while let Some(part) = self.part() {
            let Some(lines) = self.byte() else { return (headers, text(part)) };
            let values: Vec<_> = (0..lines).map_while(|_| self.part().map(text)).collect();
            if !values.is_empty() {
                headers.push((text(part), values));
            }
        }
        (headers, String::new())
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
