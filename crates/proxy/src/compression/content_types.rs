//! The types of content that CloudFront compresses (guide, ServingCompressedFiles).

use http::HeaderValue;

const TYPES: [&str; 46] = [
    "application/dash+xml",
    "application/eot",
    "application/font",
    "application/font-sfnt",
    "application/javascript",
    "application/json",
    "application/opentype",
    "application/otf",
    "application/pkcs7-mime",
    "application/protobuf",
    "application/rss+xml",
    "application/truetype",
    "application/ttf",
    "application/vnd.apple.mpegurl",
    "application/vnd.mapbox-vector-tile",
    "application/vnd.ms-fontobject",
    "application/xhtml+xml",
    "application/xml",
    "application/x-font-opentype",
    "application/x-font-truetype",
    "application/x-font-ttf",
    "application/x-httpd-cgi",
    "application/x-javascript",
    "application/x-mpegurl",
    "application/x-opentype",
    "application/x-otf",
    "application/x-perl",
    "application/x-ttf",
    "font/eot",
    "font/opentype",
    "font/otf",
    "font/ttf",
    "image/svg+xml",
    "text/css",
    "text/csv",
    "text/html",
    "text/javascript",
    "text/js",
    "text/plain",
    "text/richtext",
    "text/tab-separated-values",
    "text/xml",
    "text/x-component",
    "text/x-java-source",
    "text/x-script",
    "vnd.apple.mpegurl",
];

/// Whether content of this type is compressed; parameters such as a charset make no difference.
pub(super) fn gains(content_type: &HeaderValue) -> bool {
    let value = content_type.as_bytes();
    let end = memchr::memchr(b';', value).unwrap_or(value.len());
    let media_type = value.get(..end).unwrap_or_default().trim_ascii();
    TYPES.iter().any(|known| media_type.eq_ignore_ascii_case(known.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::{TYPES, gains};
    use http::HeaderValue;

    #[test]
    fn every_type_is_in_lower_case_and_listed_once() {
        for (index, name) in TYPES.iter().enumerate() {
            assert_eq!(*name, name.to_ascii_lowercase());
            assert!(!TYPES[..index].contains(name), "{name}");
            assert!(gains(&HeaderValue::from_static(name)));
        }
    }
}
