//! Every message about a session that cannot work: what was attempted, on what, what to do.

use std::{
    collections::BTreeMap,
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use sqlx::migrate::MigrateError;

use crate::{
    observe::report::{chain, printable},
    postgres::{database::OwnDatabase, server::is},
    session::Definition,
};

/// An error of any type, as [`FromTest`](crate::FromTest) and a session's functions return it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why the session of a test could not be started or used.
///
/// The same error stops every test that needs the session; clones are the same error. It says
/// what was attempted, on what, and what to do; it never holds a password.
#[derive(Clone)]
pub struct Error(Arc<Shared>);

struct Shared {
    cause: Cause,
}

/// The causes, each with its text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Cause {
    #[error(
        "{variable} ({place}) is not a PostgreSQL URL: {problem}\n\
         write it as postgres://user:password@host:5432/database, or set TEST_DB_URL=private to use a private server\n\
         (special characters of a password are percent-encoded: # is %23)"
    )]
    BadUrl {
        variable: &'static str,
        place: String,
        problem: String,
    },

    #[error("the file `.env` could not be read: {0}\ncorrect it or remove it")]
    BadDotEnv(String),

    #[cfg(unix)]
    #[error("{0}")]
    NoLocalServer(#[source] crate::postgres::server::local::LocalServerError),

    #[cfg(not(unix))]
    #[error("no database server: set TEST_DB_URL=postgres://user:password@host:5432/database")]
    NoServer,

    #[error(
        "could not connect to {server}: {}\n{}",
        chain(error),
        advice.as_deref().unwrap_or_else(|| advice_on_connecting(error))
    )]
    Connect {
        server: String,
        /// What to do, where the server knows better than its error's code.
        advice: Option<String>,
        #[source]
        error: sqlx::Error,
    },

    #[error(
        "{server} is not PostgreSQL itself, but a pooler in front of it: {evidence}\n\
         name the server itself in {variable}; often it is the same host at port 5432, or the host's name without `-pooler`\n\
         (each test has a connection of its own, with locks, settings and a database, and a pooler mixes them up)"
    )]
    Pooler {
        server: String,
        variable: &'static str,
        evidence: String,
    },

    #[error(
        "could not connect to {server}: no answer within {seconds} s\n\
         check the host and the port, and that nothing in between drops packets"
    )]
    ConnectTimedOut { server: String, seconds: u64 },

    #[error(
        "the role `{role}` may not create databases on {server}\n\
         run: ALTER ROLE \"{role}\" CREATEDB; or name a database that the tests may write to in TEST_DB_URL\n\
         (a database named by DATABASE_URL alone is never written to)"
    )]
    NoCreateDb { role: String, server: String },

    #[error(
        "`isolation = \"database\"` needs a database of its own, and the role `{role}` may not create one on {server}\n\
         run: ALTER ROLE \"{role}\" CREATEDB;"
    )]
    NoDatabaseOfItsOwn { role: String, server: String },

    #[error(
        "the session has a seed, and the role `{role}` may not create the database to keep it in\n\
         run: ALTER ROLE \"{role}\" CREATEDB; or insert the rows in a fixture of the tests"
    )]
    NoSeedWhenShared { role: String },

    #[error(
        "the role `{role}` may not create databases, so the tests share the one that the URL names, and there is none for `{name}`\n\
         run: ALTER ROLE \"{role}\" CREATEDB;"
    )]
    NoFurtherWhenShared { role: String, name: String },

    #[error(
        "the session has a locale, and the role `{role}` may not create the database that would have it\n\
         run: ALTER ROLE \"{role}\" CREATEDB; or remove `.locale(…)`"
    )]
    NoLocaleWhenShared { role: String },

    #[error(
        "the session's locale `{tag}` cannot be had on {server}: {problem}\n\
         correct `.locale(\"{tag}\")`, or remove it"
    )]
    BadLocale {
        tag: String,
        server: String,
        problem: String,
    },

    #[error("the migrations in {} could not be read: {}\ncheck the path given to `.migrations(…)`", directory.display(), chain(error))]
    MigrationsUnreadable {
        directory: PathBuf,
        #[source]
        error: MigrateError,
    },

    #[error(
        "there is no {}, and there was one when these tests were compiled: without it their database is empty\n\
         run the tests in a checkout (an archive of nextest's: with --workspace-remap), or embed the migrations: \
         `.migrations(sqlx::migrate!())`; if they were removed for good, compile the tests again",
        directory.display()
    )]
    MigrationsGone { directory: PathBuf },

    #[error(
        "there are no migrations in {}: {found}\n\
         a session without any says so: `.migrations(sqlx::migrate::Migrator::DEFAULT)`; or remove the directory",
        directory.display()
    )]
    NoMigrations { directory: PathBuf, found: String },

    #[error(
        "two migrations have the version {version}: `{files}`\ngive one of them another number"
    )]
    MigrationsOfOneVersion { version: i64, files: String },

    #[error(
        "migration {name} failed{at}: {}\nit ran on a new, empty database{place}; nothing of it was kept{advice}",
        chain(error)
    )]
    MigrationFailed {
        name: Box<str>,
        /// The file and the line, where they are known.
        at: Box<str>,
        place: Box<str>,
        /// What to do, on a line of its own, where we know.
        advice: Box<str>,
        #[source]
        error: MigrateError,
    },

    #[error(
        "the migrations could not be run on {server}: {}\n\
         it is shared by runs and checkouts because its role may not create databases: recreate it, or grant createdb",
        chain(error)
    )]
    SharedMigration {
        server: String,
        #[source]
        error: MigrateError,
    },

    #[error(
        "the session's seed failed: {problem}\nit ran once, after the migrations; nothing of it was kept"
    )]
    SeedFailed {
        problem: String,
        /// Whether it may be over by the time of the next test.
        is_of_the_moment: bool,
    },

    #[error("could not {action} on {server}: {}", chain(error))]
    Statement {
        action: String,
        server: String,
        #[source]
        error: sqlx::Error,
    },

    #[error(
        "could not {action} on {server} within {seconds} s\nanother process may be holding it up"
    )]
    StatementTimedOut {
        action: String,
        server: String,
        seconds: u64,
    },

    #[error(
        "migrations and seeds did not end within {seconds} s on {server}\n{activity}\n\
         end what they wait for, or the process that runs them"
    )]
    TemplateTimedOut {
        server: String,
        seconds: u64,
        /// What they are doing.
        activity: String,
    },

    #[error(
        "no database for this test on {server} after {seconds} s: {last}\n\
         every running test needs one connection: raise max_connections, or run fewer at once with --test-threads"
    )]
    NoLane {
        server: String,
        seconds: u64,
        last: String,
    },

    #[error("several sessions are registered: {}\nkeep one, or name each test's with #[db_test(session = path)]", paths.join(", "))]
    SeveralSessions { paths: Vec<&'static str> },

    #[error(
        "{session} has no application\nadd `.app(|cx| …)` to it, or take a `PgPool` instead of a `Router` or `Client`"
    )]
    NoApp { session: String },

    #[error(
        "no function of this test binary is marked #[db_test::session], so there is no application\n\
         write one: #[db_test::session] fn session() -> Session {{ Session::postgres().app(|cx| …) }}"
    )]
    NoSession,

    #[error(
        "the fixture {place} failed: {}\n\
         the scripts run in the order of `fixtures(…)`, before the test's arguments are made{}",
        chain(error),
        advice_on_fixture(error)
    )]
    FixtureFailed {
        place: String,
        #[source]
        error: sqlx::Error,
    },

    #[error(
        "the session's database is SQLite, and this is of PostgreSQL alone\n\
         take `SqlitePool`, `PoolConnection<Sqlite>`, `SqliteConnectOptions` or `cx.sqlite_pool()`; tests on PostgreSQL \
         name another session: #[db_test(session = path)]"
    )]
    NotPostgres,

    #[error(
        "a savepoint is a place in the test's transaction, and with `isolation = \"database\"` there is none\n\
         remove the option, or delete at the end of each case what it has written"
    )]
    NoSavepoint,

    #[error(
        "this savepoint is gone: an older one was restored, or the transaction it was set in has ended\n\
         set a new one with `cx.savepoint()` after that"
    )]
    SavepointGone,

    #[error(
        "could not {action} a savepoint of the test: {problem}\n\
         the transactions of the test and its application must have ended: commit or drop them first"
    )]
    Savepoint {
        action: &'static str,
        problem: String,
    },

    #[error(
        "`Faults` are what the proxy of a test's transaction does, and with `isolation = \"database\"` there is none\n\
         remove the option, or the argument"
    )]
    NoFaults,

    #[error(
        "no socket could be opened for the test's connections: {0}\n\
         it is in the directory for temporary files (TMPDIR), or else on the loopback interface"
    )]
    NoSocket(#[source] std::io::Error),

    #[error(
        "the session runs its tests as the role `{role}`, and there is none on {server} after the migrations\n\
         correct `.role(\"{role}\")`, or create it in a migration; there are `{roles}`"
    )]
    UnknownRole {
        role: String,
        server: String,
        roles: String,
    },

    #[error(
        "the session runs its tests as the role `{role}`, which is a superuser of the private server\n\
         write `.superuser()` instead of `.role(\"{role}\")`"
    )]
    RoleIsSuperuser { role: String },

    #[error(
        "the session runs its tests as the role `{role}`, which the login role may not become on {server}: {}\n\
         let it, as a role that may: {sql};",
        chain(error)
    )]
    RoleNotGranted {
        role: String,
        server: String,
        sql: String,
        #[source]
        error: sqlx::Error,
    },

    #[error(
        "{session} has no database of the name `{name}`; {}",
        named(known, name)
    )]
    NoSuchDatabase {
        name: String,
        session: String,
        known: Vec<&'static str>,
    },

    #[error("the session's `app` function {problem}")]
    AppFailed { problem: String },

    #[error("{function} panicked: {text}\nit is called before the test's body, which did not run")]
    Panicked {
        function: &'static str,
        text: String,
    },

    #[error("the test has ended, and its database connection with it")]
    TestEnded,

    #[error(
        "the template {template} vanished again and again\nanother process seems to be dropping databases on {server}"
    )]
    TemplateVanishes {
        template: OwnDatabase,
        server: String,
    },
}

