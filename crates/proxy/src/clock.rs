//! The one place where the edge reads the time; a manual clock takes its place in tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use edgeward_cache::Timestamp;

/// Where the time comes from. Socket timeouts are always real; everything else asks here.
#[derive(Debug, Clone)]
pub(crate) enum Clock {
    System,
    /// Nanoseconds since the epoch.
    Manual(Arc<AtomicU64>),
}

impl Clock {
    pub(crate) fn manual(start: Duration) -> Clock {
        Clock::Manual(Arc::new(AtomicU64::new(nanos(start))))
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_nanos(match self {
            Clock::System => nanos(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()),
            Clock::Manual(time) => time.load(Ordering::Relaxed),
        })
    }

    /// Moves a manual clock; the system's cannot be moved, then it says `false`.
    pub(crate) fn advance(&self, by: Duration) -> bool {
        match self {
            Clock::System => false,
            Clock::Manual(time) => {
                time.fetch_add(nanos(by), Ordering::Relaxed);
                true
            }
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
