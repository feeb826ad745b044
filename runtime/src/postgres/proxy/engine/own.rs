//! Answers to queries of the proxy's own.

use super::{
    Engine,
    errors::{describe, server_error},
};
use crate::postgres::proxy::{
    client::Check,
    expected::{Expected, Own},
    protocol::{MessageKind, columns, error_field},
};

impl Engine {
    /// Answers to queries of the proxy's own.
    pub(super) fn take_own_answer(&mut self, kind: MessageKind, body: &[u8], whole: &[u8]) {
        let Some(Expected::Own(own)) = self.backend.answers.front_mut() else {
            return;
        };
        match (own, kind) {
            (Own::Piped(1), b'C') => {
                self.backend.answers.pop();
                self.send_local();
            }
            (Own::Piped(left), b'C') => *left -= 1,
            (Own::Opening, b'D') => {
                // What sets settings gives rows as well, of one column.
                if let [defer, count] = &mut columns(body)[..] {
                    let any = count.as_deref() != Some("0");
                    self.deferred = any.then(|| defer.take().unwrap_or_default());
                }
            }
            (Own::References, b'D') => {
                if let [Some(from), Some(to)] = &mut columns(body)[..] {
                    let (from, to) = (std::mem::take(from), std::mem::take(to));
                    self.journal.add_reference(from, to);
                }
            }
            (Own::Values(owner, names), b'D') => {
                let (owner, names) = (*owner, names.clone());
                self.values_known(owner, &names, body);
            }
            (Own::Names(_, row), b'D') => *row = columns(body),
            (Own::Closing, b'D') => {
                // The script that follows may give rows as well.
                if let Some(ending) = &mut self.ending
                    && ending.row.is_empty()
                {
                    ending.row = columns(body);
                }
            }
            (Own::Closing, b'E') => {
                let code = error_field(body, b'C').unwrap_or_default().to_owned();
                if let Some(ending) = &mut self.ending {
                    ending.error.get_or_insert((code, describe(body)));
                }
            }
            (Own::Mark, b'E') => self.mark_error = Some(describe(body)),
            (Own::Check, b'E') => self.check_failed(body, whole),
            (Own::After, b'E') => {
                self.break_off(format!("what follows a test failed: {}", describe(body)));
            }
            (_, b'E') => self.break_off(format!(
                "a statement of the sandbox failed: {}",
                describe(body)
            )),
            (_, b'Z') => self.own_answered(body),
            _ => {}
        }
    }

    pub(super) fn own_answered(&mut self, status: &[u8]) {
        let Some(Expected::Own(own)) = self.backend.answers.pop() else {
            return;
        };
        match own {
            Own::Check => {
                if let Some(id) = self.active {
                    let holds = !self.unit(id).failed;
                    self.checked(id, holds);
                }
            }
            Own::Mark => self.mark_answered(),
            Own::Closing => self.closed(status),
            Own::After => self.after_answered(),
            Own::Names(id, row) => {
                if status == b"I" && self.backend.is_open {
                    self.escaped();
                }
                self.found_names(id, &row);
            }
            _ if status == b"I" && self.backend.is_open => self.escaped(),
            _ => {}
        }
        self.send_local();
    }

    pub(super) fn check_failed(&mut self, body: &[u8], whole: &[u8]) {
        let Some(id) = self.active else { return };
        // After the failure of the statement itself, nothing could be checked.
        if self.unit(id).failed {
            return;
        }
        self.find_in_check(id, body);
        let unit = self.unit(id);
        unit.failed = true;
        unit.backend_failed = true;
        unit.held.clear();
        unit.error = Some(server_error(body));
        match unit.checking {
            Some(Check::Auto) => {}
            Some(Check::Tables) => {
                let error = server_error(body);
                self.record_control(id, Some((&error.code, &error.message)));
            }
            _ => self.record_commit_failed(id, body),
        }
        self.forward(id, whole);
    }
}
