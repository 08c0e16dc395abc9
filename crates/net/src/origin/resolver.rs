//! From an origin's domain name to addresses.
//!
//! Invariant: names under `localhost` never reach the DNS (RFC 6761 section 6.3); any other lookup ends within the
//! resolver's timeout. Called by `connect` for each new connection that has no fixed address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::timeout;

use super::OriginError;

/// Resolves domain names with the system's resolver.
#[derive(Clone, Debug)]
pub struct Resolver {
    timeout: Duration,
}

impl Resolver {
    /// Lookups fail after `timeout`.
    pub fn new(timeout: Duration) -> Self {
        Self { timeout }
    }

    pub(super) async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, OriginError> {
        if let Some(addresses) = without_lookup(host) {
            return Ok(addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect());
        }
        let found = timeout(self.timeout, lookup_host((host, port))).await;
        let found = found.map_err(|_elapsed| OriginError::Dns("the lookup timed out".into()))?;
        let addresses: Vec<_> = found.map_err(|error| OriginError::Dns(error.to_string().into()))?.collect();
        if addresses.is_empty() {
            return Err(OriginError::Dns("the name has no address".into()));
        }
        Ok(addresses)
    }
}

impl Default for Resolver {
    /// A timeout of 5 s, like the system resolver's own for one server.
    fn default() -> Self {
        Self::new(Duration::from_secs(5))
    }
}

fn without_lookup(host: &str) -> Option<Vec<IpAddr>> {
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = literal.parse() {
        return Some(vec![address]);
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let top = name.rsplit('.').next()?;
    top.eq_ignore_ascii_case("localhost").then(|| vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_names_and_literals_need_no_lookup() {
        let loopback: Vec<IpAddr> = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        for (host, expected) in [
            ("localhost", Some(loopback.clone())),
            ("LocalHost.", Some(loopback.clone())),
            ("site.s3.localhost", Some(loopback)),
            ("192.0.2.7", Some(vec!["192.0.2.7".parse().unwrap()])),
            ("[::1]", Some(vec!["::1".parse().unwrap()])),
            ("2001:db8::1", Some(vec!["2001:db8::1".parse().unwrap()])),
            ("localhost.example.com", None),
            ("notlocalhost", None),
        ] {
            assert_eq!(without_lookup(host), expected, "{host}");
        }
    }
}
