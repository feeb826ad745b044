//! The time that `now()` shows, where the database has our function in the place of the server's.

use std::{
    fmt::Write,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// What the function of the backend shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shown {
    Unknown,
    /// The time of each statement.
    Statement,
    /// The time at which a transaction began.
    Since(Instant),
}

/// The backend's clock, and what it is to be set to.
#[derive(Debug)]
pub(super) struct MovingClock {
    /// One moment by both clocks.
    moment: (Instant, SystemTime),
    shown: Shown,
}

/// How a statement that sets the clock begins.
pub(super) const SET: &str = "set db_test.now";

impl MovingClock {
    pub(super) fn new() -> Self {
        Self {
            moment: (Instant::now(), SystemTime::now()),
            shown: Shown::Statement,
        }
    }

    /// Has it show when a transaction began, or else the time of each statement.
    pub(super) fn show(&mut self, since: Option<Instant>, sql: &mut String) {
        let wanted = since.map_or(Shown::Statement, Shown::Since);
        if self.shown == wanted {
            return;
        }
        self.shown = wanted;
        match since {
            Some(since) => {
                let seconds = self.seconds(since);
                write!(sql, "{SET}='{seconds:.6}';").expect("text takes everything");
            }
            None => write!(sql, "{SET}='statement';").expect("text takes everything"),
        }
    }

    /// After something that may have set it back.
    pub(super) fn forget(&mut self) {
        self.shown = Shown::Unknown;
    }

    /// After the test's transaction, which has undone everything that was set in it.
    pub(super) fn undone(&mut self) {
        self.shown = Shown::Statement;
    }

    /// Seconds since 1970.
    fn seconds(&self, at: Instant) -> f64 {
        let (instant, time) = self.moment;
        let before = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        (before + at.saturating_duration_since(instant)).as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::MovingClock;

    #[test]
    fn it_is_set_only_when_it_shows_something_else() {
        let mut clock = MovingClock::new();
        let began = Instant::now();
        let shown = |clock: &mut MovingClock, since| {
            let mut sql = String::new();
            clock.show(since, &mut sql);
            sql
        };
        assert_eq!(shown(&mut clock, None), "");
        let set = shown(&mut clock, Some(began));
        assert!(set.starts_with("set db_test.now='1"), "{set}");
        assert_eq!(shown(&mut clock, Some(began)), "");
        let later = shown(&mut clock, Some(began + Duration::from_secs(1)));
        assert!(later > set, "{later}");
        assert_eq!(shown(&mut clock, None), "set db_test.now='statement';");
        clock.forget();
        assert_eq!(shown(&mut clock, None), "set db_test.now='statement';");
    }
}