impl Error {
    pub(crate) fn no_app(definition: &Definition) -> Self {
        if definition.is_conventional() {
            return Self::from(Cause::NoSession);
        }
        let session = definition.name.clone();
        Self::from(Cause::NoApp { session })
    }

    /// Whether the server has no connection left for now: a matter of waiting.
    pub(crate) fn is_out_of_connections(&self) -> bool {
        self.0.cause.is_out_of_connections()
    }

    /// Whether it would be the same for each test of the session. Others are tried again by the next test.
    pub(crate) fn is_lasting(&self) -> bool {
        self.0.cause.is_lasting()
    }

    pub(crate) fn is_about_a_fixture(&self) -> bool {
        matches!(self.0.cause, Cause::FixtureFailed { .. })
    }

    /// Whether a function of the user's panicked that is called before the test.
    pub(crate) fn is_a_panic(&self) -> bool {
        matches!(self.0.cause, Cause::Panicked { .. })
    }

    pub(crate) fn is_test_ended(&self) -> bool {
        matches!(self.0.cause, Cause::TestEnded)
    }

    /// The text for one test's report: whole for the first that needs it, a pointer for others. Two failures that say the
    /// same are the same to whoever reads it.
    pub(crate) fn tell(&self, test: &'static str) -> String {
        static TOLD: Mutex<BTreeMap<String, &str>> = Mutex::new(BTreeMap::new());
        let message = self.to_string();
        let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
        let teller = *told.entry(message.clone()).or_insert(test);
        if teller == test {
            return message;
        }
        let first_line = message.lines().next().unwrap_or_default();
        format!("{first_line}\nsame cause as in {teller} (full message there)")
    }
}

