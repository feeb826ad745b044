//! The end of a test, and the marks of the harness.

use super::{Engine, leave::deallocate};
use crate::postgres::{
    proxy::{
        api::{End, Event, How, Proof},
        expected::{Expected, Own},
        protocol::query,
        settings::Settings,
    },
    sqlstate,
};

/// What the backend has written to `pg_type`, `pg_attribute`, `pg_proc` and `pg_class` since its
/// transaction began, also what was rolled back since. More than nothing means that the schema was
/// changed.
const CATALOGS: [u32; 4] = [1247, 1249, 1255, 1259];

/// A test that is about to end.
pub(super) struct PendingEnd {
    pub(super) end: End,
    /// Whether the closing query was sent.
    pub(super) is_asked: bool,
    /// Whether it was sent in its long form, after the short one had failed.
    pub(super) is_repeated: bool,
    pub(super) row: Vec<Option<String>>,
    pub(super) error: Option<(String, String)>,
    /// What is reported when the backend is quiet.
    pub(super) proof: Option<Proof>,
}

impl Engine {
    /// What is asked before the end; prepared, so that it is planned once.
    pub(super) fn closing(&self) -> String {
        let writes = CATALOGS.map(|catalog| {
            format!(
                "pg_stat_get_xact_tuples_inserted({catalog})+pg_stat_get_xact_tuples_updated({catalog})\
                 +pg_stat_get_xact_tuples_deleted({catalog})"
            )
        });
        let release = if self.setup.release_locks.is_empty() {
            "true"
        } else {
            &self.setup.release_locks
        };
        format!("select {},({release})::text", writes.join("+"))
    }

    /// Goes on with the request of the harness; says whether something moved.
    pub(super) fn advance_ending(&mut self) -> bool {
        let is_free = self.active.is_none() && !self.is_held_back;
        let is_quiet = is_free && self.backend.answers.is_empty();
        if !is_quiet {
            return false;
        }
        if let Some(mark) = self.mark
            && self.ending.is_none()
        {
            return self.advance_mark(mark);
        }
        let Some(ending) = &mut self.ending else {
            return false;
        };
        if ending.is_asked {
            return false;
        }
        ending.is_asked = true;
        let how = ending.end.how;
        if !self.has_begun() {
            self.settle_clients();
            self.forget_test(false);
            self.finish_test(Proof::NotOpened);
            return true;
        }
        if how == How::Commit {
            self.roll_back_clients();
        } else {
            self.settle_clients();
        }
        self.ask_closing("execute db_test_closing", how);
        true
    }

    /// Whether the backend was sent the beginning of the test's transaction: savepoints of clients
    /// alone are not sent.
    fn has_begun(&self) -> bool {
        self.backend.is_open && !self.backend.prefix.starts_with("begin;")
    }

    fn ask_closing(&mut self, closing: &str, how: How) {
        let base = self.test_count;
        let script = self.ending.as_ref().map_or("", |ending| &ending.end.script);
        let script = if script.is_empty() {
            String::new()
        } else {
            format!(";{script}")
        };
        let mut sql = match how {
            How::RollBack => format!(
                "rollback to savepoint db_test_base_{base};{closing};rollback{script};discard sequences"
            ),
            How::Commit => format!(
                "{};{closing};release savepoint db_test_base_{base};commit",
                self.backend.prefix.trim_end_matches(';')
            ),
        };
        self.backend.prefix.clear();
        sql = sql.trim_start_matches(';').to_owned();
        query(&mut self.backend.out, &sql);
        self.backend.answers.push(Expected::Own(Own::Closing));
    }

    /// The transaction of the test is closed, or the closing query has failed.
    pub(super) fn closed(&mut self, status: &[u8]) {
        let Some(ending) = &mut self.ending else {
            return;
        };
        let PendingEnd {
            end,
            error,
            is_repeated,
            ..
        } = ending;
        if let Some((code, message)) = error.take() {
            let (how, was_repeated) = (end.how, std::mem::replace(is_repeated, true));
            if code == sqlstate::INVALID_SQL_STATEMENT_NAME && !was_repeated && how == How::RollBack
            {
                // The application has deallocated it behind our back.
                self.backend.is_prepared = false;
                let closing = self.closing();
                return self.ask_closing(&closing, how);
            }
            let proof = match code.as_str() {
                sqlstate::INVALID_SAVEPOINT_SPECIFICATION | sqlstate::NO_ACTIVE_SQL_TRANSACTION => {
                    Proof::Escaped
                }
                code if code.starts_with("23") => Proof::Violated(message),
                _ => Proof::Broken(message),
            };
            if status != b"I" {
                query(&mut self.backend.out, "rollback");
                self.backend.answers.push(Expected::Own(Own::After));
            }
            self.forget_test(true);
            return self.conclude(proof);
        }
        if status != b"I" {
            return self.break_off("the test's transaction did not end".to_owned());
        }
        let wrote_catalog = ending
            .row
            .first()
            .is_none_or(|writes| writes.as_deref() != Some("0"));
        let has_lane = ending
            .row
            .get(1)
            .is_none_or(|has| has.as_deref() != Some("false"));
        let kept = end.how == How::Commit;
        self.forget_test(wrote_catalog || kept);
        self.conclude(if has_lane {
            Proof::Proved
        } else {
            Proof::ClaimLost
        });
    }

    /// Ends the test as soon as the backend is quiet.
    fn conclude(&mut self, proof: Proof) {
        if self.backend.answers.is_empty() {
            self.finish_test(proof);
        } else if let Some(ending) = &mut self.ending {
            ending.proof = Some(proof);
        }
    }

    pub(super) fn after_answered(&mut self) {
        if self.backend.answers.is_empty()
            && let Some(proof) = self.ending.as_mut().and_then(|ending| ending.proof.take())
        {
            self.finish_test(proof);
        }
    }

    /// The backend is as it was before the test.
    fn forget_test(&mut self, changed_schema: bool) {
        let (base, last) = (self.base_generation, self.generation);
        self.deferred_is_stale |= std::mem::take(&mut self.deferred_is_of_test);
        // A change of the schema that no tag has announced leaves nothing certain.
        let unknown = changed_schema && base == last;
        // A Parse that failed leaves a statement that nobody has, which is no harm.
        let is_kept = !changed_schema && base == last && self.statements.next_test();
        let names = if is_kept {
            Vec::new()
        } else {
            let stays = |generation| !unknown && generation == base;
            self.statements.end_test(stays)
        };
        if changed_schema && base != last {
            self.deferred_is_stale = true;
        }
        self.generation = base;
        if unknown {
            self.schema_changed();
            self.base_generation = self.generation;
            self.deferred_is_stale = true;
        }
        if !names.is_empty() {
            query(&mut self.backend.out, &deallocate(&names));
            self.backend.answers.push(Expected::Own(Own::After));
        }
        self.backend.is_open = false;
        self.backend.prefix.clear();
        self.backend.applied = Settings::default();
        self.journal.end_test();
        self.advisory_locks.end_test();
        self.clock = super::Clock::default();
        if let Some(clock) = &mut self.moving_clock {
            clock.undone();
        }
        self.stack.clear();
    }

    /// Reports once that the backend is lost.
    pub(super) fn report_broken(&mut self, why: String) {
        if self.backend.is_reported {
            return;
        }
        self.backend.is_reported = true;
        if self.test.is_some() || self.ending.is_some() {
            let escaped = why.contains("ended too early");
            self.finish_test(if escaped {
                Proof::Escaped
            } else {
                Proof::Broken(why.clone())
            });
        }
        self.events.push_back(Event::Broken(why));
    }
}
