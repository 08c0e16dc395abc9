//! The frame meter: what a viewer sends over HTTP/2 beside its requests, and how much of that it may.
//!
//! h2 bounds what frames make it hold; it does not bound the work they make. PING, SETTINGS, PRIORITY, WINDOW_UPDATE,
//! CONTINUATION, empty DATA and reset streams cost a viewer a few bytes each, so they are counted here as they arrive
//! (RFC 9113 section 10.5) and paid for from an allowance that requests, content and time refill.
//!
//! Invariant: the meter only counts; h2 alone decides what frames mean. One per HTTP/2 connection, fed by
//! `connection::viewer_io`.

use std::time::Duration;

/// What a piece of the stream held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    /// HEADERS frames: requests, or trailers.
    pub(crate) requests: u32,
    /// Frames that bring neither a request nor content.
    pub(crate) controls: u32,
    /// RST_STREAM frames.
    pub(crate) resets: u32,
}

/// Follows the frames of one connection.
#[derive(Debug)]
pub(crate) struct FrameMeter {
    preface_left: usize,
    header: [u8; HEADER],
    header_length: usize,
    payload_left: usize,
    kind: u8,
    is_head_open: bool,
}

impl FrameMeter {
    /// At the connection preface.
    pub(crate) fn new() -> Self {
        let preface_left = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len();
        Self {
            preface_left,
            header: [0; HEADER],
            header_length: 0,
            payload_left: 0,
            kind: SETTINGS,
            is_head_open: false,
        }
    }

    /// Counts the frames that begin in `bytes`, which follow those read before.
    pub(crate) fn read(&mut self, mut bytes: &[u8]) -> Counted {
        let mut counted = Counted::default();
        bytes = skip(bytes, &mut self.preface_left);
        loop {
            bytes = skip(bytes, &mut self.payload_left);
            let Some((byte, rest)) = bytes.split_first() else { return counted };
            if let Some(place) = self.header.get_mut(self.header_length) {
                *place = *byte;
                self.header_length += 1;
            }
            bytes = rest;
            if self.header_length == HEADER {
                self.header_length = 0;
                self.begin(&mut counted);
            }
        }
    }

    /// Whether a field section has begun that is not complete, or a frame other than DATA.
    pub(crate) fn is_within_head(&self) -> bool {
        self.is_head_open || self.header_length > 0 || (self.payload_left > 0 && self.kind != DATA)
    }

    /// A frame header is complete (RFC 9113 section 4.1).
    fn begin(&mut self, counted: &mut Counted) {
        let [high, middle, low, kind, flags, ..] = self.header;
        let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        let is_set = |flag| flags & flag != 0;
        (self.payload_left, self.kind) = (length, kind);
        match kind {
            // Padding may be all there is.
            DATA if (length == 0 && !is_set(END_STREAM)) || (is_set(PADDED) && length <= LONGEST_PADDING) => {
                counted.controls += 1;
            }
            DATA => {}
            HEADERS => {
                self.is_head_open = !is_set(END_HEADERS);
                counted.requests += 1;
            }
            CONTINUATION => {
                self.is_head_open &= !is_set(END_HEADERS);
                counted.controls += 1;
            }
            RST_STREAM => counted.resets += 1,
            _ => counted.controls += 1,
        }
    }
}

fn skip<'b>(bytes: &'b [u8], left: &mut usize) -> &'b [u8] {
    let skipped = bytes.len().min(*left);
    *left -= skipped;
    bytes.get(skipped..).unwrap_or_default()
}

/// How many frames of a kind a viewer may send: `most` at once, of which a tenth comes back every second.
#[derive(Debug)]
pub(crate) struct Allowance {
    most: u32,
    left: f64,
}

impl Allowance {
    pub(crate) fn new(most: u32) -> Self {
        Self { most, left: f64::from(most) }
    }

    /// Pays for `frames`, `passed` after the last payment, with `earned` more in hand; false when that is not enough.
    pub(crate) fn pay(&mut self, frames: u32, earned: u64, passed: Duration) -> bool {
        let most = f64::from(self.most);
        let refilled = (self.left + most / 10.0 * passed.as_secs_f64()).min(most);
        let left = refilled + f64::from(u32::try_from(earned).unwrap_or(u32::MAX)) - f64::from(frames);
        self.left = left.min(most);
        self.left >= 0.0
    }

