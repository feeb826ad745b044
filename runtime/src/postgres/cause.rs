//! Why there is no database for a test, each with its text: what was attempted, on what, what to
//! do.

use sqlx::migrate::MigrateError;

#[cfg(unix)]
use crate::BoxError;
use crate::{
    database::cause as content,
    error::{Error, Problem, ProblemKind},
    observe::report::chain,
    postgres::sqlstate::{self, is, is_transient, is_transient_migration},
};

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
    NoLocalServer(#[source] BoxError),

    #[cfg(not(unix))]
    #[error("no database server: set TEST_DB_URL=postgres://user:password@host:5432/database")]
    NoServer,

    #[error(
        "could not connect to {server}: {}\n{}",
        chain(error),
        help.as_deref().unwrap_or_else(|| help_on_connecting(error))
    )]
    Connect {
        server: String,
        /// What to do, where the server knows better than its error's code.
        help: Option<String>,
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
        "the session's locale `{tag}` is not available on {server}: {problem}\n\
         correct `.locale(\"{tag}\")`, or remove it"
    )]
    BadLocale {
        tag: String,
        server: String,
        problem: String,
    },

    /// What a template is filled with is wrong.
    #[error(transparent)]
    Content(Box<content::Cause>),

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

    #[error("could not {action} on {server}: {}", chain(error))]
    Statement {
        action: String,
        server: String,
        #[source]
        error: sqlx::Error,
    },

    #[error(
        "could not {action} on {server} within {seconds} s\npg_stat_activity shows what it waits for"
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
        "no socket could be opened for the test's connections: {0}\n\
         make a directory for it writable (XDG_RUNTIME_DIR, /dev/shm or TMPDIR), or set DB_TEST_LOOPBACK=1"
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
        "the session runs its tests as the role `{role}`, and the login role is not a member of it on {server}: {}\n\
         as a role that may grant it, run: {sql};",
        chain(error)
    )]
    RoleNotGranted {
        role: String,
        server: String,
        sql: String,
        #[source]
        error: sqlx::Error,
    },

    #[error("the test has ended, and its database connection with it")]
    TestEnded,

    #[error(
        "the template {template} was dropped on {server} each time that it had been made\nstop the process that drops databases whose names begin with `dbt_`"
    )]
    TemplateVanishes { template: String, server: String },
}

impl Problem for Cause {
    fn is_permanent(&self) -> bool {
        match self {
            Self::Connect { error, .. } | Self::Statement { error, .. } => !is_transient(error),
            Self::SharedMigration { error, .. } => !is_transient_migration(error),
            Self::Content(cause) => cause.is_permanent(),
            Self::StatementTimedOut { .. }
            | Self::NoLane { .. }
            | Self::TemplateVanishes { .. }
            | Self::TestEnded => false,
            _ => true,
        }
    }

    fn kind(&self) -> ProblemKind {
        match self {
            Self::TestEnded => ProblemKind::TestEnded,
            _ if self.is_out_of_connections() => ProblemKind::OutOfConnections,
            _ => ProblemKind::Other,
        }
    }
}

impl Cause {
    pub(crate) fn is_out_of_connections(&self) -> bool {
        matches!(self, Self::Connect { error, .. } if is(error, sqlstate::TOO_MANY_CONNECTIONS))
    }
}

impl From<content::Cause> for Cause {
    fn from(cause: content::Cause) -> Self {
        Self::Content(Box::new(cause))
    }
}

impl From<Cause> for Error {
    fn from(cause: Cause) -> Self {
        Self::new(cause)
    }
}

/// What to do about a connection that was refused, by the server's code or the system's.
fn help_on_connecting(error: &sqlx::Error) -> &'static str {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    match code.as_deref() {
        Some(sqlstate::INVALID_PASSWORD | sqlstate::INVALID_AUTHORIZATION_SPECIFICATION) => {
            "check the user and the password in the URL"
        }
        Some(sqlstate::INVALID_CATALOG_NAME) => {
            "create that database, or name one that exists in the URL"
        }
        Some(sqlstate::TOO_MANY_CONNECTIONS) => {
            "the server is out of connections: raise max_connections"
        }
        _ => "start it, correct the URL, or set TEST_DB_URL=private to use a private server",
    }
}
