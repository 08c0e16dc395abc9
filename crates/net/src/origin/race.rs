//! Happy Eyeballs (RFC 8305): which address of an origin is connected to.
//!
//! Invariant: every address is tried within its turn, a quarter of a second after the one before or as soon as that
//! failed, and the first connection is taken; attempts that lost are given up. Called by `connect`.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How a race ended.
#[derive(Debug)]
pub(super) struct Outcome<T> {
    /// The first connection and where it leads, or the last error; `None`: nothing within the time.
    pub(super) result: Option<io::Result<(SocketAddr, T)>>,
    /// Addresses that failed, or were given up.
    pub(super) lost: Vec<SocketAddr>,
}

/// The order in which addresses are tried: by turns an IPv6 one and an IPv4 one, each kind in its own order, and those of
/// which `failed_lately` holds after all others.
pub(super) fn order(addresses: Vec<SocketAddr>, failed_lately: impl Fn(&SocketAddr) -> bool) -> Vec<SocketAddr> {
    let (failed, good): (Vec<_>, Vec<_>) = addresses.into_iter().partition(failed_lately);
    [good, failed].into_iter().flat_map(by_turns).collect()
}

fn by_turns(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let (mut these, mut others): (VecDeque<_>, VecDeque<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6());
    let mut ordered = Vec::new();
    while let Some(next) = these.pop_front().or_else(|| others.pop_front()) {
        ordered.push(next);
        std::mem::swap(&mut these, &mut others);
    }
    ordered
}

/// Connects to the first of `addresses` that accepts, within `limit`.
pub(super) async fn race<T, C, F>(addresses: &[SocketAddr], limit: Duration, connect: C) -> Outcome<T>
where
    T: Send + 'static,
    C: Fn(SocketAddr) -> F,
    F: Future<Output = io::Result<T>> + Send + 'static,
{
    let mut run = Run { waiting: addresses.iter().copied().collect(), running: JoinSet::new(), lost: Vec::new() };
    let result = timeout(limit, run.finish(connect)).await.ok();
    let winner = result.as_ref().and_then(|result| result.as_ref().ok()).map(|(address, _)| *address);
    // What was begun before the winner and is not done lost against it.
    run.lost.retain(|address| Some(*address) != winner);
    Outcome { result, lost: run.lost }
}

struct Run<T> {
    waiting: VecDeque<SocketAddr>,
    running: JoinSet<io::Result<(SocketAddr, T)>>,
    /// Everybody who has begun.
    lost: Vec<SocketAddr>,
}

impl<T: Send + 'static> Run<T> {
    async fn finish<C, F>(&mut self, connect: C) -> io::Result<(SocketAddr, T)>
    where
        C: Fn(SocketAddr) -> F,
        F: Future<Output = io::Result<T>> + Send + 'static,
    {
        let mut failure = io::Error::other("there is no address to connect to");
        loop {
            if let Some(address) = self.waiting.pop_front() {
                self.lost.push(address);
                let connecting = connect(address);
                self.running.spawn(async move { connecting.await.map(|connected| (address, connected)) });
            }
            match self.next_event().await {
                Event::Turn => {}
                Event::Ended(Ok(won)) => return Ok(won),
                Event::Ended(Err(error)) => failure = error,
                Event::NobodyLeft => return Err(failure),
            }
        }
    }

    async fn next_event(&mut self) -> Event<T> {
        tokio::select! {
            biased;
            ended = self.running.join_next() => match ended {
                Some(ended) => Event::Ended(ended.unwrap_or_else(|error| Err(io::Error::other(error)))),
                None if self.waiting.is_empty() => Event::NobodyLeft,
                None => Event::Turn,
            },
            () = sleep(STAGGER), if !self.waiting.is_empty() => Event::Turn,
        }
    }
}

enum Event<T> {
    /// The next address may begin.
    Turn,
    Ended(io::Result<(SocketAddr, T)>),
    NobodyLeft,
}

