//! Which countries' viewers a distribution serves (guide, georestrictions).
//!
//! Invariant: a viewer whose country is not known is served, as CloudFront documents; that the edge knows no countries at
//! all is for the caller to refuse. Called by `proxy::stages::viewer_request`.

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GeoRestrictionDocument {
    listed: ListedDocument,
    countries: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum ListedDocument {
    Served,
    Blocked,
}

/// ISO 3166-1 alpha-2, in capitals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CountryCode([u8; 2]);

impl CountryCode {
    /// `None` for what is no two capital letters.
    pub fn parse(text: &str) -> Option<CountryCode> {
        match *text.as_bytes() {
            [first @ b'A'..=b'Z', second @ b'A'..=b'Z'] => Some(CountryCode([first, second])),
            _ => None,
        }
    }
}

/// The countries of a restriction, and what becomes of their viewers.
#[derive(Debug, PartialEq, Eq)]
pub struct GeoRestriction {
    listed: Listed,
    /// Sorted.
    countries: Vec<CountryCode>,
}

#[derive(Debug, PartialEq, Eq)]
enum Listed {
    Served,
    Blocked,
}

impl GeoRestriction {
    pub(crate) fn check(document: GeoRestrictionDocument) -> Result<GeoRestriction, String> {
        let code = |text: &String| CountryCode::parse(text).ok_or_else(|| format!("{text:?} is no country code"));
        let mut countries = document.countries.iter().map(code).collect::<Result<Vec<_>, String>>()?;
        countries.sort_unstable();
        let listed = match document.listed {
            ListedDocument::Served => Listed::Served,
            ListedDocument::Blocked => Listed::Blocked,
        };
        Ok(GeoRestriction { listed, countries })
    }

    /// Whether a viewer of this country, `None` where it is not known, is served.
    pub fn serves(&self, country: Option<CountryCode>) -> bool {
        let Some(country) = country else { return true };
        let is_listed = self.countries.binary_search(&country).is_ok();
        is_listed == (self.listed == Listed::Served)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restriction(json: &str) -> Result<GeoRestriction, String> {
        GeoRestriction::check(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn viewers_are_served_by_country_and_where_it_is_unknown() {
        for (listed, country, is_served) in [
            ("served", Some("DE"), true),
            ("served", Some("FR"), true),
            ("served", Some("US"), false),
            ("served", None, true),
            ("blocked", Some("DE"), false),
            ("blocked", Some("US"), true),
            ("blocked", None, true),
        ] {
            let restriction = restriction(&format!(r#"{{"listed":"{listed}","countries":["FR","DE"]}}"#)).unwrap();
            let country = country.map(|code| CountryCode::parse(code).unwrap());
            assert_eq!(restriction.serves(country), is_served, "{listed} {country:?}");
        }
    }

    #[test]
    fn what_is_no_country_code_is_named() {
        for code in ["de", "DEU", "", "D1", "É"] {
            let error = restriction(&format!(r#"{{"listed":"served","countries":["DE","{code}"]}}"#));
            assert_eq!(error, Err(format!("{code:?} is no country code")));
        }
    }
}
