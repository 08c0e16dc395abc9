//! From an origin's domain name to addresses.
//!
//! Invariant: names under `localhost` never reach the DNS (RFC 6761 section 6.3); any other look-up ends within the
//! resolver's timeout, and at any time there is at most one for each name and kind of address. What is known of names is
//! shared by all workers. Called by `connect` for each new connection that has no fixed address.

mod answers;
mod name_servers;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use ahash::AHashMap;
use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::timeout;

use super::{MonotonicClock, OriginError};
use answers::{Answer, Known, Reply};
use name_servers::NameServers;

/// IpAddressType: which addresses of an origin are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AddressFamilies {
    /// IPv4 alone.
    Ipv4,
    /// IPv6 alone.
    Ipv6,
    /// Both.
    #[default]
    Dualstack,
}

/// The kind of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Family {
    Ipv4,
    Ipv6,
}

/// Resolves domain names; one per worker.
#[derive(Clone, Debug)]
pub(super) struct Resolver {
    names: Arc<Names>,
    servers: Arc<NameServers>,
    clock: MonotonicClock,
    timeout: Duration,
}

/// What is known of names.
#[derive(Debug, Default)]
pub(super) struct Names(Mutex<Answers>);

/// Who holds an answer's lock looks it up.
type Answers = AHashMap<(Arc<str>, Family), Arc<AsyncMutex<Answer>>>;

impl Resolver {
    /// Asks `servers`, or the system's where there are none; look-ups fail after `timeout`.
    pub(super) fn new(names: Arc<Names>, servers: Vec<SocketAddr>, timeout: Duration, clock: MonotonicClock) -> Self {
        Self { names, servers: Arc::new(NameServers::new(servers, timeout)), clock, timeout }
    }

    /// The addresses of `host`, of one kind after the other; at least one.
    pub(super) async fn resolve(&self, host: &str, families: AddressFamilies) -> Result<Vec<IpAddr>, OriginError> {
        let found = match without_lookup(host) {
            Some(addresses) => addresses.into_iter().filter(|address| families.contain(*address)).collect(),
            None => self.look_up(host, families).await.map_err(OriginError::Dns)?,
        };
        if found.is_empty() { Err(OriginError::Dns(families.missing().into())) } else { Ok(found) }
    }

    async fn look_up(&self, host: &str, families: AddressFamilies) -> Result<Vec<IpAddr>, Arc<str>> {
        match families {
            AddressFamilies::Ipv4 => self.family(host.into(), Family::Ipv4).await.map(|found| found.to_vec()),
            AddressFamilies::Ipv6 => self.family(host.into(), Family::Ipv6).await.map(|found| found.to_vec()),
            AddressFamilies::Dualstack => self.both(host.into()).await,
        }
    }

    /// RFC 8305 section 3: once there are addresses of one kind, the other kind is not waited for much longer. Its look-up
    /// goes on, so that it is known next time.
    async fn both(&self, host: Arc<str>) -> Result<Vec<IpAddr>, Arc<str>> {
        let look_up = |family| {
            let (resolver, host) = (self.clone(), Arc::clone(&host));
            tokio::spawn(async move { resolver.family(host, family).await })
        };
        let (mut ipv6, mut ipv4) = (look_up(Family::Ipv6), look_up(Family::Ipv4));
        let ended = |joined: Result<Known, _>| joined.unwrap_or_else(|_| Err("the look-up was given up".into()));
        let (first, other) = tokio::select! {
            first = &mut ipv6 => (ended(first), ipv4),
            first = &mut ipv4 => (ended(first), ipv6),
        };
        let other = match &first {
            Ok(found) if !found.is_empty() => timeout(RESOLUTION_DELAY, other).await.map_or(Ok(Arc::default()), ended),
            _ => ended(other.await),
        };
        match (first, other) {
            (Err(why), Err(_)) => Err(why),
            (first, other) => Ok([first, other].iter().flatten().flat_map(|found| found.iter().copied()).collect()),
        }
    }

    async fn family(&self, host: Arc<str>, family: Family) -> Known {
        let answer = self.names.answer(&host, family);
        let mut answer = answer.lock().await;
        if let Some(known) = answer.fresh(self.clock.now()) {
            return known;
        }
        // Nobody waits longer than this for servers that fail while there are addresses (RFC 8767 section 5).
        let patience = answer.stand_in(self.clock.now()).map_or(self.timeout, |_| self.timeout.min(STAND_IN_AFTER));
        let reply = timeout(patience, self.servers.ask(&host, family)).await;
        answer.learn(reply.unwrap_or_else(|_| Reply::Failed("the look-up timed out".into())), self.clock.now())
    }
}

impl Names {
    fn answer(&self, host: &Arc<str>, family: Family) -> Arc<AsyncMutex<Answer>> {
        let mut names = self.0.lock();
        if names.len() >= MOST_NAMES && !names.contains_key(&(Arc::clone(host), family)) {
            forget_half(&mut names);
        }
        Arc::clone(names.entry((Arc::clone(host), family)).or_default())
    }
}

/// Keeps what is of use for longest. What is being looked up is of use.
fn forget_half(names: &mut Answers) {
    let useless_from =
        |answer: &AsyncMutex<Answer>| answer.try_lock().map_or(Duration::MAX, |found| found.useless_from());
    let mut ends: Vec<_> = names.values().map(|answer| useless_from(answer)).collect();
    let middle = ends.len() / 2;
    let (_, median, _) = ends.select_nth_unstable(middle);
    let median = *median;
    names.retain(|_, answer| useless_from(answer) > median);
}

impl AddressFamilies {
    fn contain(self, address: IpAddr) -> bool {
        match self {
            Self::Ipv4 => address.is_ipv4(),
            Self::Ipv6 => address.is_ipv6(),
            Self::Dualstack => true,
        }
    }

    fn missing(self) -> &'static str {
        match self {
            Self::Ipv4 => "it has no IPv4 address",
            Self::Ipv6 => "it has no IPv6 address",
            Self::Dualstack => "it has no address",
        }
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

/// Names known at once; a plan may have as many origins as it likes.
const MOST_NAMES: usize = 8192;
/// RFC 8305 section 3, Resolution Delay.
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);
/// RFC 8767 section 5, client response timer.
const STAND_IN_AFTER: Duration = Duration::from_millis(1800);

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

    #[test]
    fn names_do_not_pile_up() {
        let names = Names::default();
        for index in 0..2 * MOST_NAMES {
            let host: Arc<str> = format!("{index}.example").into();
            let addresses = Arc::from([Ipv4Addr::LOCALHOST.into()]);
            let reply = Reply::Found { addresses, ttl: Duration::from_secs(60) };
            let now = Duration::from_secs(index as u64);
            names.answer(&host, Family::Ipv4).try_lock().unwrap().learn(reply, now).unwrap();
            assert!(names.0.lock().len() <= MOST_NAMES);
        }
        let newest = format!("{}.example", 2 * MOST_NAMES - 1).into();
        assert!(names.0.lock().contains_key(&(newest, Family::Ipv4)));
    }
}
