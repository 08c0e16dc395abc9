//! User agents as they were last encoded: a connection sends the same one with every request, and many have the same.
//!
//! Encoding one costs a table look-up for each of its hundred bytes, finding it here a comparison and a copy.
//! Invariant: what is kept is bounded, whatever viewers send; two values that share a place only cost each other time.
//! Used by `record`, one for each worker.

use super::encode::encode;

/// Powers of two; a few kilobytes as a rule.
const PLACES: usize = 64;
/// Longer values are encoded anew each time.
const LONGEST: usize = 512;
/// Bytes of a value that are looked at to choose its place, at its end and in its middle.
const SAMPLE: usize = 8;

/// Some values and what they are encoded as.
#[derive(Default)]
pub(crate) struct RecentValues {
    places: Vec<Place>,
}

#[derive(Clone, Default)]
struct Place {
    value: Vec<u8>,
    encoded: Vec<u8>,
}

impl RecentValues {
    /// Appends `value` as [`encode`] does.
    pub(crate) fn encode(&mut self, value: &[u8], out: &mut Vec<u8>) {
        if self.places.is_empty() {
            self.places = vec![Place::default(); PLACES];
        }
        match self.places.get_mut(place_of(value)).filter(|_| (1..=LONGEST).contains(&value.len())) {
            Some(place) => out.extend_from_slice(place.encoded(value)),
            None => encode(value, out),
        }
    }
}

impl Place {
    fn encoded(&mut self, value: &[u8]) -> &[u8] {
        if self.value != value {
            self.value.clear();
            self.value.extend_from_slice(value);
            self.encoded.clear();
            encode(value, &mut self.encoded);
        }
        &self.encoded
    }
}

/// Versions, in which popular user agents differ, stand in the middle and at the end.
fn place_of(value: &[u8]) -> usize {
    let middle = value.get(value.len() / 2..).and_then(|rest| rest.first_chunk::<SAMPLE>());
    let word = |sample: Option<&[u8; SAMPLE]>| sample.map_or(0, |sample| u64::from_le_bytes(*sample));
    let mixed = word(middle).rotate_left(29) ^ word(value.last_chunk::<SAMPLE>()) ^ value.len() as u64;
    (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 58) as usize % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_out_as_they_are_encoded_whatever_came_before() {
        let agents = (0..200).map(|n| format!("Mozilla/5.0 (X11) Chrome/{n}.0"));
        let odd = ["", "-", "a b", &"x y".repeat(LONGEST)].map(str::to_owned);
        let values: Vec<String> = agents.chain(odd).collect();
        let mut recent = RecentValues::default();
        for value in values.iter().chain(&values).flat_map(|value| [value, value]) {
            let (mut found, mut expected) = (Vec::new(), Vec::new());
            recent.encode(value.as_bytes(), &mut found);
            encode(value.as_bytes(), &mut expected);
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut recent = RecentValues::default();
        for n in 0..1_000 {
            recent.encode(format!("{n}{}", "\n".repeat(n)).as_bytes(), &mut Vec::new());
        }
        assert_eq!(recent.places.len(), PLACES);
        assert!(recent.places.iter().all(|place| place.value.len() <= LONGEST && place.encoded.len() <= 3 * LONGEST));
    }
}
