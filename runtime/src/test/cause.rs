//! The causes for which a single test cannot run, or cannot get one of its arguments, with their
//! messages.

use crate::{
    error::{Error, Problem, ProblemKind},
    executor::panics,
};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Cause {
    #[error(
        "savepoints need the test's transaction, and with `isolation = \"database\"` there is none\n\
         remove the option, or delete the rows of each case at its end"
    )]
    NoSavepoint,

    #[error(
        "`isolation = \"memory\"` needs SQLite, and the session's database is PostgreSQL\n\
         write `isolation = \"transaction\"`, which is the default, or `isolation = \"database\"`"
    )]
    NoMemory,

    #[error(
        "{what} needs PostgreSQL, and the session's database is SQLite\n\
         {help}; tests on PostgreSQL name another session: #[db_test(session = path)]"
    )]
    NotPostgres {
        what: &'static str,
        help: &'static str,
    },

    #[error(
        "{session} has no database named `{name}`; {}",
        named(known, method, name)
    )]
    NoSuchDatabase {
        name: String,
        /// The method that adds one of the kind that the test needs.
        method: &'static str,
        session: String,
        known: Vec<&'static str>,
    },

    #[error(
        "the database `{name}` is SQLite, and this method needs PostgreSQL\n\
         write `cx.sqlite_pool_of(\"{name}\")` or `cx.sqlite_connect_options_of(\"{name}\")`"
    )]
    FurtherNotPostgres { name: &'static str },

    #[cfg(feature = "sqlite")]
    #[error(
        "the database `{name}` is PostgreSQL, and this method needs SQLite\n\
         write `cx.pool_of(\"{name}\")`, or `.sqlite_database(\"{name}\", …)` in the session function"
    )]
    FurtherNotSqlite { name: &'static str },

    #[error(
        "`cx.savepoint()` needs PostgreSQL, and the database `{name}` of the session is SQLite\n\
         name a session without it: #[db_test(session = path)], or delete at the end of each case what it has written"
    )]
    NoSavepointOfSqlite { name: &'static str },

    #[error("the session's `app` function {problem}")]
    AppFailed { problem: String },

    #[error("{function} panicked: {text}\nit runs before the test's body, which did not run")]
    Panicked {
        function: &'static str,
        text: String,
    },

    #[cfg(feature = "sqlite")]
    #[error(
        "the test needs SQLite, and its session's database is PostgreSQL\n\
         write `Session::sqlite()` in the session function, or name another session: #[db_test(session = path)]"
    )]
    NotSqlite,

    #[error(
        "{session} has no application\nadd `.app(|cx| …)` to it, or take a `{pool}` instead of a `Router` or `Client`"
    )]
    NoApp { session: String, pool: &'static str },

    #[error(
        "no function of this test binary is marked #[db_test::session], so there is no application\n\
         write one: #[db_test::session] fn session() -> Session {{ Session::{kind}().app(|cx| …) }}"
    )]
    NoSession { kind: &'static str },
}

impl Problem for Cause {
    fn kind(&self) -> ProblemKind {
        match self {
            Self::Panicked { .. } => ProblemKind::Panic,
            _ => ProblemKind::Argument,
        }
    }
}

impl From<Cause> for Error {
    fn from(cause: Cause) -> Self {
        let error = Self::new(cause);
        panics::note_misuse(error.to_string());
        error
    }
}

/// Calls a function of the user before or after the test's body.
pub(crate) fn calling<T>(function: &'static str, call: impl FnOnce() -> T) -> Result<T, Error> {
    panics::calling(call)
        .map_err(|panics::Panicked(text)| Cause::Panicked { function, text }.into())
}

/// The names of a session's further databases, or how to add one.
fn named(known: &[&str], method: &str, name: &str) -> String {
    if known.is_empty() {
        return format!("add it: `.{method}(\"{name}\", |database| database.migrations(…))`");
    }
    let known: Vec<_> = known.iter().map(|name| format!("`{name}`")).collect();
    format!("it has {}", known.join(", "))
}
