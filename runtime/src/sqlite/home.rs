//! The directory of all SQLite files, and the part of it that is this process's.
//!
//! | name | what it is |
//! | --- | --- |
//! | `template-….db`, `.lock` | a template; who makes it holds the lock |
//! | `run-….lock`, `run-…/` | the files of one process, which holds the lock for its life |
//! | `kept/` | what was kept of failed tests |
//!
//! The kernel drops the lock of a process that is killed. A process that gets such a lock removes
//! the files.

use std::{
    collections::hash_map::RandomState,
    fs::{self, File},
    hash::BuildHasher,
    io,
    path::{Path, PathBuf},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

use super::cause::Cause;
use crate::{Error, observe::log};

/// A template or a kept file that nobody has used for this long is removed.
const STALE: Duration = Duration::from_hours(7 * 24);

/// How many names are tried for the files of this process: another one that sweeps may hold a new
/// lock at that moment.
const ATTEMPTS: u32 = 100;

/// What the names of the files end with that SQLite has beside a database.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The directory of all SQLite files of this user.
pub(super) struct Home(PathBuf);

/// Finds the directory; says what is wrong with the places for it.
pub(crate) type FindDirectory = fn() -> Result<PathBuf, String>;

/// The files of this process; removed when the value is dropped.
struct Run {
    directory: PathBuf,
    lock: PathBuf,
    _held: File,
}

static RUN: Mutex<Option<Run>> = Mutex::new(None);

impl Home {
    /// The one directory of this process: looked for, made and swept when it is first needed.
    pub(super) fn open(find: FindDirectory) -> Result<&'static Self, Error> {
        static HOME: OnceLock<Home> = OnceLock::new();
        if let Some(home) = HOME.get() {
            return Ok(home);
        }
        let home = Self::make(find).map_err(|problem| Error::from(Cause::NoFiles { problem }))?;
        Ok(HOME.get_or_init(|| home))
    }

    fn make(find: FindDirectory) -> Result<Self, String> {
        let directory = find()?;
        let text = |error: io::Error| format!("`{}`: {error}", directory.display());
        fs::create_dir_all(directory.join("kept")).map_err(text)?;
        // SQLite reports files by their canonical paths.
        let home = Self(fs::canonicalize(&directory).map_err(text)?);
        home.sweep();
        Ok(home)
    }

    pub(super) fn template(&self, fingerprint: &str) -> PathBuf {
        self.0.join(format!("template-{fingerprint}.db"))
    }

    pub(super) fn kept(&self) -> PathBuf {
        self.0.join("kept")
    }

    /// A file of this process that does not exist yet.
    pub(super) fn new_file(&self, kind: &str) -> io::Result<PathBuf> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mut run = RUN.lock().unwrap_or_else(PoisonError::into_inner);
        // The directory may have been removed meanwhile.
        let is_there = run.as_ref().is_some_and(|run| run.directory.is_dir());
        if !is_there {
            fs::create_dir_all(&self.0)?;
            *run = Some(Run::make(&self.0)?);
        }
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let run = run.as_ref().unwrap_or_else(|| unreachable!());
        Ok(run.directory.join(format!("{kind}-{number}.db")))
    }

    /// Removes what killed processes have left, and what has not been used for long.
    fn sweep(&self) {
        for path in entries(&self.0) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("run-") && name.ends_with(".lock") {
                remove_abandoned(&path);
            } else if name.starts_with("template-") && is_stale(&path) {
                fs::remove_file(&path).ok();
            }
        }
        for path in entries(&self.kept()).filter(|path| is_stale(path)) {
            remove_database(&path).ok();
        }
    }
}

impl Run {
    fn make(home: &Path) -> io::Result<Self> {
        for _ in 0..ATTEMPTS {
            let stamp = RandomState::new().hash_one(std::process::id());
            let name = format!("run-{}-{stamp:016x}", std::process::id());
            let (directory, lock) = (home.join(&name), home.join(format!("{name}.lock")));
            let held = File::create_new(&lock)?;
            // Between these two, a process that sweeps may have taken the lock, and removes the
            // file.
            if held.try_lock().is_err() || !lock.exists() {
                continue;
            }
            fs::create_dir(&directory)?;
            return Ok(Self {
                directory,
                lock,
                _held: held,
            });
        }
        Err(io::Error::other("every new file was swept at once"))
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.directory).ok();
        fs::remove_file(&self.lock).ok();
    }
}

/// Removes the files of this process, at its end.
pub(crate) fn remove_own_files() {
    if let Ok(mut run) = RUN.try_lock() {
        run.take();
    }
}

/// Removes the files of a process that has ended.
fn remove_abandoned(lock: &Path) {
    let Ok(held) = File::open(lock) else { return };
    if held.try_lock().is_ok() {
        log::debug(format_args!(
            "{} was left by a killed process; removing its files",
            lock.display()
        ));
        fs::remove_dir_all(lock.with_extension("")).ok();
        fs::remove_file(lock).ok();
    }
}

/// Removes a database, and the files that SQLite has beside it.
pub(super) fn remove_database(path: &Path) -> io::Result<()> {
    for suffix in BESIDE {
        let mut beside = path.as_os_str().to_owned();
        beside.push(suffix);
        fs::remove_file(beside).ok();
    }
    fs::remove_file(path)
}

/// Marks a template as used.
pub(super) fn touch(path: &Path) {
    let file = File::options().write(true).open(path);
    file.and_then(|file| file.set_modified(SystemTime::now()))
        .ok();
}

fn is_stale(path: &Path) -> bool {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|time| time.elapsed().is_ok_and(|age| age > STALE))
}

pub(super) fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.path())
}
