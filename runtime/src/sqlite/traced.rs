//! The databases of tests, and the connections that are open to them, as SQLite's hooks report
//! them.

mod connection;
mod message;

use std::{
    cell::Cell,
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use sqlx::sqlite::SqliteConnectOptions;

pub(super) use self::connection::Connection;
use crate::observe::recording::Recording;

/// The databases of running tests, and the connections that are open to them.
static RECORDED: Mutex<Option<Recorded>> = Mutex::new(None);

/// The beginning of the name of a thread that has the connection to a database in memory.
const IN_MEMORY: &str = "db-test-memory-";

/// The beginning of the name of a thread that has a connection of a test's pool to its file.
const POOLED: &str = "db-test-pool-";

const ENDED: &str = "the test has ended, and its database in memory with it";

#[derive(Default)]
struct Recorded {
    databases: HashMap<PathBuf, Arc<Database>>,
    connections: HashMap<usize, Arc<Connection>>,
}

thread_local! {
    /// The connection that was opened on this thread: sqlx gives each one a thread.
    static OPENED: Cell<usize> = const { Cell::new(0) };
}

/// Records the statements of a database until it is dropped.
pub(super) struct Traced {
    key: PathBuf,
    database: Arc<Database>,
}

struct Database {
    recording: Arc<Recording>,
    is_paused: AtomicBool,
    /// A database in memory goes with its connection.
    is_in_memory: bool,
    was_opened: AtomicBool,
}

/// Records nothing of a database until it is dropped.
pub(super) struct Pause<'a>(&'a Database);

/// What to do with a connection that is being opened.
pub(super) enum Opening {
    /// It is to be recorded, by this number.
    Recorded(usize),
    /// It must not be opened.
    Refused(&'static str),
}

impl Traced {
    /// Records what is sent on connections to a file that are opened from now on.
    pub(super) fn file(path: &Path, recording: &Arc<Recording>) -> Self {
        Self::new(path.to_owned(), recording, false)
    }

    /// Records what is sent on the connection to a new database in memory; see
    /// [`thread`](Self::thread).
    pub(super) fn in_memory(recording: &Arc<Recording>) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Self::new(format!("{IN_MEMORY}{number}").into(), recording, true)
    }

    fn new(key: PathBuf, recording: &Arc<Recording>, is_in_memory: bool) -> Self {
        let database = Arc::new(Database {
            recording: Arc::clone(recording),
            is_paused: AtomicBool::new(false),
            is_in_memory,
            was_opened: AtomicBool::new(false),
        });
        let mut recorded = recorded();
        let databases = &mut recorded.get_or_insert_default().databases;
        databases.insert(key.clone(), Arc::clone(&database));
        Self { key, database }
    }

    /// The name that the thread of a connection to this database in memory must have.
    pub(super) fn thread(&self) -> String {
        self.key.display().to_string()
    }

    /// The options of the test's pool on a file, whose connections are known by their threads: the
    /// application may open others to the same file.
    pub(super) fn pooled(options: SqliteConnectOptions) -> SqliteConnectOptions {
        options.thread_name(|number| format!("{POOLED}{number}"))
    }

    /// Records nothing until the value is dropped.
    pub(super) fn pause(&self) -> Pause<'_> {
        self.database.is_paused.store(true, Ordering::Relaxed);
        Pause(&self.database)
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        if let Some(recorded) = &mut *recorded() {
            recorded.databases.remove(&self.key);
        }
    }
}

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        self.0.is_paused.store(false, Ordering::Relaxed);
    }
}

/// A connection is opened on this thread, to the file of this name; none is memory.
pub(super) fn opened(file: &str) -> Option<Opening> {
    static COUNT: AtomicUsize = AtomicUsize::new(1);
    let thread = thread::current();
    let key = match file {
        "" => thread.name().filter(|name| name.starts_with(IN_MEMORY))?,
        file => file,
    };
    let mut recorded = recorded();
    let recorded = recorded.get_or_insert_default();
    let Some(database) = recorded.databases.get(Path::new(key)) else {
        return file.is_empty().then_some(Opening::Refused(ENDED));
    };
    if database.is_in_memory && database.recording.is_finished() {
        return Some(Opening::Refused(ENDED));
    }
    if database.was_opened.swap(true, Ordering::Relaxed) && database.is_in_memory {
        return Some(Opening::Refused(
            "the test's database was in memory (isolation = \"memory\"), and went with its one connection, which was closed",
        ));
    }
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let is_pooled =
        database.is_in_memory || thread.name().is_some_and(|name| name.starts_with(POOLED));
    let connection = Connection::new(Arc::clone(database), is_pooled);
    recorded.connections.insert(number, Arc::new(connection));
    OPENED.set(number);
    Some(Opening::Recorded(number))
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
    if let Some((message, sql)) = message::refused(text) {
        if let Some(connection) = connection(OPENED.get()) {
            connection.refused(&sql, code, message);
        }
        return;
    }
    connection::failed(code, message::alone(text));
}

fn recorded() -> MutexGuard<'static, Option<Recorded>> {
    RECORDED.lock().unwrap_or_else(PoisonError::into_inner)
}
