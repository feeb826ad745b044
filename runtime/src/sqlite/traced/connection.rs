//! A connection to the database of a test, and the statements that run on it.
//!
//! There is no wire to look at. A statement is recorded when it begins, because SQLite says that it
//! has ended when it is reset, which may be after its first row has come to the application.

use std::{
    cell::RefCell,
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    time::Instant,
};

use super::Database;
use crate::observe::recording::{CUT, ClientId, Parameter, ServerError, Statement};

thread_local! {
    /// What SQLite has logged since the last statement began; it logs an error where it happens.
    static LOGGED: RefCell<Option<ServerError>> = const { RefCell::new(None) };
}

/// How many bytes of a statement are kept.
const TEXT: usize = 32 * 1024;

/// A connection to the database of a test.
pub(in super::super) struct Connection {
    database: Arc<Database>,
    client: ClientId,
    /// The statements that have begun, by their addresses.
    running: Mutex<HashMap<usize, Running>>,
}

struct Running {
    /// Its number in the recording, if it is in it.
    number: Option<usize>,
    since: Instant,
    rows: u64,
}

/// The statement that runs on this thread has failed.
pub(super) fn failed(code: i32, message: &str) {
    LOGGED.set(Some(error(code, message)));
}

impl Connection {
    pub(super) fn new(database: Arc<Database>, is_pooled: bool) -> Self {
        let client = ClientId::next();
        if !is_pooled {
            database.recording.opened_elsewhere(client);
        }
        Self {
            database,
            client,
            running: Mutex::default(),
        }
    }

    pub(in super::super) fn started(
        &self,
        statement: usize,
        sql: &str,
        parameters: Vec<Parameter>,
    ) {
        LOGGED.take();
        self.database.recording.pulse().beat(true);
        let mut begun = Statement::running(short(sql.trim()));
        begun.parameters = parameters;
        let number = self.add(begun);
        let running = Running {
            number,
            since: Instant::now(),
            rows: 0,
        };
        self.running().insert(statement, running);
    }

    pub(in super::super) fn row(&self, statement: usize) {
        if let Some(running) = self.running().get_mut(&statement) {
            running.rows += 1;
        }
    }

    /// It has ended, and if it writes has changed so many rows.
    pub(in super::super) fn ended(&self, statement: usize, changes: Option<u64>) {
        let mut all = self.running();
        let ended = all.remove(&statement);
        let is_busy = !all.is_empty();
        drop(all);
        if let Some(Running {
            number,
            since,
            rows,
        }) = ended
        {
            let rows = changes.filter(|_| rows == 0).unwrap_or(rows);
            let (took, error) = (since.elapsed(), LOGGED.take());
            if let Some(number) = number {
                self.database.recording.ended(number, took, rows, error);
            }
        }
        self.database.recording.pulse().beat(is_busy);
    }

    /// A statement did not begin, because it could not be compiled.
    pub(super) fn refused(&self, sql: &str, code: i32, message: &str) {
        let mut statement = Statement::running(sql.into());
        statement.is_unanswered = false;
        statement.error = Some(error(code, message));
        self.add(statement);
    }

    fn add(&self, statement: Statement) -> Option<usize> {
        if self.database.is_paused.load(Ordering::Relaxed) {
            return None;
        }
        // sqlx sends them when it connects.
        let sent = statement.sql();
        let first = sent.split([' ', '(', ';']).next().unwrap_or_default();
        if first.eq_ignore_ascii_case("pragma") {
            return None;
        }
        self.database.recording.add_running(self.client, statement)
    }

    fn running(&self) -> MutexGuard<'_, HashMap<usize, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The text, or the beginning of a long one.
fn short(sql: &str) -> Arc<str> {
    if sql.len() <= TEXT {
        return sql.into();
    }
    format!("{}{CUT}", &sql[..sql.floor_char_boundary(TEXT)]).into()
}

fn error(code: i32, message: &str) -> ServerError {
    ServerError {
        code: code.to_string(),
        message: message.to_owned(),
        detail: None,
    }
}
