//! The framing witness: whether a viewer sent Content-Length and Transfer-Encoding in one request head.
//!
//! hyper gives Transfer-Encoding precedence and silently drops Content-Length (RFC 9112 section 6.3 allows that), but two
//! framings in one request are how requests are smuggled, so the pipeline has to see them to refuse them. The witness
//! keeps the raw bytes of heads that the parser has not finished yet and looks into them only for chunked requests.
//!
//! Invariant: the kept bytes contain every byte of each unfinished head. They may contain more: what follows the head is
//! not searched, and the end of earlier chunked content can only make the witness report too much, never too little. One
//! per HTTP/1.1 connection, fed by `connection::viewer_io`.

use memchr::memchr_iter;

/// How the parser delimits the content of the request whose head it just finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// This many bytes follow the head (0 without content).
    Length(u64),
    /// Transfer-Encoding: chunked.
    Chunked,
}

/// Raw bytes read from one connection that may belong to an unfinished request head.
#[derive(Debug)]
pub(crate) struct Witness {
    kept: Vec<u8>,
    limit: usize,
    /// Bytes of content with a known length that are still to come: they need not be kept.
    skip: u64,
    chunked: bool,
    /// Heads without content at the beginning of `kept` that the parser has finished. Where they end is found out only
    /// if it matters: most often there is nothing behind them.
    finished: usize,
    /// The head that was finished last, if it is no longer in `kept` and nothing has been read since.
    forgotten: Vec<u8>,
}

impl Witness {
    /// `max_head_bytes` is the parser's limit for one head.
    pub(crate) fn new(max_head_bytes: usize) -> Self {
        // The parser's buffer holds a head within its limit plus one read, and a read is at most as large as the buffer
        // grows: twice the limit. Twice that leaves no doubt.
        Self {
            kept: Vec::new(),
            limit: max_head_bytes.saturating_mul(4),
            skip: 0,
            chunked: false,
            finished: 0,
            forgotten: Vec::new(),
        }
    }

    /// Takes note of bytes just read. `answering` is true while a request is in progress: the parser then has used up
    /// all earlier bytes, because it reads content only with an empty buffer. It reads a head only when its buffer holds
    /// no complete one.
    pub(crate) fn read(&mut self, mut bytes: &[u8], answering: bool) {
        self.forgotten = Vec::new();
        if answering || self.has_only_finished_heads() {
            self.kept.clear();
            self.finished = 0;
        }
        self.forget_finished_heads();
        if self.skip > 0 {
            let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
            self.skip -= skipped as u64;
            bytes = bytes.get(skipped..).unwrap_or_default();
        }
        self.kept.extend_from_slice(bytes);
        if self.chunked {
            self.forget_finished_content();
        }
        self.enforce_limit();
    }

    /// The parser finished a head. Returns whether it may have had a Content-Length beside its Transfer-Encoding.
    pub(crate) fn head_finished(&mut self, content: Content) -> bool {
        if content == Content::Length(0) && self.kept.capacity() <= RETAINED_CAPACITY {
            self.chunked = false;
            self.finished += 1;
            return false;
        }
        self.forget_finished_heads();
        let end = head_end(&self.kept).unwrap_or(0);
        // Behind chunked content the head may begin later than what is kept.
        let searched = if self.chunked { self.kept.len() } else { end };
        let ambiguous =
            content == Content::Chunked && has_content_length(self.kept.get(..searched).unwrap_or_default());
        self.forgotten = self.kept.get(..end).unwrap_or_default().to_vec();
        self.forget(end);
        self.chunked = content == Content::Chunked;
        match content {
            Content::Length(length) => self.forget_content(length),
            Content::Chunked => self.forget_finished_content(),
        }
        ambiguous
    }

