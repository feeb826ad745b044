//! Simple queries, in steps.

use std::{rc::Rc, sync::Arc};

use super::{Engine, schedule::Flow};
use crate::postgres::{
    proxy::{
        api::ClientId,
        client::{Check, Unit, UnitKind},
        control::{Control, Info},
        expected::{Execution, Expected, Own},
        protocol::{message, query},
        statements::{Prepared, Step},
    },
    sqlstate,
};

impl Engine {
    pub(super) fn advance_simple(&mut self, id: ClientId) -> Flow {
        if self.active == Some(id) && !self.backend.answers.is_empty() {
            return Flow::Wait;
        }
        let unit = self.unit(id);
        let (script, next) = match &unit.kind {
            UnitKind::Simple { script, next } => (Rc::clone(script), *next),
            UnitKind::Call(call) => {
                let call = call.clone();
                return self.advance_call(id, &call);
            }
            UnitKind::Extended { .. } => return Flow::Wait,
        };
        if unit.failed || next >= script.steps.len() {
            if script.steps.is_empty() {
                self.send(id, |out| message(out, b'I', |_| {}));
            }
            return self.check_or_finish(id);
        }
        match &script.steps[next] {
            Step::Control(control) => self.control(id, control),
            Step::Unknown(word) => {
                self.fail_to_parse(id, word);
                Flow::Go
            }
            Step::Run { sql, infos, offset } => {
                let is_last = next + 1 == script.steps.len();
                self.run_step(id, sql, infos, *offset, is_last)
            }
        }
    }

    /// The next step is done with.
    pub(super) fn pass_step(&mut self, id: ClientId) {
        if let UnitKind::Simple { next, .. } = &mut self.unit(id).kind {
            *next += 1;
        }
    }

    fn run_step(
        &mut self,
        id: ClientId,
        sql: &Arc<str>,
        infos: &[Rc<Info>],
        offset: usize,
        is_last: bool,
    ) -> Flow {
        if let Some((code, text)) = infos.iter().find_map(|info| self.refusal(id, info)) {
            self.pass_step(id);
            self.fail(id, code, &text);
            return Flow::Go;
        }
        if !self.acquire(id) {
            return Flow::Wait;
        }
        if self.is_faulted(id, Some(sql)) {
            return Flow::Go;
        }
        self.pass_step(id);
        let sql = match self.in_its_own_names(id, sql, infos, false) {
            Ok(Some(rewritten)) if rewritten.is_empty() => {
                self.send_tag(id, "DEALLOCATE");
                return Flow::Go;
            }
            Ok(Some(rewritten)) => rewritten.into(),
            Ok(None) => Arc::clone(sql),
            Err((code, text)) => {
                self.fail(id, code, &text);
                return Flow::Go;
            }
        };
        self.enter(id);
        self.warn_of_local(id, infos);
        for info in infos {
            self.note(id, info, &[]);
        }
        let now = self.now;
        if let Some(record) = self
            .unit(id)
            .record
            .as_mut()
            .filter(|record| record.rows.is_none())
        {
            record.asked = now;
        }
        query(&mut self.backend.out, &sql);
        let mut execution = self.execution(Arc::clone(&sql), Vec::new(), infos.to_vec());
        execution.offset = offset;
        self.backend
            .answers
            .push(Expected::Simple(Box::new(execution)));
        if is_last {
            self.unit(id).must_check = true;
            if !infos.iter().any(|info| info.is_copy) {
                self.check_with_it(id);
            }
        }
        Flow::Wait
    }

    /// Checks deferred constraints if that could not be sent along; then ends the unit.
    pub(super) fn check_or_finish(&mut self, id: ClientId) -> Flow {
        if !self.unit(id).checked && !self.unit(id).failed && self.active == Some(id) {
            self.check_with_it(id);
            if self.unit(id).checking.is_some() {
                return Flow::Wait;
            }
        }
        self.finish(id)
    }

