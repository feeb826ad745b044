//! Moving the checkpoint later, together with what is asked next.
//!
//! The sandbox moves it at each release. Where that cannot fail, nobody has to wait for it, and it
//! need not even be sent: the relay puts it in front of the next thing that the client asks, and
//! leaves out the server's answer to it. After the last release of a test it is never sent.

use super::framing::Body;
use crate::{recording::Statement, sandbox::MOVE};

/// Whether the checkpoint has to be moved, and whether that can fail.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Deferral {
    in_transaction: bool,
    /// Something has been sent since the last checkpoint that may have ended the transaction or
    /// one of the sandbox's savepoints, or that sqlx does not count.
    doubtful: bool,
    promised: bool,
    /// The outer transaction was ended by a statement.
    has_escaped: bool,
}

/// The commands that end a transaction, by their tags. `ROLLBACK` is that of `ROLLBACK TO`, too.
const ENDS: [&str; 2] = ["COMMIT", "PREPARE TRANSACTION"];

/// A query as a message.
pub(super) fn message(sql: &str) -> Vec<u8> {
    let length = u32::try_from(sql.len() + 5).unwrap_or(u32::MAX);
    let (kind, end) = (b"Q".as_slice(), b"\0".as_slice());
    [kind, &length.to_be_bytes(), sql.as_bytes(), end].concat()
}

impl Deferral {
    /// The outer transaction has been opened or is going to be, and the checkpoint is where it should be.
    pub(super) fn begin(&mut self) {
        *self = Self {
            in_transaction: self.in_transaction,
            ..Self::default()
        };
    }

    /// Whether the test has got out of the transaction around it.
    pub(super) fn has_escaped(&self) -> bool {
        self.has_escaped
    }

    /// There is nothing to come that the checkpoint would matter for.
    pub(super) fn forget(&mut self) {
        self.promised = false;
    }

    /// Promises to move the checkpoint in time; refuses if that can fail, or be in vain.
    ///
    /// What has cast the doubt is looked at by the query that the sandbox then sends itself.
    pub(super) fn promise(&mut self) -> bool {
        self.promised = self.in_transaction && !self.doubtful;
        self.doubtful = false;
        self.promised
    }

    /// The query that keeps the promise, if it has to be kept now.
    pub(super) fn take(&mut self) -> Option<Vec<u8>> {
        std::mem::take(&mut self.promised).then(|| message(MOVE))
    }

    /// A command of the application has been completed, by its tag.
    pub(super) fn completed(&mut self, tag: &[u8], statement: &Statement) {
        let tag = Body(tag).text().unwrap_or_default();
        if statement.is_transaction_of_sqlx() {
            return;
        }
        self.has_escaped |= ENDS.iter().any(|end| tag.starts_with(end));
        if !self.doubtful {
            self.doubtful = statement.may_change_settings()
                || !["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"]
                    .iter()
                    .any(|harmless| tag.starts_with(harmless));
        }
    }

    /// Something failed, or was not understood.
    pub(super) fn failed(&mut self) {
        self.doubtful = true;
    }

    /// The server is ready, in this state.
    pub(super) fn ready(&mut self, status: &[u8]) {
        self.in_transaction = status == b"T";
        self.has_escaped |= status == b"I";
    }
}

#[cfg(test)]
mod tests {
    use super::Deferral;
    use crate::recording::{Caller, Statement};

    fn in_transaction() -> Deferral {
        let mut deferral = Deferral::default();
        deferral.begin();
        deferral.ready(b"T");
        deferral
    }

    fn completed(deferral: &mut Deferral, tag: &str, sql: &str) {
        let tag = format!("{tag}\0");
        deferral.completed(tag.as_bytes(), &Statement::new(sql.into(), Caller::Test));
    }

    #[test]
    fn a_promise_is_kept_once() {
        let mut deferral = in_transaction();
        completed(&mut deferral, "INSERT 0 1", "insert into items values (1)");
        assert!(deferral.promise());
        assert!(deferral.take().is_some());
        assert!(deferral.take().is_none());
    }

    #[test]
    fn a_transaction_of_sqlx_casts_no_doubt() {
        let mut deferral = in_transaction();
        completed(&mut deferral, "SAVEPOINT", "SAVEPOINT _sqlx_savepoint_5");
        completed(
            &mut deferral,
            "ROLLBACK",
            "ROLLBACK TO SAVEPOINT _sqlx_savepoint_5",
        );
        assert!(deferral.promise());
    }

    #[test]
    fn what_may_have_ended_the_transaction_casts_doubt_once() {
        for (tag, sql) in [
            ("COMMIT", "commit"),
            ("ROLLBACK", "rollback to savepoint _sqlx_savepoint_1"),
            ("DO", "do $$ begin end $$"),
            ("COPY 7", "copy items to stdout"),
        ] {
            let mut deferral = in_transaction();
            completed(&mut deferral, tag, sql);
            assert!(!deferral.promise(), "{sql}");
            assert!(deferral.take().is_none(), "{sql}");
            assert!(deferral.promise(), "the sandbox has looked at it: {sql}");
        }
    }

    #[test]
    fn nothing_is_promised_outside_of_a_transaction_or_after_a_failure() {
        let mut failed = in_transaction();
        failed.failed();
        assert!(!failed.promise());
        let mut aborted = in_transaction();
        aborted.ready(b"E");
        assert!(!aborted.promise());
    }
}