    /// The head that the parser finished last, with empty lines before it; `None` once more has been read.
    pub(crate) fn current_head(&self) -> Option<&[u8]> {
        let Some(earlier) = self.finished.checked_sub(1) else {
            return Some(&*self.forgotten).filter(|head| !head.is_empty());
        };
        let from = |kept, _| head_end(kept).and_then(|end| kept.get(end..)).unwrap_or_default();
        let current = (0..earlier).fold(&*self.kept, from);
        current.get(..head_end(current)?)
    }

    /// Whether part of a head may have been read. False positives end with the next request.
    pub(crate) fn has_partial_head(&self) -> bool {
        !self.kept.is_empty() && !self.has_only_finished_heads()
    }

    /// Whether content may be on its way that no parser has asked for yet.
    pub(crate) fn may_be_within_content(&self) -> bool {
        self.skip > 0 || self.chunked
    }

    /// The connection rests, so that whole heads have been finished: frees what they took.
    pub(crate) fn rest(&mut self) {
        if self.has_only_finished_heads() {
            (self.finished, self.kept) = (0, Vec::new());
        }
        self.kept.shrink_to_fit();
        self.forgotten = Vec::new();
    }

    /// Whether all that is kept is heads, the first of them finished. Once the parser reads on, or the connection rests, it
    /// has finished them all.
    fn has_only_finished_heads(&self) -> bool {
        self.finished > 0 && (self.kept.ends_with(b"\n\r\n") || self.kept.ends_with(b"\n\n"))
    }

    fn forget_finished_heads(&mut self) {
        for _ in 0..std::mem::take(&mut self.finished) {
            self.forget(head_end(&self.kept).unwrap_or(0));
        }
    }

    fn forget(&mut self, bytes: usize) {
        if bytes == self.kept.len() {
            self.kept.clear();
            self.kept.shrink_to(RETAINED_CAPACITY);
        } else {
            self.kept.drain(..bytes);
        }
    }

    fn forget_content(&mut self, length: u64) {
        let present = usize::try_from(length).unwrap_or(usize::MAX).min(self.kept.len());
        self.skip = length - present as u64;
        self.forget(present);
    }

    /// Drops chunked content that ends with the kept bytes. A blank line after the line `0` cannot end a head (`0` is no
    /// field line), and a head before it would have left an earlier blank line.
    fn forget_finished_content(&mut self) {
        let complete = self.kept == b"0\r\n\r\n" || self.kept.ends_with(b"\r\n0\r\n\r\n");
        if complete && blank_line_end(&self.kept) == Some(self.kept.len()) {
            self.forget(self.kept.len());
        }
    }

    fn enforce_limit(&mut self) {
        if self.kept.len() > self.limit {
            self.forget(self.kept.len() - self.limit);
        }
    }
}

/// Where the first head in `bytes` ends, after the empty lines that may precede a request line (RFC 9112 section 2.2).
fn head_end(bytes: &[u8]) -> Option<usize> {
    let leading = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    blank_line_end(bytes.get(leading..)?).map(|end| leading + end)
}

/// The end of the first blank line; like the parser this takes a lone LF for CR LF.
fn blank_line_end(bytes: &[u8]) -> Option<usize> {
    memchr_iter(b'\n', bytes).find_map(|at| match bytes.get(at + 1..) {
        Some([b'\n', ..]) => Some(at + 2),
        Some([b'\r', b'\n', ..]) => Some(at + 3),
        _ => None,
    })
}

fn has_content_length(bytes: &[u8]) -> bool {
    // The parser takes no white space before the colon.
    const NAME: &[u8] = b"content-length:";
    memchr_iter(b'\n', bytes)
        .filter_map(|at| bytes.get(at + 1..at + 1 + NAME.len()))
        .any(|name| name.eq_ignore_ascii_case(NAME))
}