/// RFC 8305 section 5, Connection Attempt Delay.
const STAGGER: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    fn address(text: &str) -> SocketAddr {
        SocketAddr::new(text.parse().unwrap(), 80)
    }

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| address(text)).collect()
    }

    #[test]
    fn families_take_turns_and_what_failed_lately_comes_last() {
        for (case, given, failed, expected) in [
            ("one family", &["192.0.2.1", "192.0.2.2"][..], &[][..], &["192.0.2.1", "192.0.2.2"][..]),
            ("both", &["192.0.2.1", "192.0.2.2", "::1", "::2"], &[], &["::1", "192.0.2.1", "::2", "192.0.2.2"]),
            (
                "more of one",
                &["192.0.2.1", "192.0.2.2", "192.0.2.3", "::1"],
                &[],
                &["::1", "192.0.2.1", "192.0.2.2", "192.0.2.3"],
            ),
            ("failed", &["::1", "::2", "192.0.2.1"], &["::1"], &["::2", "192.0.2.1", "::1"]),
            ("a family failed", &["::1", "192.0.2.1"], &["::1"], &["192.0.2.1", "::1"]),
            ("all failed", &["192.0.2.1", "::1"], &["::1", "192.0.2.1"], &["::1", "192.0.2.1"]),
        ] {
            let failed = addresses(failed);
            let ordered = order(addresses(given), |address| failed.contains(address));
            assert_eq!(ordered, addresses(expected), "{case}");
        }
    }

    /// A case's name, what its addresses do, who wins after how many milliseconds, and who loses.
    type Race = (&'static str, &'static [Behavior], &'static str, u64, &'static [&'static str]);

    /// What an address does, and after how many milliseconds.
    type Behavior = (&'static str, u64, bool);

    /// Runs a race; returns who won, when, and who lost.
    async fn run(behaviors: &'static [Behavior], limit: u64) -> (Option<io::Result<SocketAddr>>, u64, Vec<SocketAddr>) {
        let began = Instant::now();
        let addresses: Vec<_> = behaviors.iter().map(|(text, ..)| address(text)).collect();
        let outcome = race(&addresses, Duration::from_millis(limit), |wanted| async move {
            let (_, after, accepts) = behaviors.iter().find(|(text, ..)| address(text) == wanted).unwrap();
            sleep(Duration::from_millis(*after)).await;
            if *accepts { Ok(()) } else { Err(io::ErrorKind::ConnectionRefused.into()) }
        })
        .await;
        let result = outcome.result.map(|result| result.map(|(address, ())| address));
        (result, u64::try_from(began.elapsed().as_millis()).unwrap(), outcome.lost)
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_connection_wins_and_nobody_waits_for_a_silent_address() {
        let cases: [Race; 5] = [
            ("at once", &[("::1", 10, true), ("192.0.2.1", 1, true)], "::1", 10, &[]),
            ("slow, still first", &[("::1", 240, true), ("192.0.2.1", 1, true)], "::1", 240, &[]),
            ("silent", &[("::1", 60_000, true), ("192.0.2.1", 5, true)], "192.0.2.1", 255, &["::1"]),
            ("refused", &[("::1", 3, false), ("192.0.2.1", 5, true)], "192.0.2.1", 8, &["::1"]),
            (
                "two silent",
                &[("::1", 60_000, true), ("192.0.2.1", 60_000, true), ("::2", 5, true)],
                "::2",
                505,
                &["::1", "192.0.2.1"],
            ),
        ];
        for (case, behaviors, winner, after, lost) in cases {
            let (result, elapsed, found) = run(behaviors, 10_000).await;
            assert_eq!(result.unwrap().unwrap(), address(winner), "{case}");
            assert_eq!((elapsed, found), (after, addresses(lost)), "{case}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_fails_when_all_have_failed_or_the_time_is_over() {
        let (result, elapsed, lost) = run(&[("::1", 5, false), ("192.0.2.1", 7, false)], 1000).await;
        assert_eq!(result.unwrap().unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!((elapsed, lost), (12, addresses(&["::1", "192.0.2.1"])));
        let (result, elapsed, lost) = run(&[("::1", 60_000, true), ("192.0.2.1", 7, false)], 1000).await;
        assert!(result.is_none());
        assert_eq!((elapsed, lost), (1000, addresses(&["::1", "192.0.2.1"])));
    }
}
