//! Where the viewer is, as CloudFront writes it.
//!
//! Invariant: what the data do not tell is left out, never guessed. Pure but for the data. Called by `viewer_facts`.

use std::fmt::Write;
use std::net::IpAddr;

use edgeward_plan::PlaceFact;
use http::HeaderValue;
use maxminddb::PathElement::{Index, Key};

use crate::geo::{self, GeoData, Places};

/// `None` leaves the field out.
pub(super) fn value(fact: PlaceFact, address: IpAddr, geo: &GeoData) -> Option<HeaderValue> {
    let text = match fact {
        PlaceFact::Asn => geo.asn(address)?.to_string(),
        PlaceFact::Country => geo.country_text(geo::COUNTRY, address)?,
        PlaceFact::CountryName => geo.country_name(address)?,
        PlaceFact::City => geo.city_text(CITY, address)?,
        PlaceFact::Region => geo.city_text(REGION, address)?,
        PlaceFact::RegionName => geo.city_text(REGION_NAME, address)?,
        PlaceFact::PostalCode => geo.city_text(POSTAL_CODE, address)?,
        PlaceFact::TimeZone => geo.city_text(TIME_ZONE, address)?,
        PlaceFact::MetroCode => geo.city_number(METRO_CODE, address)?.to_string(),
        PlaceFact::Latitude => degrees(geo.degrees(LATITUDE, address)?),
        PlaceFact::Longitude => degrees(geo.degrees(LONGITUDE, address)?),
    };
    HeaderValue::from_str(&encoded(&text)).ok()
}

fn degrees(value: f64) -> String {
    format!("{value:.5}")
}

/// What is not ASCII is percent-encoded (guide, adding-cloudfront-headers).
fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if matches!(byte, b' '..=b'~') && byte != b'%' {
            encoded.push(char::from(byte));
        } else {
            let _a_string_takes_all = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// MaxMind's layout, then the flat one.
const CITY: Places = &[&[Key("city"), Key("names"), Key("en")], &[Key("city")]];
const REGION: Places = &[&[Key("subdivisions"), Index(0), Key("iso_code")]];
const REGION_NAME: Places = &[&[Key("subdivisions"), Index(0), Key("names"), Key("en")], &[Key("state1")]];
const POSTAL_CODE: Places = &[&[Key("postal"), Key("code")], &[Key("postcode")]];
const TIME_ZONE: Places = &[&[Key("location"), Key("time_zone")], &[Key("timezone")]];
const METRO_CODE: Places = &[&[Key("location"), Key("metro_code")]];
const LATITUDE: Places = &[&[Key("location"), Key("latitude")], &[Key("latitude")]];
const LONGITUDE: Places = &[&[Key("location"), Key("longitude")], &[Key("longitude")]];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_percent_encoded_where_it_is_not_ascii() {
        for (text, expected) in
            [("Berlin", "Berlin"), ("São Paulo", "S%C3%A3o Paulo"), ("100%", "100%25"), ("a\r\nb\u{7f}", "a%0D%0Ab%7F")]
        {
            assert_eq!(encoded(text), expected);
        }
    }

    #[test]
    fn degrees_have_five_decimals() {
        for (value, expected) in [(52.52, "52.52000"), (-0.1234567, "-0.12346"), (180.0, "180.00000")] {
            assert_eq!(degrees(value), expected);
        }
    }

    #[test]
    fn without_data_nothing_is_stated() {
        let address = "192.0.2.1".parse().unwrap();
        for fact in [PlaceFact::Country, PlaceFact::CountryName, PlaceFact::Asn, PlaceFact::City, PlaceFact::Latitude] {
            assert_eq!(value(fact, address, &GeoData::default()), None);
        }
    }
}