/// What an idle connection may keep allocated: a usual head fits.
const RETAINED_CAPACITY: usize = 4 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const CHUNKED: &[u8] = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    const BOTH: &[u8] = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\ncontent-LENGTH: 5\r\n\r\n";
    const POST: &[u8] = b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";

    fn witness() -> Witness {
        Witness::new(1024)
    }

    #[test]
    fn both_framings_in_one_head_are_seen() {
        for head in [
            BOTH,
            b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"POST / HTTP/1.1\nContent-Length: 5\nTransfer-Encoding: chunked\n\n",
            b"\r\n\r\nPOST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length:0\r\n\r\n",
        ] {
            let mut witness = witness();
            witness.read(head, false);
            assert!(witness.head_finished(Content::Chunked));
        }
    }

    #[test]
    fn a_head_read_byte_by_byte_is_seen_whole() {
        let mut witness = witness();
        for byte in BOTH {
            witness.read(&[*byte], false);
        }
        assert!(witness.head_finished(Content::Chunked));
    }

    #[test]
    fn the_current_head_is_there_until_more_is_read() {
        let whole = [GET, POST, CHUNKED, b"0\r\n\r\n", b"\r\n", GET].concat();
        let mut witness = witness();
        assert_eq!(witness.current_head(), None);
        witness.read(&whole, false);
        for (content, head) in
            [(Content::Length(0), GET), (Content::Length(5), &POST[..POST.len() - 5]), (Content::Chunked, CHUNKED)]
        {
            witness.head_finished(content);
            assert_eq!(witness.current_head(), Some(head), "{content:?}");
        }
        witness.read(b"GET", true);
        assert_eq!(witness.current_head(), None);
    }

    #[test]
    fn a_chunked_request_alone_is_not_ambiguous() {
        let mut witness = witness();
        witness.read(CHUNKED, false);
        assert!(!witness.head_finished(Content::Chunked));
    }

    #[test]
    fn a_longer_name_is_another_field() {
        let mut witness = witness();
        witness.read(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length-Range: 5\r\n\r\n", false);
        assert!(!witness.head_finished(Content::Chunked));
    }

    #[test]
    fn content_that_speaks_of_lengths_is_not_ambiguous() {
        let mut witness = witness();
        witness.read(&[CHUNKED, b"15\r\na\r\nContent-Length: 5\r\n0\r\n\r\n"].concat(), false);
        assert!(!witness.head_finished(Content::Chunked));
    }

    #[test]
    fn the_content_length_of_an_earlier_request_is_forgotten() {
        let mut witness = witness();
        witness.read(POST, false);
        assert!(!witness.head_finished(Content::Length(5)));
        assert!(!witness.has_partial_head());
        witness.read(CHUNKED, false);
        assert!(!witness.head_finished(Content::Chunked));
    }

    #[test]
    fn content_of_known_length_is_not_kept_over_many_reads() {
        let mut witness = witness();
        witness.read(b"POST / HTTP/1.1\r\nContent-Length: 30\r\n\r\n", false);
        witness.head_finished(Content::Length(30));
        for _ in 0..3 {
            witness.read(b"\nContent-Length: 9\r\n"[..10].as_ref(), true);
        }
        assert!(!witness.has_partial_head());
        witness.read(CHUNKED, false);
        assert!(!witness.head_finished(Content::Chunked));
    }

    #[test]
    fn a_pipelined_request_behind_each_kind_of_content_is_seen() {
        for (first, content) in [
            (GET.to_vec(), Content::Length(0)),
            (POST.to_vec(), Content::Length(5)),
            ([CHUNKED, b"5\r\nhello\r\n0\r\n\r\n"].concat(), Content::Chunked),
            ([CHUNKED, b"4\r\n\r\n\r\n\r\n0\r\n\r\n"].concat(), Content::Chunked),
            ([CHUNKED, b"0\r\nX: y\r\n\r\n"].concat(), Content::Chunked),
        ] {
            for split in [0, 1, BOTH.len() / 2, BOTH.len() - 1, BOTH.len()] {
                let (now, later) = BOTH.split_at(split);
                let mut witness = witness();
                witness.read(&[&first, now].concat(), false);
                assert!(!witness.head_finished(content) || split > 60, "{content:?} {split}");
                if !later.is_empty() {
                    witness.read(later, false);
                }
                assert!(witness.head_finished(Content::Chunked), "{content:?} {split}");
            }
        }
    }

    #[test]
    fn heads_without_content_leave_nothing_but_what_follows_them() {
        for (first, behind) in [
            (&b""[..], &b""[..]),
            (GET, b""),
            (b"\r\n", b"\r\n"),
            (b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b""),
            (b"", b"POST / HTTP/1.1\r\nContent-Le"),
            (GET, b"P"),
        ] {
            let mut witness = witness();
            witness.read(&[first, GET, behind].concat(), false);
            for _ in 0..=usize::from(first.len() > 2) {
                witness.head_finished(Content::Length(0));
            }
            assert_eq!(witness.has_partial_head(), behind.len() > 2 || behind == b"P", "{behind:?}");
            witness.read(&BOTH[behind.len().min(1)..], false);
            assert!(witness.head_finished(Content::Chunked));
        }
    }

    #[test]
    fn the_content_length_of_a_pipelined_request_before_is_forgotten() {
        let mut witness = witness();
        let empty: &[u8] = b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n";
        witness.read(&[empty, GET, CHUNKED].concat(), false);
        witness.head_finished(Content::Length(0));
        witness.head_finished(Content::Length(0));
        assert!(!witness.head_finished(Content::Chunked));
    }

    #[test]
    fn the_second_of_three_pipelined_chunked_requests_is_seen() {
        let mut witness = witness();
        let end: &[u8] = b"0\r\n\r\n";
        witness.read(&[CHUNKED, end, BOTH, end, CHUNKED, end].concat(), false);
        witness.head_finished(Content::Chunked);
        assert!(witness.head_finished(Content::Chunked));
    }

    #[test]
    fn chunked_content_that_ended_is_forgotten() {
        let mut witness = witness();
        witness.read(&[CHUNKED, b"13\r\n\nContent-Length: 5\r\n\r\n0\r\n\r\n"].concat(), false);
        witness.head_finished(Content::Chunked);
        witness.read(b"6\r\n\nConte\r\n", true);
        witness.read(b"3\r\nabc\r\n0\r\n\r\n", true);
        assert!(!witness.has_partial_head());
        witness.read(CHUNKED, false);
        assert!(!witness.head_finished(Content::Chunked));
    }

    #[test]
    fn a_witness_at_rest_keeps_parts_of_heads_alone() {
        for (read, finished, kept) in
            [(GET.to_vec(), 1, 0), ([GET, &GET[..9]].concat(), 1, GET.len() + 9), (GET[..9].to_vec(), 0, 9)]
        {
            let mut witness = witness();
            witness.read(&read, false);
            (0..finished).for_each(|_| assert!(!witness.head_finished(Content::Length(0))));
            witness.rest();
            assert_eq!((witness.kept.len(), witness.kept.capacity()), (kept, kept));
            assert_eq!(witness.has_partial_head(), kept > 0);
        }
        let mut witness = witness();
        witness.read(&BOTH[..40], false);
        witness.rest();
        witness.read(&BOTH[40..], false);
        assert!(witness.head_finished(Content::Chunked));
    }

    #[test]
    fn content_to_come_is_known_of() {
        for (read, content, expected) in [
            (GET, Content::Length(0), false),
            (POST, Content::Length(5), false),
            (&POST[..POST.len() - 1], Content::Length(5), true),
            (CHUNKED, Content::Chunked, true),
        ] {
            let mut witness = witness();
            witness.read(read, false);
            witness.head_finished(content);
            assert_eq!(witness.may_be_within_content(), expected, "{content:?}");
        }
    }

    #[test]
    fn memory_is_bounded_and_an_idle_connection_keeps_little() {
        let mut witness = witness();
        witness.read(&vec![b'a'; 100_000], false);
        assert_eq!(witness.kept.len(), 4096);
        witness.read(b"\n\n", false);
        witness.head_finished(Content::Length(0));
        assert!(witness.kept.is_empty() && witness.kept.capacity() <= RETAINED_CAPACITY);
    }
}
