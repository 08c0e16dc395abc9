//! A number of a record, whatever type its file gives it: files of different makers write the same member as 16, 32 or
//! 64 bits, with a sign or without, or as text. Called by `geo`.

use std::fmt::{self, Formatter};

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Exact for every number of up to 53 bits, which those of records are.
pub(super) struct Number(pub(super) f64);

impl Number {
    /// `None` for what is no whole number of 32 bits.
    pub(super) fn whole(self) -> Option<u32> {
        let is_whole = self.0.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&self.0);
        is_whole.then_some(self.0 as u32)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
        deserializer.deserialize_any(AnyNumber)
    }
}

struct AnyNumber;

impl Visitor<'_> for AnyNumber {
    type Value = Number;

    fn expecting(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Number, E> {
        Ok(Number(value as f64))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Number, E> {
        Ok(Number(value as f64))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Number, E> {
        Ok(Number(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Number, E> {
        value.parse().map(Number).map_err(Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_whatever_their_type() {
        for (json, number, whole) in [
            ("3320", 3320.0, Some(3320)),
            ("-13.405", -13.405, None),
            ("\"52.52\"", 52.52, None),
            ("4294967295", 4_294_967_295.0, Some(u32::MAX)),
            ("4294967296", 4_294_967_296.0, None),
            ("-1", -1.0, None),
        ] {
            let read: Number = serde_json::from_str(json).unwrap();
            assert!((read.0 - number).abs() < f64::EPSILON, "{json}");
            assert_eq!(read.whole(), whole, "{json}");
        }
        assert!(serde_json::from_str::<Number>("\"\"").is_err());
        assert!(serde_json::from_str::<Number>("[]").is_err());
    }
}
