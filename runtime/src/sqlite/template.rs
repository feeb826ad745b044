//! The template: a file made from the session's migrations and seeds when they change. Each test
//! gets a copy of it.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::{Duration, Instant},
};

use super::{
    Settings,
    cause::Cause,
    content::Content,
    fill, home,
    home::{FindDirectory, Home},
    keep,
};
use crate::{Error, observe::log};

/// How long a process waits for another one that makes the same template; then it makes it, too.
const TURN_LIMIT: Duration = Duration::from_mins(10);

/// How often it looks whether the other one is done.
const TURN_PAUSE: Duration = Duration::from_millis(5);

/// How often a copy is tried while somebody removes templates.
const ATTEMPTS: u32 = 5;

/// The content of a session's files, and where it is.
pub(crate) struct Template {
    home: &'static Home,
    path: PathBuf,
    content: Content,
    /// The file, as a database in memory is made from it; read when it is first needed.
    bytes: OnceLock<Vec<u8>>,
}

impl Template {
    /// The template of a content, made if it is not there. `session` is its name, for the log.
    pub(crate) async fn ready(
        session: &str,
        content: Content,
        directory: FindDirectory,
    ) -> Result<Self, Error> {
        let began = Instant::now();
        let home = Home::open(directory)?;
        keep::run_request(home);
        let template = Self {
            home,
            path: home.template(&content.fingerprint()),
            content,
            bytes: OnceLock::new(),
        };
        let was_there = template.ensure().await?;
        log::info(format_args!(
            "session {} started on SQLite in {:.1?}: {} migrations, template {} {}",
            session,
            began.elapsed(),
            template.content.migrator.iter().count(),
            template.path.display(),
            if was_there { "was there" } else { "was made" }
        ));
        Ok(template)
    }

    /// Whether there are migrations or a seed.
    pub(crate) fn has_schema(&self) -> bool {
        self.content.has_schema()
    }

    pub(super) fn home(&self) -> &'static Home {
        self.home
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.content.settings
    }

    /// Another copy of the template, for one test.
    pub(super) async fn copy(&self) -> Result<PathBuf, Error> {
        self.with_file(|template| {
            let copy = self.home.new_file("test")?;
            // Where the file system can share the blocks of two files, it does.
            fs::copy(template, &copy)?;
            Ok(copy)
        })
        .await
    }

    /// The template's bytes, as SQLite takes them for a database in memory.
    pub(super) async fn bytes(&self) -> Result<&[u8], Error> {
        if self.bytes.get().is_none() {
            let mut bytes = self.with_file(|path| fs::read(path)).await?;
            without_write_ahead_log(&mut bytes);
            self.bytes.set(bytes).ok();
        }
        Ok(self.bytes.get().map_or(&[], Vec::as_slice))
    }

    /// Does something with the template's file, which another process may remove meanwhile.
    async fn with_file<T>(&self, work: impl Fn(&Path) -> io::Result<T>) -> Result<T, Error> {
        for _ in 0..ATTEMPTS {
            match work(&self.path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.ensure().await?;
                }
                done => return done.map_err(|error| self.unusable(&error)),
            }
        }
        Err(self.unusable(&io::Error::other(
            "it was removed each time after it had been made",
        )))
    }

    /// Makes sure that the template is there; says whether it was.
    async fn ensure(&self) -> Result<bool, Error> {
        if self.is_there() {
            return Ok(true);
        }
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.path.with_extension("lock"))
            .map_err(|error| self.unusable(&error))?;
        self.take_turn(&lock).await;
        if self.is_there() {
            return Ok(true);
        }
        let draft = self
            .home
            .new_file("draft")
            .map_err(|error| self.unusable(&error))?;
        fill::fill(&draft, &self.content).await?;
        // The rename decides who made it; what two make is the same.
        fs::rename(&draft, &self.path).map_err(|error| self.unusable(&error))?;
        Ok(false)
    }

    /// Waits for another process that makes the template. The lock only saves the others the work.
    async fn take_turn(&self, lock: &File) {
        if lock.try_lock().is_ok() {
            return;
        }
        log::debug(format_args!(
            "another process makes the template {}, which is waited for",
            self.path.display()
        ));
        let since = Instant::now();
        while lock.try_lock().is_err() && since.elapsed() < TURN_LIMIT {
            tokio::time::sleep(TURN_PAUSE).await;
        }
    }

    fn is_there(&self) -> bool {
        let is_there = self.path.is_file();
        if is_there {
            home::touch(&self.path);
        }
        is_there
    }

    fn unusable(&self, error: &io::Error) -> Error {
        let problem = format!("`{}`: {error}", self.path.display());
        Error::from(Cause::NoFiles { problem })
    }
}

/// Changes the header of a file so that it can be opened in memory, where there is no write-ahead
/// log: <https://www.sqlite.org/fileformat.html#file_format_version_numbers>.
fn without_write_ahead_log(file: &mut [u8]) {
    if let Some(versions) = file.get_mut(18..20) {
        versions.fill(1);
    }
}
