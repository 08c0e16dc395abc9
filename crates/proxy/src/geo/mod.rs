//! Where an address is, by MMDB files that the operator provides.
//!
//! Two layouts are read: MaxMind's (`country.iso_code`) and the flat one of ip-location-db (`country_code`). Invariant: a
//! set of files is read whole or not at all, and requests that began with a set end with it. Files are read into memory,
//! not mapped, so that one that is written over in place does no harm. Loaded by `edge`; asked by `viewer_facts::place`
//! and by `stages::viewer_request`.

mod names;
mod number;

use std::fmt::{self, Debug, Formatter};
use std::net::IpAddr;
use std::path::PathBuf;

use edgeward_plan::CountryCode;
use maxminddb::PathElement::{self, Key};
use maxminddb::Reader;
use serde::Deserialize;

use self::number::Number;

/// MMDB files by what they tell; those of a kind are asked in order.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeoFiles {
    /// Countries.
    pub country: Vec<PathBuf>,
    /// Cities, regions and what goes with them; countries too, where no file of the first kind knows one.
    pub city: Vec<PathBuf>,
    /// Autonomous systems.
    pub asn: Vec<PathBuf>,
}

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("geo: {path} cannot be read as MMDB: {reason}", path = path.display())]
pub struct GeoError {
    path: PathBuf,
    reason: String,
}

/// A set of files, read.
#[derive(Default)]
pub(crate) struct GeoData {
    country: Vec<Reader<Vec<u8>>>,
    city: Vec<Reader<Vec<u8>>>,
    asn: Vec<Reader<Vec<u8>>>,
}

impl Debug for GeoData {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("GeoData").field("knows_countries", &self.knows_countries()).finish_non_exhaustive()
    }
}

impl GeoData {
    /// Reads all of `files`.
    ///
    /// # Errors
    /// Names the first that cannot be used.
    pub(crate) fn load(files: &GeoFiles) -> Result<GeoData, GeoError> {
        Ok(GeoData { country: read(&files.country)?, city: read(&files.city)?, asn: read(&files.asn)? })
    }

    /// Whether there is any file that could tell a country.
    pub(crate) fn knows_countries(&self) -> bool {
        !(self.country.is_empty() && self.city.is_empty())
    }

    /// The country of an address.
    pub(crate) fn country(&self, address: IpAddr) -> Option<CountryCode> {
        self.country_text(COUNTRY, address).as_deref().and_then(CountryCode::parse)
    }

    /// Its name: the file's own, or that of its code.
    pub(crate) fn country_name(&self, address: IpAddr) -> Option<String> {
        let by_code = || self.country_text(COUNTRY, address).and_then(|code| names::english(&code).map(str::to_owned));
        self.country_text(COUNTRY_NAME, address).or_else(by_code)
    }

    /// A text of the country, from whichever kind has it.
    pub(crate) fn country_text(&self, places: Places, address: IpAddr) -> Option<String> {
        text(self.country.iter().chain(&self.city), places, address)
    }

    /// A text about the city.
    pub(crate) fn city_text(&self, places: Places, address: IpAddr) -> Option<String> {
        text(self.city.iter(), places, address)
    }

    /// Degrees.
    pub(crate) fn degrees(&self, places: Places, address: IpAddr) -> Option<f64> {
        find(self.city.iter(), places, address).map(|Number(degrees)| degrees).filter(|degrees| degrees.abs() <= 180.0)
    }

    /// A number about the city.
    pub(crate) fn city_number(&self, places: Places, address: IpAddr) -> Option<u32> {
        find(self.city.iter(), places, address).and_then(Number::whole)
    }

    /// The number of the autonomous system.
    pub(crate) fn asn(&self, address: IpAddr) -> Option<u32> {
        find(self.asn.iter(), ASN, address).and_then(Number::whole)
    }
}

/// Where a value may stand in a record, by layout.
pub(crate) type Places = &'static [&'static [PathElement<'static>]];

pub(crate) const COUNTRY: Places = &[&[Key("country"), Key("iso_code")], &[Key("country_code")]];
const COUNTRY_NAME: Places = &[&[Key("country"), Key("names"), Key("en")], &[Key("country_name")]];
const ASN: Places = &[&[Key("autonomous_system_number")]];

fn read(paths: &[PathBuf]) -> Result<Vec<Reader<Vec<u8>>>, GeoError> {
    let read = |path: &PathBuf| {
        Reader::open_readfile(path).map_err(|error| GeoError { path: path.clone(), reason: error.to_string() })
    };
    paths.iter().map(read).collect()
}

fn text<'a>(readers: impl Iterator<Item = &'a Reader<Vec<u8>>>, places: Places, address: IpAddr) -> Option<String> {
    find(readers, places, address).filter(|text: &String| !text.is_empty())
}

/// The first value. A record of another layout, an address family that a file lacks and a damaged record have none.
fn find<'a, T: serde::de::DeserializeOwned>(
    mut readers: impl Iterator<Item = &'a Reader<Vec<u8>>>,
    places: Places,
    address: IpAddr,
) -> Option<T> {
    let address = address.to_canonical();
    readers.find_map(|reader| {
        let record = reader.lookup(address).ok()?;
        places.iter().find_map(|place| record.decode_path(place).ok().flatten())
    })
}
