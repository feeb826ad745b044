//! The SQLite database of one test: a copy of the template, and an ordinary pool on it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use futures_util::future::{BoxFuture, LocalBoxFuture};
use sqlx::{SqlitePool, sqlite::SqliteConnectOptions};

use super::{Template, cause::Cause, fixtures, keep, traced};
use crate::{
    Error, Isolation, executor,
    macro_support::Test,
    observe::recording::{Recording, attributed, leave},
    postgres::{
        keep::{Keeping, Verdict},
        sandbox::Ending,
    },
    session::Definition,
    test::{database::AnyDatabase, fixtures::Fixtures},
};

/// How long the end of a test waits for the connections that its tasks still hold.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// How often they are looked at; a pool says nothing when one is released.
const CLOSE_PAUSE: Duration = Duration::from_millis(1);

/// The files that SQLite has beside a database.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The SQLite database of one test.
pub(crate) struct TestFile {
    path: PathBuf,
    options: SqliteConnectOptions,
    pool: SqlitePool,
    recording: Arc<Recording>,
}

impl TestFile {
    /// Copies the template of a session for a test.
    pub(crate) async fn open(
        test: &'static Test,
        definition: &'static Definition,
        recording: &Arc<Recording>,
    ) -> Result<Self, Error> {
        check(test.isolation, definition)?;
        let template = Template::of(definition).await?;
        let path = template.copy().await?;
        traced::register(&path, recording);
        let options = template.settings().options(&path);
        let _runtime = executor::enter();
        let pool = definition.session.sqlite_pool_options();
        // A comment alone is no statement to SQLite.
        let pool = attributed(pool, recording, " select 1")
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(options.clone());
        let recording = Arc::clone(recording);
        Ok(Self {
            path,
            options,
            pool,
            recording,
        })
    }

    pub(crate) fn pool(&self) -> SqlitePool {
        self.pool.clone()
    }

    /// The options of connections of the application's own making.
    pub(crate) fn connect_options(&self) -> SqliteConnectOptions {
        self.options.clone()
    }

    /// Waits until nobody holds a connection of the pool; says how many are held by then.
    async fn released(&self) -> u32 {
        let held = || self.pool.size() - u32::try_from(self.pool.num_idle()).unwrap_or(u32::MAX);
        let wait = async {
            while self.recording.is_held() && held() > 0 {
                tokio::time::sleep(CLOSE_PAUSE).await;
            }
        };
        match tokio::time::timeout(CLOSE_LIMIT, wait).await {
            Ok(()) => 0,
            Err(_) => held(),
        }
    }

    async fn end(&self, verdict: Verdict, keeping: &Keeping) -> Ending {
        self.recording.finish();
        leave(&self.pool);
        let held = self.released().await;
        traced::forget(&self.path);
        let is_kept = keeping.wants(verdict) && self.keep(keeping).await;
        remove(&self.path);
        if is_kept {
            Ending::Kept
        } else {
            Ending::FileRemoved { held }
        }
    }

    /// Keeps what the test has committed; says whether it did.
    async fn keep(&self, keeping: &Keeping) -> bool {
        match keep::copy(&self.options, self.recording.test()).await {
            Ok(kept) => {
                keeping.keep(
                    format!("sqlite3 {}", keep::quoted(&kept)),
                    "its file is removed after a week; what no transaction had committed is not in it".to_owned(),
                );
                true
            }
            Err(problem) => {
                keeping.refuse(problem);
                false
            }
        }
    }
}

impl AnyDatabase for TestFile {
    fn ready(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn time_preparing(&self) -> Duration {
        Duration::ZERO
    }

    fn url(&self) -> Result<String, Error> {
        Ok(url(&self.path))
    }

    fn load<'a>(&'a self, fixtures: &'a Fixtures) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            traced::forget(&self.path);
            let loaded = fixtures::load(fixtures, &self.options).await;
            traced::register(&self.path, &self.recording);
            loaded
        })
    }

    fn end<'a>(&'a self, verdict: Verdict, keeping: &'a Keeping) -> LocalBoxFuture<'a, Ending> {
        Box::pin(TestFile::end(self, verdict, keeping))
    }
}

/// Refuses what is of PostgreSQL alone.
fn check(isolation: Option<Isolation>, definition: &'static Definition) -> Result<(), Error> {
    let wrong = definition.session.not_of_sqlite().or_else(|| {
        let advice = "remove the option: each test has a file of its own, which is removed";
        (isolation == Some(Isolation::Transaction))
            .then_some(("`isolation = \"transaction\"`", advice))
    });
    match wrong {
        Some((what, advice)) => Err(Error::from(Cause::NotOfSqlite { what, advice })),
        None => Ok(()),
    }
}

/// A URL as sqlx and others read it.
fn url(path: &Path) -> String {
    let mut url = "sqlite://".to_owned();
    for character in path.display().to_string().chars() {
        match character {
            '%' => url.push_str("%25"),
            '?' => url.push_str("%3F"),
            '#' => url.push_str("%23"),
            ' ' => url.push_str("%20"),
            other => url.push(other),
        }
    }
    url
}

fn remove(path: &Path) {
    fs::remove_file(path).ok();
    for suffix in BESIDE {
        let mut beside = path.as_os_str().to_owned();
        beside.push(suffix);
        fs::remove_file(beside).ok();
    }
}
