//! Injected faults: errors, delays and lost connections in the place of statements.

mod rule;
mod unused;

use std::{
    panic::Location,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use self::rule::{Rule, Trigger};
pub(crate) use self::unused::UnusedFaults;
use crate::{executor::panics, observe::queries::fits, postgres::proxy};

/// Makes statements of a test and its application fail, wait or lose their connection.
///
/// Take it as an argument of a test, to test retries, time limits and error pages. A fault happens
/// in the place of the next statement that matches it, once unless [`times`](Fault::times) says
/// otherwise; that statement does not reach the server. A fault that does not happen is reported,
/// like an override that nothing reads.
///
/// Statements that are sent as one simple query, with semicolons between them, count as one
/// statement, and fail together. With real commits (`isolation = "database"`), a commit among them
/// is not recognized, a request to cancel a statement does not end its [`delay`](Fault::delay), and
/// of a statement longer than 1 MB the beginning is compared.
///
/// ```no_run
/// # use db_test::{Client, Faults};
/// # use std::time::Duration;
/// # async fn example(client: Client, faults: Faults) {
/// faults.on("insert into orders%").fail_with("40001").times(2);
/// faults.on_commit().delay(Duration::from_millis(200));
/// client.post("/orders").await.assert_status_ok();
/// # }
/// ```
#[derive(Clone)]
pub struct Faults(Arc<Table>);

/// The faults of one test; its proxy looks for one at each statement.
#[derive(Default)]
pub(crate) struct Table(Mutex<Vec<Rule>>);

/// A fault that was set by [`Faults::on`] or [`Faults::on_commit`].
///
/// Its methods say what happens, and can be combined.
///
/// ```no_run
/// # use db_test::Faults;
/// # use std::time::Duration;
/// # fn example(faults: &Faults) {
/// let slow = faults.on("select%from reports").delay(Duration::from_secs(2)).fail_with("57014");
/// assert_eq!(slow.hits(), 0);
/// # }
/// ```
pub struct Fault {
    table: Arc<Table>,
    index: usize,
}

impl Faults {
    pub(crate) fn of(table: Arc<Table>) -> Self {
        Self(table)
    }

    /// Sets a fault on the next statement that contains a pattern.
    ///
    /// `%` in the pattern stands for any text; line breaks and upper or lower case do not matter.
    /// Of several faults that match, the first one set happens first.
    #[must_use = "a fault does nothing without `fail_with`, `delay` or `disconnect`"]
    #[track_caller]
    pub fn on(&self, pattern: impl Into<String>) -> Fault {
        self.set(Trigger::Statement(pattern.into()))
    }

    /// Sets a fault on the next commit of a transaction. If it fails, the transaction is rolled
    /// back, as on the server.
    ///
    /// A statement outside a transaction sends no commit: set a fault [`on`](Self::on) the
    /// statement instead.
    #[must_use = "a fault does nothing without `fail_with`, `delay` or `disconnect`"]
    #[track_caller]
    pub fn on_commit(&self) -> Fault {
        self.set(Trigger::Commit)
    }

    #[track_caller]
    fn set(&self, trigger: Trigger) -> Fault {
        let mut rules = self.0.rules();
        rules.push(Rule::new(trigger, Location::caller()));
        Fault {
            table: Arc::clone(&self.0),
            index: rules.len() - 1,
        }
    }
}

impl Fault {
    /// Fails the statement with the server error of this code (`SQLSTATE`), such as `40001` for a
    /// transaction that should be retried.
    ///
    /// # Panics
    ///
    /// When the code is not five digits or capital letters.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the fault is set by then")]
    pub fn fail_with(self, code: &str) -> Fault {
        let fits = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
        if code.len() != 5 || !code.bytes().all(fits) {
            panics::misused(&format!(
                "`{code}` is not an SQLSTATE: expected five digits or capital letters, such as `40001`"
            ));
        }
        self.change(|rule| rule.effect.error = Some(code.to_owned()))
    }

    /// Waits before the statement runs, or before it fails if [`fail_with`](Self::fail_with) is
    /// set, too.
    #[expect(clippy::return_self_not_must_use, reason = "the fault is set by then")]
    pub fn delay(self, duration: Duration) -> Fault {
        self.change(|rule| rule.effect.delay = Some(duration))
    }

    /// Ends the connection in the place of the statement, like a server that shuts down (`57P01`).
    /// The open transaction of the connection is rolled back.
    #[expect(clippy::return_self_not_must_use, reason = "the fault is set by then")]
    pub fn disconnect(self) -> Fault {
        self.change(|rule| rule.effect.disconnects = true)
    }

    /// How many statements it hits. Default: 1.
    ///
    /// # Panics
    ///
    /// When the count is zero.
    #[expect(clippy::return_self_not_must_use, reason = "the fault is set by then")]
    pub fn times(self, count: usize) -> Fault {
        if count == 0 {
            panics::misused("a fault that happens 0 times does nothing: remove it");
        }
        self.change(|rule| rule.times = count)
    }

    /// How many statements it has hit so far.
    pub fn hits(&self) -> usize {
        self.table.rules()[self.index].hits
    }

    fn change(self, change: impl FnOnce(&mut Rule)) -> Fault {
        change(&mut self.table.rules()[self.index]);
        self
    }
}

impl Table {
    fn hit(&self, fits: impl Fn(&Trigger) -> bool) -> Option<proxy::Injection> {
        let mut rules = self.rules();
        let due = |rule: &&mut Rule| rule.is_due() && fits(&rule.trigger);
        let rule = rules.iter_mut().find(due)?;
        rule.hits += 1;
        Some(rule.effect.injection())
    }

    /// The faults that have not happened as often as they were set to.
    pub(crate) fn unused(&self) -> UnusedFaults {
        UnusedFaults::of(&self.rules())
    }

    fn rules(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl proxy::Faults for Table {
    fn on_statement(&self, sql: &str) -> Option<proxy::Injection> {
        let fits = |trigger: &Trigger| matches!(trigger, Trigger::Statement(pattern) if fits(sql, pattern));
        self.hit(fits)
    }

    fn on_commit(&self) -> Option<proxy::Injection> {
        self.hit(|trigger| matches!(trigger, Trigger::Commit))
    }
}

impl std::fmt::Debug for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&*self.0.rules()).finish()
    }
}

impl std::fmt::Debug for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.table.rules()[self.index].fmt(f)
    }
}

#[cfg(test)]
mod tests;
