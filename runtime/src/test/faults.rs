//! Faults on demand: a test has its database fail where production's fails one day.

mod rule;
mod unhit;

use std::{
    panic::Location,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use self::rule::{Rule, Trigger};
pub(crate) use self::unhit::Unhit;
use crate::{observe::queries::fits, postgres::proxy};

/// Makes statements of a test and its application fail, wait or lose their connection, so that retries, time
/// limits and error pages can be tested.
///
/// Take it as an argument of a test. A fault hits the next statement that it fits, once unless it says
/// [otherwise](Fault::times); the server does not see that statement. What is set and never hits anything
/// is reported, as an override is that nothing asks for.
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

/// The faults of one test, which its proxy asks for each statement.
#[derive(Default)]
pub(crate) struct Table(Mutex<Vec<Rule>>);

/// A fault that was set; what it does is said by its methods, which can be combined.
pub struct Fault {
    table: Arc<Table>,
    index: usize,
}

impl Faults {
    pub(crate) fn of(table: Arc<Table>) -> Self {
        Self(table)
    }

    /// A fault of the next statement that a pattern fits.
    ///
    /// The pattern fits anywhere in the statement, however it is broken into lines and whatever its
    /// case; `%` stands for any text. Of several faults that fit, the one that was set first hits first.
    #[must_use = "a fault does nothing until it is told what to do, by `fail_with`, `delay` or `disconnect`"]
    #[track_caller]
    pub fn on(&self, pattern: impl Into<String>) -> Fault {
        self.set(Trigger::Statement(pattern.into()))
    }

    /// A fault of the next commit of a transaction. What was done in it is undone, as the server does it.
    ///
    /// A statement outside of a transaction is a transaction of its own, but has no commit that could be
    /// answered: set a fault of the statement instead.
    #[must_use = "a fault does nothing until it is told what to do, by `fail_with`, `delay` or `disconnect`"]
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
    /// Fails with an error of the server, by its code (`SQLSTATE`), such as `40001` for a transaction that has
    /// to be tried again.
    ///
    /// # Panics
    ///
    /// When the code does not have five digits or capital letters.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the fault is set by then")]
    pub fn fail_with(self, code: &str) -> Fault {
        let fits = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
        assert!(
            code.len() == 5 && code.bytes().all(fits),
            "`{code}` is not an SQLSTATE: it has five digits or capital letters, such as `40001`"
        );
        self.change(|rule| rule.effect.error = Some(code.to_owned()))
    }

    /// Waits so long before the statement, or before it fails if that is asked for, too.
    #[expect(clippy::return_self_not_must_use, reason = "the fault is set by then")]
    pub fn delay(self, duration: Duration) -> Fault {
        self.change(|rule| rule.effect.delay = Some(duration))
    }

    /// Ends the connection in the place of the statement, as a server does that is shut down (`57P01`). What
    /// was done in a transaction of it is undone.
    #[expect(clippy::return_self_not_must_use, reason = "the fault is set by then")]
    pub fn disconnect(self) -> Fault {
        self.change(|rule| rule.effect.disconnects = true)
    }

    /// Hits so many statements. Default: one.
    #[expect(clippy::return_self_not_must_use, reason = "the fault is set by then")]
    pub fn times(self, count: usize) -> Fault {
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

    /// What was set and has hit less than it was to.
    pub(crate) fn unhit(&self) -> Unhit {
        Unhit::of(&self.rules())
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
