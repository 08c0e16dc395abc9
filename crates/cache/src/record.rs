//! How a stored response lies on disk: its head, freshness and generation as bytes. Its content lies beside them.
//!
//! Invariant: what is read back is what was written; bytes of another form, or of another version of this one, are no
//! response. Numbers are little-endian, texts and lists have their length before them. Called by `disk`.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::stale::Grace;
use crate::stored::{Compressed, Freshness, ResponseHead};
use crate::tags::CacheTag;
use crate::time::Timestamp;
use crate::variant::Variant;

/// Of the form below; others are not read.
const VERSION: u8 = 2;

/// What is kept of a stored response beside its content.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    pub(crate) distribution: String,
    pub(crate) head: ResponseHead,
    pub(crate) freshness: Freshness,
    pub(crate) validity: Validity,
    pub(crate) content: RecordedContent,
}

/// What of a generation outlives the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Validity {
    /// The sequence up to which it was tested.
    pub(crate) tested: u64,
    pub(crate) target: String,
    /// `None` where they are not known.
    pub(crate) tags: Option<Vec<CacheTag>>,
}

/// Where the content is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordedContent {
    /// Right behind the record.
    Beside,
    /// In chunks of their own.
    Chunks { id: u64, length: u64 },
}

impl Record {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer(Vec::with_capacity(512));
        out.number(VERSION.into());
        out.text(self.distribution.as_bytes());
        out.head(&self.head);
        out.freshness(&self.freshness);
        out.validity(&self.validity);
        match self.content {
            RecordedContent::Beside => out.number(0),
            RecordedContent::Chunks { id, length } => {
                out.number(1);
                out.number(id);
                out.number(length);
            }
        }
        out.0
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Record> {
        let mut rest = Reader(bytes);
        if rest.number()? != u64::from(VERSION) {
            return None;
        }
        Some(Record {
            distribution: rest.string()?,
            head: rest.head()?,
            freshness: rest.freshness()?,
            validity: rest.validity()?,
            content: match rest.number()? {
                0 => RecordedContent::Beside,
                1 => RecordedContent::Chunks { id: rest.number()?, length: rest.number()? },
                _ => return None,
            },
        })
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn text(&mut self, text: &[u8]) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text);
    }

    fn optional(&mut self, text: Option<&[u8]>) {
        self.number(text.is_some().into());
        text.into_iter().for_each(|text| self.text(text));
    }

    fn head(&mut self, head: &ResponseHead) {
        self.number(head.status.as_u16().into());
        self.number(head.headers.len() as u64);
        for (name, value) in &head.headers {
            self.text(name.as_str().as_bytes());
            self.text(value.as_bytes());
        }
        self.number(head.compressed.is_some().into());
        if let Some(compressed) = &head.compressed {
            self.optional(compressed.origin_etag.as_ref().map(HeaderValue::as_bytes));
        }
        let fields = head.variant.fields();
        self.number(fields.len() as u64);
        for (name, value) in fields {
            self.text(name.as_str().as_bytes());
            self.optional(value);
        }
    }

    fn validity(&mut self, Validity { tested, target, tags }: &Validity) {
        self.number(*tested);
        self.text(target.as_bytes());
        self.number(tags.is_some().into());
        if let Some(tags) = tags {
            self.number(tags.len() as u64);
            tags.iter().for_each(|tag| self.number(tag.0));
        }
    }

    fn freshness(&mut self, freshness: &Freshness) {
        let Grace { while_revalidate, if_error, if_unreachable } = freshness.grace;
        self.number(freshness.since.nanos());
        for number in [freshness.initial_age, freshness.lifetime, while_revalidate, if_error, if_unreachable] {
            self.number(number);
        }
        self.number(freshness.resting_until.map_or(0, Timestamp::nanos));
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        self.take(length)
    }

    fn string(&mut self) -> Option<String> {
        String::from_utf8(self.text()?.to_vec()).ok()
    }

    fn optional(&mut self) -> Option<Option<&'a [u8]>> {
        match self.number()? {
            0 => Some(None),
            1 => self.text().map(Some),
            _ => None,
        }
    }

    fn name(&mut self) -> Option<HeaderName> {
        HeaderName::from_bytes(self.text()?).ok()
    }

    fn head(&mut self) -> Option<ResponseHead> {
        let status = StatusCode::from_u16(u16::try_from(self.number()?).ok()?).ok()?;
        let mut headers = HeaderMap::new();
        for _ in 0..self.number()? {
            headers.append(self.name()?, HeaderValue::from_bytes(self.text()?).ok()?);
        }
        let compressed = match self.number()? {
            0 => None,
            _ => {
                let etag = self.optional()?.map(HeaderValue::from_bytes).transpose().ok()?;
                Some(Compressed { origin_etag: etag })
            }
        };
        let mut fields = Vec::new();
        for _ in 0..self.number()? {
            fields.push((self.name()?, self.optional()?.map(<[u8]>::to_vec)));
        }
        Some(ResponseHead { status, headers, compressed, variant: Variant::restored(fields) })
    }

    fn validity(&mut self) -> Option<Validity> {
        let (tested, target) = (self.number()?, self.string()?);
        let tags = match self.number()? {
            0 => None,
            1 => Some(self.tags()?),
            _ => return None,
        };
        Some(Validity { tested, target, tags })
    }

    fn tags(&mut self) -> Option<Vec<CacheTag>> {
        let mut tags = Vec::new();
        for _ in 0..self.number()? {
            tags.push(CacheTag(self.number()?));
        }
        Some(tags)
    }

    fn freshness(&mut self) -> Option<Freshness> {
        Some(Freshness {
            since: Timestamp::from_nanos(self.number()?),
            initial_age: self.number()?,
            lifetime: self.number()?,
            grace: Grace { while_revalidate: self.number()?, if_error: self.number()?, if_unreachable: self.number()? },
            resting_until: Some(self.number()?).filter(|nanos| *nanos > 0).map(Timestamp::from_nanos),
        })
    }
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;

    fn record() -> Record {
        let mut headers = HeaderMap::new();
        headers.append(header::SET_COOKIE, HeaderValue::from_static("a=1"));
        headers.append(header::SET_COOKIE, HeaderValue::from_static("b=2"));
        headers.append("x-text", HeaderValue::from_bytes(b"\xe9").unwrap());
        let request = HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, HeaderValue::from_static("de"))]);
        let varied = HeaderMap::from_iter([(header::VARY, HeaderValue::from_static("Accept-Language, Foo"))]);
        Record {
            distribution: "E1".to_owned(),
            head: ResponseHead {
                status: StatusCode::NOT_FOUND,
                headers,
                compressed: Some(Compressed { origin_etag: Some(HeaderValue::from_static("\"1\"")) }),
                variant: Variant::of(&varied, &request),
            },
            freshness: Freshness {
                since: Timestamp::from_nanos(1_700_000_000_000_000_001),
                initial_age: 3,
                lifetime: 60,
                grace: Grace { while_revalidate: 1, if_error: u64::MAX, if_unreachable: 2 },
                resting_until: Some(Timestamp::from_secs(9)),
            },
            validity: Validity { tested: 7, target: "/a?b=1".to_owned(), tags: Some(vec![CacheTag(1), CacheTag(2)]) },
            content: RecordedContent::Chunks { id: 1 << 60, length: 20_000_000_000 },
        }
    }

    #[test]
    fn what_was_written_is_read_back() {
        let mut small = record();
        small.content = RecordedContent::Beside;
        small.head.compressed = None;
        small.head.variant = Variant::default();
        small.freshness.resting_until = None;
        small.validity.tags = None;
        for record in [record(), small] {
            assert_eq!(Record::decode(&record.encode()), Some(record));
        }
    }

    #[test]
    fn a_record_that_ends_early_or_is_of_another_version_is_none() {
        let bytes = record().encode();
        for length in 0..bytes.len() {
            assert_eq!(Record::decode(&bytes[..length]), None, "{length}");
        }
        let mut other = bytes;
        other[0] = VERSION + 1;
        assert_eq!(Record::decode(&other), None);
    }

    #[test]
    fn any_bytes_can_be_tried() {
        let bytes = record().encode();
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let mut broken = bytes.clone();
            let at = random.usize(..broken.len());
            broken[at] = random.u8(..);
            let _read = Record::decode(&broken);
        }
    }
}