    /// Whether more than a tenth of it is spent.
    pub(crate) fn is_drawn_on(&self) -> bool {
        self.left < f64::from(self.most) * 0.9
    }
}

const HEADER: usize = 9;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
/// With the byte that tells its length.
const LONGEST_PADDING: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const PING: u8 = 6;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        [&[0, 0, length, kind, flags, 0, 0, 0, 1][..], payload].concat()
    }

    fn counted(requests: u32, controls: u32, resets: u32) -> Counted {
        Counted { requests, controls, resets }
    }

    #[test]
    fn frames_are_counted_by_what_they_bring() {
        for (frames, expected) in [
            (frame(SETTINGS, 0, b""), counted(0, 1, 0)),
            (frame(PING, 0, b"12345678"), counted(0, 1, 0)),
            (frame(0xfa, 0, b"unknown"), counted(0, 1, 0)),
            (frame(HEADERS, END_HEADERS, b"x"), counted(1, 0, 0)),
            ([frame(HEADERS, 0, b"x"), frame(CONTINUATION, END_HEADERS, b"")].concat(), counted(1, 1, 0)),
            (frame(DATA, 0, b"x"), counted(0, 0, 0)),
            (frame(DATA, 0, b""), counted(0, 1, 0)),
            (frame(DATA, END_STREAM, b""), counted(0, 0, 0)),
            (frame(DATA, PADDED, &[2, 0, 0]), counted(0, 1, 0)),
            (frame(RST_STREAM, 0, &[0, 0, 0, 8]), counted(0, 0, 1)),
        ] {
            assert_eq!(FrameMeter::new().read(&[PREFACE, &frames].concat()), expected, "{frames:?}");
        }
    }

    #[test]
    fn how_the_stream_is_cut_changes_nothing() {
        let frames = [frame(PING, 0, b"12345678"), frame(HEADERS, 0, b"xyz"), frame(CONTINUATION, 4, b"z")].concat();
        let stream = [PREFACE, &frames, &frame(DATA, 0, b"hello"), &frame(RST_STREAM, 0, b"0000")].concat();
        for piece in 1..stream.len() {
            let mut meter = FrameMeter::new();
            let sum = stream.chunks(piece).map(|bytes| meter.read(bytes)).fold(counted(0, 0, 0), |sum, next| {
                counted(sum.requests + next.requests, sum.controls + next.controls, sum.resets + next.resets)
            });
            assert_eq!(sum, counted(1, 2, 1), "{piece}");
            assert!(!meter.is_within_head());
        }
    }

    #[test]
    fn a_head_is_open_until_its_last_frame_is_complete() {
        let mut meter = FrameMeter::new();
        meter.read(PREFACE);
        for (bytes, is_open) in [
            (frame(HEADERS, 0, b"x"), true),
            (frame(CONTINUATION, 0, b"x"), true),
            (frame(CONTINUATION, END_HEADERS, b"xy")[..10].to_vec(), true),
            (b"y".to_vec(), false),
            (frame(DATA, 0, b"hello")[..11].to_vec(), false),
            (b"llo".to_vec(), false),
            (b"\0".to_vec(), true),
        ] {
            meter.read(&bytes);
            assert_eq!(meter.is_within_head(), is_open, "{bytes:?}");
        }
    }

    #[test]
    fn an_allowance_is_refilled_by_time_and_earnings_and_keeps_no_more_than_its_most() {
        let mut allowance = Allowance::new(100);
        assert!(allowance.pay(100, 0, Duration::ZERO));
        assert!(!allowance.pay(1, 0, Duration::ZERO));
        assert!(allowance.pay(9, 0, Duration::from_secs(1)));
        assert!(allowance.pay(50, 60, Duration::ZERO));
        assert!(Allowance::new(100).pay(150, 50, Duration::ZERO));
        let mut fresh = Allowance::new(100);
        assert!(fresh.pay(10, 0, Duration::ZERO) && !fresh.is_drawn_on());
        assert!(fresh.pay(1, 0, Duration::ZERO) && fresh.is_drawn_on());
        let mut rich = Allowance::new(100);
        assert!(rich.pay(0, u64::MAX, Duration::MAX));
        assert!(!rich.pay(101, 0, Duration::MAX));
    }
}
