//! Which of the requests with one cache key a stored response answers (RFC 9111 section 4.1).
//!
//! By CloudFront's rules all of them: what a response may depend on is in the key. By RFC 9111 those that agree with the
//! request that brought it in every field that its Vary names. Called by `proxy` when a response arrives, and by `store`.

use http::{HeaderMap, HeaderName};

use edgeward_http_rules::vary;
use xxhash_rust::xxh3::Xxh3;

/// The selecting fields of the request that brought a response. Two responses with equal variants replace each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variant {
    fields: Box<[SelectingField]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct SelectingField {
    name: HeaderName,
    /// Normalised; `None` where the request lacked the field.
    value: Option<Vec<u8>>,
}

impl Variant {
    /// Of a response to `request`.
    pub fn of(response: &HeaderMap, request: &HeaderMap) -> Variant {
        let field = |name| SelectingField { value: vary::normalized(request, &name), name };
        Variant { fields: vary::selecting_fields(response).into_iter().map(field).collect() }
    }

    /// The same, but for one field, which the key holds already.
    #[must_use]
    pub fn without(mut self, name: &HeaderName) -> Variant {
        self.fields = self.fields.into_iter().filter(|field| field.name != *name).collect();
        self
    }

    /// Whether it answers every request.
    pub fn is_any(&self) -> bool {
        self.fields.is_empty()
    }

    /// Whether it answers `request`. Allocates for each selecting field.
    pub fn answers(&self, request: &HeaderMap) -> bool {
        self.fields.iter().all(|field| vary::normalized(request, &field.name) == field.value)
    }

    /// Each field, and what the request had of it.
    pub(crate) fn fields(&self) -> impl ExactSizeIterator<Item = (&HeaderName, Option<&[u8]>)> {
        self.fields.iter().map(|field| (&field.name, field.value.as_deref()))
    }

    /// From what `fields` gave.
    pub(crate) fn restored(fields: Vec<(HeaderName, Option<Vec<u8>>)>) -> Variant {
        Variant { fields: fields.into_iter().map(|(name, value)| SelectingField { name, value }).collect() }
    }

    /// Tells the variants of a key apart on disk.
    pub(crate) fn number(&self) -> u64 {
        let mut sum = Xxh3::new();
        for field in &self.fields {
            sum.update(field.name.as_str().as_bytes());
            sum.update(field.value.as_deref().unwrap_or(b"\n"));
            sum.update(b"\n\n");
        }
        sum.digest()
    }

    /// Bytes it takes in memory.
    pub(crate) fn size(&self) -> usize {
        let values = self.fields.iter().map(|field| field.value.as_ref().map_or(0, Vec::len));
        self.fields.len() * size_of::<SelectingField>() + values.sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::Variant;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let field = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        lines.iter().map(field).collect()
    }

    // RFC 9111 section 4.1
    #[test]
    fn a_response_answers_requests_that_agree_in_every_field_that_vary_names() {
        for (vary, stored_for, asked_by, answers) in [
            ("", &[("foo", "1")][..], &[("foo", "2")][..], true),
            ("Foo", &[("foo", "1")], &[("foo", "1"), ("bar", "2")], true),
            ("Foo", &[("foo", "1")], &[("foo", "2")], false),
            ("Foo", &[("foo", "1")], &[], false),
            ("Foo", &[], &[("foo", "1")], false),
            ("Foo", &[], &[], true),
            ("foo, bar", &[("foo", "1"), ("bar", "2")], &[("bar", "2"), ("foo", "1")], true),
            ("foo, bar", &[("foo", "1"), ("bar", "2")], &[("foo", "1")], false),
            ("accept-language", &[("accept-language", "en, de")], &[("accept-language", "DE,en")], true),
        ] {
            let variant = Variant::of(&headers(&[("vary", vary)]), &headers(stored_for));
            assert_eq!(variant.answers(&headers(asked_by)), answers, "{vary}: {stored_for:?} {asked_by:?}");
            assert_eq!(variant.is_any(), vary.is_empty());
        }
    }
}