    /// Sends the check of deferred constraints along, if the statement is a transaction of its own.
    pub(super) fn check_with_it(&mut self, id: ClientId) {
        self.unit(id).must_check = false;
        self.unit(id).checked = true;
        if self.deferred.is_some() && self.client(id).transaction.is_none() && self.unit(id).hidden
        {
            self.unit(id).checking = Some(Check::Auto);
            self.send_prefix(Own::Prefix);
            query(&mut self.backend.out, "set constraints all immediate");
            self.backend.answers.push(Expected::Own(Own::Check));
        }
    }

    fn advance_call(&mut self, id: ClientId, call: &[u8]) -> Flow {
        if self.unit(id).ran || self.unit(id).failed {
            return self.finish(id);
        }
        if self.client(id).has_failed() {
            self.fail_in_failed(id);
            return Flow::Go;
        }
        if !self.acquire(id) {
            return Flow::Wait;
        }
        self.enter(id);
        message(&mut self.backend.out, b'F', |out| {
            out.extend_from_slice(call);
        });
        let execution = self.execution("(function call)".into(), Vec::new(), Vec::new());
        self.backend
            .answers
            .push(Expected::Simple(Box::new(execution)));
        Flow::Wait
    }

    /// Why a statement is not sent at all.
    pub(super) fn refusal(&mut self, id: ClientId, info: &Info) -> Option<super::local::Refusal> {
        let client = self.client(id);
        if client.has_failed()
            && let Some(word) = &info.unknown
        {
            return Some((
                sqlstate::SYNTAX_ERROR,
                format!("syntax error at or near \"{word}\""),
            ));
        }
        if client.has_failed() {
            let text =
                "current transaction is aborted, commands ignored until end of transaction block";
            return Some((sqlstate::IN_FAILED_SQL_TRANSACTION, text.to_owned()));
        }
        let is_open = client.transaction.is_some();
        let is_block = is_open || client.unit.as_ref().is_some_and(Unit::is_block);
        let runs = client.unit.as_ref().is_some_and(|unit| unit.piped);
        if let Some(what) = info.needs_block.filter(|_| !is_block) {
            let text = format!("{what} can only be used in transaction blocks");
            return Some((sqlstate::NO_ACTIVE_SQL_TRANSACTION, text));
        }
        let what = info.refuses_block.filter(|_| is_block || runs)?;
        let text = self.block_refusal(id, what);
        Some((sqlstate::ACTIVE_SQL_TRANSACTION, text))
    }

    pub(super) fn warn_of_local(&mut self, id: ClientId, infos: &[Rc<Info>]) {
        let is_block = self.unit(id).is_block() || self.client(id).transaction.is_some();
        if is_block {
            return;
        }
        for what in infos.iter().filter_map(|info| info.warns_outside) {
            let text = format!("{what} can only be used in transaction blocks");
            self.warn(id, sqlstate::NO_ACTIVE_SQL_TRANSACTION, &text);
        }
    }

    /// Whether the next step is a commit, for which the test has set a fault.
    pub(super) fn is_at_commit(&mut self, id: ClientId) -> bool {
        let unit = self.unit(id);
        match &unit.kind {
            UnitKind::Simple { script, next } => {
                matches!(
                    script.steps.get(*next),
                    Some(Step::Control(Control::Commit { .. }))
                )
            }
            UnitKind::Call(_) => false,
            UnitKind::Extended { .. } => {
                self.next_execution(id)
                    .is_some_and(|prepared: Rc<Prepared>| {
                        matches!(prepared.info.control, Some(Control::Commit { .. }))
                    })
            }
        }
    }

    fn execution(
        &self,
        sql: Arc<str>,
        parameters: Vec<crate::observe::recording::Parameter>,
        infos: Vec<Rc<Info>>,
    ) -> Execution {
        Execution {
            sql,
            offset: 0,
            parameters,
            infos,
            done: 0,
            asked: self.now,
            rows: None,
            values: Vec::new(),
        }
    }
}
