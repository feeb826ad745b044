//! The time that stands still: `current_timestamp` is the beginning of the test's transaction, also
//! after a wait.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::api::{ClientId, Finding, FindingKind};

/// A pause that tests make on purpose. What is asked at once comes sooner.
const PAUSE: Duration = Duration::from_millis(30);

/// Knows whether the test has waited since its transaction began.
#[derive(Debug, Default)]
pub(super) struct Clock {
    /// The last statement that was answered.
    last: Option<(Instant, ClientId, Arc<str>)>,
    /// The one before the first pause.
    before_pause: Option<(ClientId, Arc<str>)>,
    is_found: bool,
}

impl Clock {
    /// Notes a statement that was answered; the first that has an old time is found.
    pub(super) fn answered(
        &mut self,
        now: Instant,
        client: ClientId,
        sql: &Arc<str>,
        reads_clock: bool,
    ) -> Option<Finding> {
        if let Some((at, who, last)) = &self.last
            && self.before_pause.is_none()
            && now.duration_since(*at) >= PAUSE
        {
            self.before_pause = Some((*who, Arc::clone(last)));
        }
        self.last = Some((now, client, Arc::clone(sql)));
        let first = self.before_pause.clone()?;
        if !reads_clock || std::mem::replace(&mut self.is_found, true) {
            return None;
        }
        Some(Finding {
            kind: FindingKind::ClockStoodStill,
            first,
            second: (client, Arc::clone(sql)),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Clock;

    #[test]
    fn only_who_reads_the_clock_after_a_pause_is_found() {
        let (mut clock, start) = (Clock::default(), Instant::now());
        let mut answered = |after: u64, sql: &str, reads_clock| {
            let now = start + Duration::from_millis(after);
            clock
                .answered(now, 1, &sql.into(), reads_clock)
                .map(|found| found.first.1)
        };
        assert_eq!(answered(0, "a", true), None);
        assert_eq!(answered(10, "b", true), None);
        assert_eq!(answered(200, "c", false), None);
        assert_eq!(answered(201, "d", true).as_deref(), Some("b"));
        assert_eq!(answered(202, "e", true), None);
    }
}