impl Cause {
    fn is_lasting(&self) -> bool {
        match self {
            Self::Connect { error, .. } | Self::Statement { error, .. } => !is_of_the_moment(error),
            Self::MigrationFailed { error, .. } | Self::SharedMigration { error, .. } => {
                match error {
                    MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                        !is_of_the_moment(error)
                    }
                    _ => true,
                }
            }
            Self::SeedFailed {
                is_of_the_moment, ..
            } => !is_of_the_moment,
            Self::StatementTimedOut { .. }
            | Self::NoLane { .. }
            | Self::TemplateVanishes { .. }
            | Self::TestEnded => false,
            _ => true,
        }
    }

    pub(crate) fn is_out_of_connections(&self) -> bool {
        matches!(self, Self::Connect { error, .. } if is(error, "53300"))
    }
}

impl From<Cause> for Error {
    fn from(cause: Cause) -> Self {
        Self(Arc::new(Shared { cause }))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.0.cause.to_string()))
    }
}

impl fmt::Debug for Error {
    /// The text as well: this is what `unwrap` shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

/// The names of a session's further databases, or how to add one.
fn named(known: &[&str], name: &str) -> String {
    if known.is_empty() {
        return format!("add it: `.database(\"{name}\", |database| database.migrations(…))`");
    }
    let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
    format!("there are {}", known.join(", "))
}

/// What to do about a fixture that failed, where we know.
fn advice_on_fixture(error: &sqlx::Error) -> &'static str {
    if is(error, "42501") {
        "\nthey run as the owner of the test's database; what only a superuser may do needs \
         Session::postgres().superuser(), or on a given server the URL of one"
    } else {
        ""
    }
}

/// Whether an error may be over by the time of the next test: a connection was lost, or the server starts, stops, is out of
/// resources or in another state for now (PostgreSQL manual, appendix A). A time limit of the server's is none of these.
pub(crate) fn is_of_the_moment(error: &sqlx::Error) -> bool {
    let Some(error) = error.as_database_error() else {
        return matches!(error, sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut);
    };
    let classes = ["08", "53", "55", "57", "58"];
    error
        .code()
        .is_some_and(|code| code != "57014" && classes.iter().any(|class| code.starts_with(class)))
}

/// What to do about a connection that was refused, by the server's code or the system's.
fn advice_on_connecting(error: &sqlx::Error) -> &'static str {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    match code.as_deref() {
        Some("28P01" | "28000") => "check the user and the password in the URL",
        Some("3D000") => "create that database, or name one that exists in the URL",
        Some("53300") => "the server is out of connections: raise max_connections",
        _ => "start it, correct the URL, or set TEST_DB_URL=private to use a private server",
    }
}
