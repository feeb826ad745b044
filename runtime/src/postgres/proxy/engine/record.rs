//! Telling what the application asked, in order.

use std::{rc::Rc, sync::Arc};

use super::{Engine, errors::server_error};
use crate::{
    observe::recording::ServerError,
    postgres::proxy::{
        api::{ClientId, Event, Finished},
        client::UnitKind,
        expected::{Execution, Expected},
    },
};

/// The most of a statement that is recorded, in bytes.
const SQL: usize = 32 * 1024;

impl Engine {
    /// Remembers a simple query as a whole.
    pub(super) fn begin_record(&mut self, id: ClientId) {
        let now = self.now;
        let unit = self.unit(id);
        if let UnitKind::Simple { script, .. } = &unit.kind {
            unit.record = Some(execution(&script.sql, now));
        }
    }

    /// Tells of a simple query.
    pub(super) fn record_unit(&mut self, id: ClientId) {
        let is_closed = self.client(id).is_closed;
        let unit = self.unit(id);
        if let Some(record) = unit.record.take() {
            let error = unit.error.take();
            let is_answered = error.is_some() || !is_closed;
            self.push_statement(id, record, error, is_answered, false);
        }
    }

    /// Tells of an execution in the extended protocol that was answered.
    pub(super) fn record_execution(
        &mut self,
        id: ClientId,
        popped: Option<Expected>,
        error: Option<&[u8]>,
    ) {
        if let Some(Expected::Execute(execution)) = popped {
            self.push_statement(id, *execution, error.map(server_error), true, false);
        }
    }

    /// Tells of a control statement in the extended protocol.
    pub(super) fn record_control(&mut self, id: ClientId, error: Option<(&str, &str)>) {
        let Some(sql) = self.executed_control(id) else {
            return;
        };
        let error = error.map(|(code, message)| ServerError {
            code: code.to_owned(),
            message: message.to_owned(),
            detail: None,
        });
        let record = execution(&sql, self.now);
        self.push_statement(id, record, error, true, false);
    }

    pub(super) fn record_commit_failed(&mut self, id: ClientId, body: &[u8]) {
        if self.unit(id).record.is_none() {
            let record = execution(&Arc::from("COMMIT"), self.now);
            self.push_statement(id, record, Some(server_error(body)), true, false);
        }
    }

    /// Tells of a statement in the extended protocol that a fault hit.
    pub(super) fn record_failed_step(&mut self, id: ClientId, code: &str, message: &str) {
        if let Some(prepared) = self.next_execution(id) {
            let error = ServerError {
                code: code.to_owned(),
                message: message.to_owned(),
                detail: None,
            };
            let record = execution(&prepared.sql, self.now);
            self.push_statement(id, record, Some(error), true, false);
        } else if self.unit(id).record.is_some() {
            self.unit(id).error = Some(ServerError {
                code: code.to_owned(),
                message: message.to_owned(),
                detail: None,
            });
        }
    }

    pub(super) fn record_refused(&mut self, id: ClientId, portal: &str, code: &str, message: &str) {
        let Some(portal) = self.client(id).portals.get(portal) else {
            return;
        };
        let sql = Arc::clone(&portal.statement.sql);
        let error = ServerError {
            code: code.to_owned(),
            message: message.to_owned(),
            detail: None,
        };
        let record = execution(&sql, self.now);
        self.push_statement(id, record, Some(error), true, false);
    }

    /// Tells of a statement that could not be prepared.
    pub(super) fn record_unprepared(&mut self, id: ClientId, sql: &Arc<str>) {
        let error = self.unit(id).error.clone();
        let record = execution(sql, self.now);
        self.push_statement(id, record, error, true, true);
    }

    /// What a unit is, for a finding.
    pub(super) fn unit_text(&mut self, id: ClientId) -> Arc<str> {
        match &self.unit(id).kind {
            UnitKind::Simple { script, .. } => Arc::clone(&script.sql),
            _ => match &self.unit(id).last {
                Some(last) => Arc::clone(last),
                None => Arc::from("a failure"),
            },
        }
    }

    /// The text of the control statement that is executed in the extended protocol.
    fn executed_control(&mut self, id: ClientId) -> Option<Arc<str>> {
        if !matches!(self.unit(id).kind, UnitKind::Extended { .. }) {
            return None;
        }
        self.client(id).executing.take()
    }

    fn push_statement(
        &mut self,
        client: ClientId,
        execution: Execution,
        error: Option<ServerError>,
        is_answered: bool,
        prepared_only: bool,
    ) {
        let sql = if execution.sql.len() > SQL {
            let beginning = &execution.sql[..execution.sql.floor_char_boundary(SQL)];
            format!("{beginning}{}", crate::observe::recording::CUT).into()
        } else {
            execution.sql
        };
        self.events.push_back(Event::Statement(Finished {
            client,
            sql,
            parameters: execution.parameters,
            took: self.now.saturating_duration_since(execution.asked),
            rows: execution.rows.filter(|_| error.is_none()),
            error,
            is_answered,
            prepared_only,
        }));
    }
}

fn execution(sql: &Arc<str>, asked: std::time::Instant) -> Execution {
    Execution {
        sql: Arc::clone(sql),
        offset: 0,
        parameters: Vec::new(),
        infos: Vec::<Rc<_>>::new(),
        done: 0,
        asked,
        rows: None,
        values: Vec::new(),
    }
}
