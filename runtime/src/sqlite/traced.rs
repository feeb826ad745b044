//! The statements of a test's connections, as SQLite's hooks tell of them.
//!
//! There is no wire to look at. A statement is recorded when it begins, because SQLite says that it has ended when it is
//! reset, which may be after its first row has come to the application.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use super::hooks;
use crate::observe::recording::{ClientId, Recording, ServerError, Statement};

/// What is recorded: the files of tests, and the connections that are open to them.
static RECORDED: Mutex<Option<Recorded>> = Mutex::new(None);

#[derive(Default)]
struct Recorded {
    files: HashMap<PathBuf, Arc<Recording>>,
    connections: HashMap<usize, Arc<Connection>>,
}

thread_local! {
    /// What SQLite has logged since the last statement began; it logs an error where it happens.
    static LOGGED: RefCell<Option<ServerError>> = const { RefCell::new(None) };
    /// The connection that was opened on this thread: sqlx gives each one a thread.
    static OPENED: Cell<usize> = const { Cell::new(0) };
}

/// A connection to the file of a test.
pub(super) struct Connection {
    recording: Arc<Recording>,
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

/// Has what is sent on connections to a file recorded, if they are opened from now on.
pub(super) fn register(path: &Path, recording: &Arc<Recording>) {
    hooks::install();
    let mut recorded = recorded();
    let files = &mut recorded.get_or_insert_default().files;
    files.insert(path.to_owned(), Arc::clone(recording));
}

/// Leaves connections that are opened from now on alone.
pub(super) fn forget(path: &Path) {
    if let Some(recorded) = &mut *recorded() {
        recorded.files.remove(path);
    }
}

/// A connection to a file is opened on this thread; gives its number if it is to be recorded.
pub(super) fn opened(path: &Path) -> Option<usize> {
    static COUNT: AtomicUsize = AtomicUsize::new(1);
    let mut recorded = recorded();
    let recorded = recorded.as_mut()?;
    let recording = Arc::clone(recorded.files.get(path)?);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let connection = Connection {
        recording,
        client: ClientId::next(),
        running: Mutex::default(),
    };
    recorded.connections.insert(number, Arc::new(connection));
    OPENED.set(number);
    Some(number)
}

/// The connection with that number, until it is closed.
pub(super) fn connection(number: usize) -> Option<Arc<Connection>> {
    recorded().as_ref()?.connections.get(&number).cloned()
}

pub(super) fn closed(number: usize) {
    let closed = recorded()
        .as_mut()
        .and_then(|recorded| recorded.connections.remove(&number));
    drop(closed);
}

/// SQLite logs something on the thread where it happens.
pub(super) fn logged(code: i32, text: &str) {
    // Ends of files and the like are noticed, and are no errors.
    if matches!(code & 0xff, 27 | 28) {
        return;
    }
    if let Some((message, sql)) = refused(text) {
        if let Some(connection) = connection(OPENED.get()) {
            connection.refused(sql, error(code, message));
        }
        return;
    }
    LOGGED.set(Some(error(code, message_of(text))));
}

impl Connection {
    pub(super) fn started(&self, statement: usize, sql: &str) {
        LOGGED.take();
        self.recording.pulse().beat(true);
        let number = self.add(Statement::running(sql.trim().into()));
        let running = Running {
            number,
            since: Instant::now(),
            rows: 0,
        };
        self.running().insert(statement, running);
    }

    pub(super) fn row(&self, statement: usize) {
        if let Some(running) = self.running().get_mut(&statement) {
            running.rows += 1;
        }
    }

    /// It has ended, and if it writes has changed so many rows.
    pub(super) fn ended(&self, statement: usize, changes: Option<u64>) {
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
                self.recording.ended(number, took, rows, error);
            }
        }
        self.recording.pulse().beat(is_busy);
    }

    /// A statement did not begin, because it could not be compiled.
    fn refused(&self, sql: &str, error: ServerError) {
        let mut statement = Statement::running(sql.trim().into());
        statement.is_unanswered = false;
        statement.error = Some(error);
        self.add(statement);
    }

    fn add(&self, statement: Statement) -> Option<usize> {
        // sqlx sends them when it connects.
        let sent = statement.sql();
        let first = sent.split([' ', '(', ';']).next().unwrap_or_default();
        if first.eq_ignore_ascii_case("pragma") {
            return None;
        }
        self.recording.add_running(self.client, statement)
    }

    fn running(&self) -> MutexGuard<'_, HashMap<usize, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn recorded() -> MutexGuard<'static, Option<Recorded>> {
    RECORDED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn error(code: i32, message: &str) -> ServerError {
    ServerError {
        code: code.to_string(),
        message: message.to_owned(),
        detail: None,
    }
}

/// The message and the statement, where it could not be compiled: `no such table: a in "select 1 from a"`.
fn refused(text: &str) -> Option<(&str, &str)> {
    let (message, sql) = text.split_once(" in \"")?;
    Some((message, sql.strip_suffix('"')?))
}

/// The message alone, of a statement that was stopped: `statement aborts at 9: UNIQUE constraint failed: a.b; [insert …]`.
fn message_of(text: &str) -> &str {
    let behind = text.strip_prefix("statement aborts at ");
    let message = behind.and_then(|rest| rest.split_once(": "));
    let Some((_, message)) = message else {
        return text;
    };
    message.split("; [").next().unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use super::{message_of, refused};

    #[test]
    fn a_message_is_told_without_its_statement() {
        let text =
            "statement aborts at 9: UNIQUE constraint failed: a.b; [insert into a values ('; [')]";
        assert_eq!(message_of(text), "UNIQUE constraint failed: a.b");
        assert_eq!(message_of("disk full"), "disk full");
    }

    #[test]
    fn a_statement_that_cannot_be_compiled_is_found_in_its_message() {
        assert_eq!(
            refused("no such table: a in \"select \"b\" from a\""),
            Some(("no such table: a", "select \"b\" from a"))
        );
        assert_eq!(refused("disk full"), None);
    }
}
