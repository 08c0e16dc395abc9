//! From which addresses nothing is accepted for a while, because viewers there were cut off for a flood.
//!
//! Pure: time is handed in. Invariant: the table never has more than `MOST` addresses; losing one only means that its next
//! flood counts as its first. Connections that are open already are none of its business: one address may stand for many
//! viewers. Asked by `acceptor`, `quic` and, for viewers behind a load balancer, by `worker`.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use ahash::AHashMap;

use super::addresses::holder;
use crate::limits::ViewerLimits;

/// The addresses that have flooded.
#[derive(Debug)]
pub(super) struct Pauses {
    /// After the first flood; zero: never. Each further one doubles it.
    first: Duration,
    /// Also how long after a pause its address has to be quiet for all of it to be forgotten.
    longest: Duration,
    offenders: AHashMap<IpAddr, Offender>,
}

#[derive(Debug)]
struct Offender {
    /// Before the one that it is paused for.
    earlier_floods: u32,
    until: Instant,
}

impl Pauses {
    pub(super) fn new(limits: &ViewerLimits) -> Self {
        let (first, longest) = (limits.flood_pause, limits.longest_flood_pause.max(limits.flood_pause));
        Self { first, longest, offenders: AHashMap::new() }
    }

    /// A viewer was cut off for a flood. While its address is paused more of them change nothing: its other connections were
    /// open before.
    pub(super) fn flooded(&mut self, viewer: IpAddr, now: Instant) {
        if self.first.is_zero() || self.is_paused(viewer, now) {
            return;
        }
        let address = holder(viewer);
        let known = self.offenders.get(&address).filter(|known| now < known.until + self.longest);
        let earlier_floods = known.map_or(0, |known| known.earlier_floods.saturating_add(1));
        if self.offenders.len() >= MOST {
            self.forget_half();
        }
        let until = now + self.pause_after(earlier_floods);
        self.offenders.insert(address, Offender { earlier_floods, until });
    }

    /// Whether nothing is to be accepted from there.
    pub(super) fn is_paused(&self, viewer: IpAddr, now: Instant) -> bool {
        self.offenders.get(&holder(viewer)).is_some_and(|offender| now < offender.until)
    }

    fn pause_after(&self, earlier_floods: u32) -> Duration {
        let doubled = 2_u32.checked_pow(earlier_floods).and_then(|times| self.first.checked_mul(times));
        doubled.map_or(self.longest, |pause| pause.min(self.longest))
    }

    /// Those whose pauses ended, or end, first.
    fn forget_half(&mut self) {
        let mut ends: Vec<_> = self.offenders.values().map(|offender| offender.until).collect();
        let middle = ends.len() / 2;
        let (_, median, _) = ends.select_nth_unstable(middle);
        self.offenders.retain(|_, offender| offender.until > *median);
    }
}

/// Addresses; some 3 MiB.
const MOST: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_secs(10);
    const LONGEST: Duration = Duration::from_secs(600);

    fn pauses(flood_pause: Duration) -> Pauses {
        Pauses::new(&ViewerLimits { flood_pause, longest_flood_pause: LONGEST, ..ViewerLimits::default() })
    }

    fn address(number: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(0x0a00_0000 + number).into()
    }

    #[test]
    fn each_flood_doubles_the_pause_up_to_the_longest() {
        let (mut pauses, viewer, mut now) = (pauses(FIRST), address(1), Instant::now());
        for seconds in [10, 20, 40, 80, 160, 320, 600, 600, 600] {
            assert!(!pauses.is_paused(viewer, now));
            pauses.flooded(viewer, now);
            let end = now + Duration::from_secs(seconds);
            assert!(pauses.is_paused(viewer, end - Duration::from_millis(1)), "{seconds}");
            assert!(!pauses.is_paused(viewer, end), "{seconds}");
            now = end;
        }
    }

    #[test]
    fn a_quiet_time_makes_the_next_flood_the_first() {
        for (quiet, seconds) in [(LONGEST - Duration::from_secs(1), 20), (LONGEST, 10)] {
            let (mut pauses, viewer, begin) = (pauses(FIRST), address(1), Instant::now());
            pauses.flooded(viewer, begin);
            let again = begin + FIRST + quiet;
            pauses.flooded(viewer, again);
            assert!(!pauses.is_paused(viewer, again + Duration::from_secs(seconds)));
            assert!(pauses.is_paused(viewer, again + Duration::from_secs(seconds - 1)));
        }
    }

    #[test]
    fn floods_of_connections_that_were_open_before_do_not_prolong_it() {
        let (mut pauses, viewer, now) = (pauses(FIRST), address(1), Instant::now());
        for second in 0..10 {
            pauses.flooded(viewer, now + Duration::from_secs(second));
        }
        assert!(!pauses.is_paused(viewer, now + FIRST));
    }

    #[test]
    fn a_network_of_64_bits_is_one_viewer_and_others_are_not_touched() {
        let (mut pauses, now) = (pauses(FIRST), Instant::now());
        pauses.flooded("2001:db8::1".parse().unwrap(), now);
        pauses.flooded("::ffff:192.0.2.7".parse().unwrap(), now);
        for (viewer, is_paused) in
            [("2001:db8::2:3", true), ("2001:db8:0:1::1", false), ("192.0.2.7", true), ("192.0.2.8", false)]
        {
            assert_eq!(pauses.is_paused(viewer.parse().unwrap(), now), is_paused, "{viewer}");
        }
    }

    #[test]
    fn without_a_pause_nothing_is_kept() {
        let (mut pauses, now) = (pauses(Duration::ZERO), Instant::now());
        pauses.flooded(address(1), now);
        assert!(!pauses.is_paused(address(1), now) && pauses.offenders.is_empty());
    }

    #[test]
    fn a_full_table_forgets_the_pauses_that_end_first() {
        let (mut pauses, now) = (pauses(FIRST), Instant::now());
        let later = |number: u32| now + Duration::from_micros(u64::from(number));
        let most = u32::try_from(MOST).unwrap();
        (0..=most).for_each(|number| pauses.flooded(address(number), later(number)));
        assert!(pauses.offenders.len() <= MOST);
        assert!(pauses.is_paused(address(most), later(most)) && pauses.is_paused(address(most - 1), later(most)));
        assert!(!pauses.is_paused(address(0), later(most)));
    }

    /// Whatever happens when: no pause is shorter than the first or longer than the longest, and none has gaps.
    #[test]
    fn any_course_of_floods_keeps_within_the_bounds() {
        let (mut pauses, mut state, mut now) = (pauses(FIRST), 0x9e37_79b9_u64, Instant::now());
        let mut began: AHashMap<IpAddr, Instant> = AHashMap::new();
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let viewer = address(u32::try_from(state >> 61).unwrap());
            now += Duration::from_millis((state >> 33) % 40_000);
            let was_paused = pauses.is_paused(viewer, now);
            let since = began.get(&viewer).map(|began| now - *began);
            assert!(!was_paused || since.is_some_and(|since| since < LONGEST));
            assert!(was_paused || since.is_none_or(|since| since >= FIRST));
            if (state >> 40) % 3 == 0 {
                pauses.flooded(viewer, now);
                assert!(pauses.is_paused(viewer, now));
                if !was_paused {
                    began.insert(viewer, now);
                }
            }
        }
    }
}
