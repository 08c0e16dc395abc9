//! Which versions and cipher suites the viewers of a distribution may use: CloudFront's security policies.
//!
//! Source: guide, secure-connections-supported-viewer-protocols-ciphers. Of its table this edge has the rows from TLS 1.2
//! on, and of those the suites with forward secrecy and authenticated encryption; so the policies before TLSv1.2_2021 are
//! the same here, and narrower than CloudFront's.

use serde::Deserialize;

/// MinimumProtocolVersion of a viewer certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum SecurityPolicy {
    /// SSLv3
    #[serde(rename = "SSLv3")]
    Ssl3,
    /// TLSv1, the one of distributions without a certificate of their own.
    #[default]
    #[serde(rename = "TLSv1")]
    Tls10,
    /// TLSv1_2016
    #[serde(rename = "TLSv1_2016")]
    Tls10Of2016,
    /// TLSv1.1_2016
    #[serde(rename = "TLSv1.1_2016")]
    Tls11Of2016,
    /// TLSv1.2_2018
    #[serde(rename = "TLSv1.2_2018")]
    Tls12Of2018,
    /// TLSv1.2_2019
    #[serde(rename = "TLSv1.2_2019")]
    Tls12Of2019,
    /// TLSv1.2_2021
    #[serde(rename = "TLSv1.2_2021")]
    Tls12Of2021,
    /// TLSv1.2_2025
    #[serde(rename = "TLSv1.2_2025")]
    Tls12Of2025,
    /// TLSv1.3_2025
    #[serde(rename = "TLSv1.3_2025")]
    Tls13Of2025,
}

impl SecurityPolicy {
    /// Whether viewers may use TLS 1.2. All policies have TLS 1.3.
    pub fn allows_tls12(self) -> bool {
        self != SecurityPolicy::Tls13Of2025
    }

    /// Whether viewers may use ChaCha20-Poly1305, in whichever version.
    pub fn allows_chacha20(self) -> bool {
        self != SecurityPolicy::Tls12Of2025
    }
}

#[cfg(test)]
mod tests {
    use super::SecurityPolicy;

    #[test]
    fn each_policy_allows_what_the_table_of_the_guide_has() {
        for (name, tls12, chacha20) in [
            ("SSLv3", true, true),
            ("TLSv1", true, true),
            ("TLSv1_2016", true, true),
            ("TLSv1.1_2016", true, true),
            ("TLSv1.2_2018", true, true),
            ("TLSv1.2_2019", true, true),
            ("TLSv1.2_2021", true, true),
            ("TLSv1.2_2025", true, false),
            ("TLSv1.3_2025", false, true),
        ] {
            let policy: SecurityPolicy = serde_json::from_value(name.into()).unwrap();
            assert_eq!((policy.allows_tls12(), policy.allows_chacha20()), (tls12, chacha20), "{name}");
        }
    }
}
