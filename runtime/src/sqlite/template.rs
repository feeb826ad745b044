//! The template: a file made once ever from the session's migrations and seeds, which each test gets a copy of.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use sqlx::migrate::Migrator;

use super::{Settings, cause::Cause, fill, home, home::Home};
use crate::{Error, observe::log, schema::Fingerprint, session::Definition};

/// Changes when the way a template is made changes.
const FORMAT: &[u8] = b"sqlite 1";

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
    migrator: Arc<Migrator>,
    /// Where the files of the migrations are.
    migrations_dir: PathBuf,
    seed_sql: Vec<String>,
    settings: Settings,
}

impl Template {
    /// The session's template, made if it is not there.
    pub(crate) async fn of(definition: &'static Definition) -> Result<Arc<Self>, Error> {
        let start = || async {
            let started = Box::pin(Self::start(definition)).await.map(Arc::new);
            match started {
                Err(error) if !error.is_lasting() => Err(error),
                result => Ok(result),
            }
        };
        let started = definition.sqlite.get_or_try_init(start).await?;
        started.clone()
    }

    async fn start(definition: &'static Definition) -> Result<Self, Error> {
        let began = Instant::now();
        let session = &definition.session;
        let migrator = definition.migrator().await?;
        let settings = session.sqlite.clone().unwrap_or_default();
        let mut digest = Fingerprint::new();
        digest.add(FORMAT);
        digest.add_migrations(&migrator);
        // Options may be of the file, such as the size of its pages; they cannot be compared with earlier ones.
        let has_function = settings.seed.is_some() || settings.connect_options.is_some();
        digest.add_seeds(&session.seed_sql, has_function);
        let home = Home::open()?;
        let template = Self {
            home,
            path: home.template(&digest.finish()),
            migrator,
            migrations_dir: session.migrations.directory(&definition.crate_dir),
            seed_sql: session.seed_sql.clone(),
            settings,
        };
        let was_there = template.ensure().await?;
        log::info(format_args!(
            "session {} started on SQLite in {:.1?}: {} migrations, template {} {}",
            definition.name,
            began.elapsed(),
            template.migrator.iter().count(),
            template.path.display(),
            if was_there { "was there" } else { "was made" }
        ));
        Ok(template)
    }

    /// Whether there are migrations or a seed.
    pub(crate) fn has_schema(&self) -> bool {
        let has_seed = self.settings.seed.is_some() || !self.seed_sql.is_empty();
        has_seed || self.migrator.iter().next().is_some()
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Another copy of the template, for one test.
    pub(super) async fn copy(&self) -> Result<PathBuf, Error> {
        for _ in 0..ATTEMPTS {
            let copy = self
                .home
                .new_file("test")
                .map_err(|error| self.unusable(&error))?;
            // Where the file system can share the blocks of two files, it does.
            match fs::copy(&self.path, &copy) {
                Ok(_) => return Ok(copy),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.ensure().await?;
                }
                Err(error) => return Err(self.unusable(&error)),
            }
        }
        Err(self.unusable(&io::Error::other("it vanishes again and again")))
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
        // The lock only saves the others the work.
        let since = Instant::now();
        while lock.try_lock().is_err() && since.elapsed() < TURN_LIMIT {
            tokio::time::sleep(TURN_PAUSE).await;
        }
        if self.is_there() {
            return Ok(true);
        }
        let draft = self
            .home
            .new_file("draft")
            .map_err(|error| self.unusable(&error))?;
        fill::fill(&draft, self).await?;
        // The rename decides who made it; what two make is the same.
        fs::rename(&draft, &self.path).map_err(|error| self.unusable(&error))?;
        Ok(false)
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

    pub(super) fn migrator(&self) -> &Migrator {
        &self.migrator
    }

    pub(super) fn migrations_dir(&self) -> &Path {
        &self.migrations_dir
    }

    pub(super) fn seed_sql(&self) -> &[String] {
        &self.seed_sql
    }
}
