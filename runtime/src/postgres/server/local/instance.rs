//! The files of one private server, by name.

use std::{
    fs::{self, File},
    io,
    os::unix::{ffi::OsStrExt, fs::OpenOptionsExt},
    path::{Path, PathBuf},
    process,
};

use super::{PORT, error::LocalServerError, lock::FileLock, readiness, status::Status};

/// `sun_path` has 104 bytes on macOS and 108 on Linux, and sqlx and libpq add nothing to what
/// PostgreSQL makes.
const LONGEST_SOCKET_PATH: usize = 100;

const UNFINISHED: &str = "data.new.";

/// The directory of one server. See the parent module for who locks what.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    dir: PathBuf,
}

impl Instance {
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Shared by users; taken alone by the supervisor to stop the server.
    pub(super) fn lease(&self) -> PathBuf {
        self.dir.join("lease")
    }

    /// Held by the process that starts a supervisor, until the server is ready.
    pub(super) fn start_lock(&self) -> PathBuf {
        self.dir.join("start")
    }

    /// Held by the supervisor for its life.
    pub(super) fn supervisor_lock(&self) -> PathBuf {
        self.dir.join("supervisor")
    }

    /// Held by `initdb`, `postgres` and all its children, who inherit it. Contains the process id
    /// of `postgres`.
    pub(super) fn server_lock(&self) -> PathBuf {
        self.dir.join("server")
    }

    pub(super) fn status(&self) -> PathBuf {
        self.dir.join("status")
    }

    /// What the server writes to its standard error.
    pub(super) fn log(&self) -> PathBuf {
        self.dir.join("postgres.log")
    }

    /// What the last run of `initdb` wrote.
    pub(super) fn initdb_log(&self) -> PathBuf {
        self.dir.join("initdb.log")
    }

    /// What the supervisor, or the shell that starts it, writes to its standard error: normally
    /// nothing.
    pub(super) fn supervisor_log(&self) -> PathBuf {
        self.dir.join("supervisor.log")
    }

    /// The settings, outside the data directory: root must not write where another user could put a
    /// symbolic link.
    pub(super) fn settings(&self) -> PathBuf {
        self.dir.join("postgresql.conf")
    }

    /// Touched when databases are kept: the supervisor then waits longer.
    pub(super) fn stay_up(&self) -> PathBuf {
        self.dir.join("stay-up")
    }

    /// Which lanes of a template were given back last.
    pub(super) fn lanes_of(&self, template: &str) -> PathBuf {
        self.dir().join(format!("{template}.lanes"))
    }

    pub(super) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// Where this process runs `initdb`, until it has succeeded. Each process has its own name,
    /// because the `initdb` of a killed supervisor may still write.
    pub(super) fn unfinished_data(&self) -> PathBuf {
        self.dir.join(format!("{UNFINISHED}{}", process::id()))
    }

    /// All such directories of all processes.
    pub(super) fn all_unfinished_data(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        entries
            .filter(|entry| {
                entry
                    .file_name()
                    .as_bytes()
                    .starts_with(UNFINISHED.as_bytes())
            })
            .map(|entry| entry.path())
            .collect()
    }

    /// The boot of the machine during which the data was made.
    pub(super) fn boot(&self) -> PathBuf {
        self.dir.join("boot")
    }

    /// Short, as the path of a socket must be.
    pub(super) fn socket_dir(&self) -> PathBuf {
        self.dir.join("s")
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.socket_dir().join(format!(".s.PGSQL.{PORT}"))
    }

    pub(super) fn check_socket_length(&self) -> Result<(), String> {
        let socket = self.socket();
        let length = socket.as_os_str().as_bytes().len();
        if length > LONGEST_SOCKET_PATH {
            return Err(format!(
                "`{}` is {length} bytes long, and the path of a socket cannot have more than {LONGEST_SOCKET_PATH}; \
                 set DB_TEST_HOME to a shorter path",
                socket.display()
            ));
        }
        Ok(())
    }

    /// Whether a supervisor lives.
    pub(super) fn is_supervised(&self) -> bool {
        FileLock::is_held_alone(&self.supervisor_lock())
    }

    /// The status of a server that was ready and is supervised. Only a holder of the lease may
    /// trust it, and it is out of date until the supervisor notices that the server was killed.
    pub(super) fn is_supposed_ready(&self) -> Option<Status> {
        let status =
            Status::read(&self.status()).filter(|status| matches!(status, Status::Ready { .. }))?;
        self.is_supervised().then_some(status)
    }

    /// The same, and whether the server answers.
    pub(super) fn is_ready(&self) -> Option<Status> {
        self.is_supposed_ready()
            .filter(|_| readiness::answers(&self.socket()))
    }
}

/// Removes a directory, if there is one. Symbolic links in it are not followed.
pub(super) fn remove_dir(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a log file that only its owner can read, empty.
pub(super) fn new_log(path: &Path) -> Result<File, LocalServerError> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
        .open(path)
        .map_err(LocalServerError::io("write", path))
}
