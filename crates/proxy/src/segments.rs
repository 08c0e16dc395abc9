//! What is sent of a content: all of it, one range, or several with the text of a multipart response between them.
//!
//! Invariant: positions only ascend, so that content which still arrives can be read in the same way. Pure; made by
//! `stages::viewer_response`, gone through by `content` and `stored_content`.

use std::collections::VecDeque;

use bytes::Bytes;
use edgeward_http_rules::range::{self, ByteRange};
use http::HeaderValue;

/// What is still to be sent, in order.
pub(crate) struct Segments {
    rest: VecDeque<Segment>,
    left: u64,
}

enum Segment {
    Text(Bytes),
    /// Positions in the content; `end` is not included.
    Content {
        at: u64,
        end: u64,
    },
}

/// What comes next.
pub(crate) enum Next {
    Text(Bytes),
    /// Bytes of the content, of which any number may be taken at a time.
    Content {
        at: u64,
        end: u64,
    },
}

impl Segments {
    /// The bytes from `at` to before `end`.
    pub(crate) fn of_content(at: u64, end: u64) -> Segments {
        Segments::new(VecDeque::from([Segment::Content { at, end }]))
    }

    /// A multipart/byteranges content (RFC 9110 section 14.6) of a representation of `length` bytes.
    pub(crate) fn of_ranges(
        ranges: &[ByteRange],
        length: u64,
        boundary: &str,
        content_type: Option<&HeaderValue>,
    ) -> Segments {
        let part = |range: &ByteRange| {
            let mut head = format!("\r\n--{boundary}\r\n").into_bytes();
            if let Some(content_type) = content_type {
                head.extend([b"Content-Type: ", content_type.as_bytes(), b"\r\n"].concat());
            }
            head.extend([b"Content-Range: ", range::content_range(*range, Some(length)).as_bytes()].concat());
            head.extend(b"\r\n\r\n");
            [Segment::Text(head.into()), Segment::Content { at: range.first, end: range.last + 1 }]
        };
        let end = Segment::Text(format!("\r\n--{boundary}--\r\n").into());
        Segments::new(ranges.iter().flat_map(part).chain([end]).collect())
    }

    fn new(rest: VecDeque<Segment>) -> Segments {
        let length = |segment: &Segment| match segment {
            Segment::Text(text) => text.len() as u64,
            Segment::Content { at, end } => end.saturating_sub(*at),
        };
        let left = rest.iter().map(length).sum();
        Segments { rest, left }
    }

    /// Bytes still to be sent.
    pub(crate) fn left(&self) -> u64 {
        self.left
    }

    /// What comes next. Text is taken by that, content by `take`.
    pub(crate) fn next(&mut self) -> Option<Next> {
        match self.rest.pop_front()? {
            Segment::Text(text) => {
                self.left -= text.len() as u64;
                Some(Next::Text(text))
            }
            Segment::Content { at, end } if at >= end => self.next(),
            Segment::Content { at, end } => {
                self.rest.push_front(Segment::Content { at, end });
                Some(Next::Content { at, end })
            }
        }
    }

    /// Takes what `piece`, which begins at `at`, has of the content that comes next and ends at `end`.
    pub(crate) fn take(&mut self, mut piece: Bytes, at: u64, end: u64) -> Bytes {
        piece.truncate(usize::try_from(end - at).unwrap_or(usize::MAX));
        let taken = piece.len() as u64;
        self.left -= taken;
        if let Some(Segment::Content { at, .. }) = self.rest.front_mut() {
            *at += taken;
        }
        piece
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTENT: &[u8] = b"0123456789";

    fn sent(mut segments: Segments, step: usize) -> String {
        let mut all = Vec::new();
        while let Some(next) = segments.next() {
            match next {
                Next::Text(text) => all.extend_from_slice(&text),
                Next::Content { at, end } => {
                    let from = at as usize;
                    let piece = Bytes::copy_from_slice(&CONTENT[from..(from + step).min(CONTENT.len())]);
                    all.extend_from_slice(&segments.take(piece, at, end));
                }
            }
        }
        assert_eq!(segments.left(), 0);
        String::from_utf8(all).unwrap()
    }

    #[test]
    fn a_range_is_sent_in_any_steps() {
        for step in 1..12 {
            assert_eq!(sent(Segments::of_content(2, 9), step), "2345678");
        }
        assert_eq!(sent(Segments::of_content(3, 3), 1), "");
    }

    // RFC 9110 section 14.6
    #[test]
    fn several_ranges_are_parts_of_a_multipart_content() {
        let ranges = [ByteRange { first: 0, last: 1 }, ByteRange { first: 8, last: 9 }];
        let plain = HeaderValue::from_static("text/plain");
        let expected = "\r\n--B\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01\
                        \r\n--B\r\nContent-Type: text/plain\r\nContent-Range: bytes 8-9/10\r\n\r\n89\r\n--B--\r\n";
        let segments = Segments::of_ranges(&ranges, 10, "B", Some(&plain));
        assert_eq!(segments.left(), expected.len() as u64);
        assert_eq!(sent(segments, 1), expected);
        assert!(!sent(Segments::of_ranges(&ranges, 10, "B", None), 5).contains("Content-Type"));
    }
}
