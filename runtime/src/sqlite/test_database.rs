//! The SQLite database of one test, and an ordinary pool on it.

use std::{sync::Arc, time::Duration};

use futures_util::future::{BoxFuture, LocalBoxFuture};
use sqlx::{
    ConnectOptions, Connection, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use super::{
    Template, cause::Cause, fixtures, home::Home, keep, memory, test_file::TestFile, traced::Traced,
};
use crate::{
    Error,
    database::{
        AnyDatabase, Ending,
        fixtures::Fixtures,
        keeping::{Keeping, Verdict},
    },
    executor,
    observe::{
        recording::{Recording, attributed, leave, released},
        report::chain,
    },
};

/// How long the end of a test waits for a connection in memory that its tasks still hold.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// How often they are looked at; a pool does not say when one is released.
const CLOSE_PAUSE: Duration = Duration::from_millis(1);

/// The SQLite database of one test.
pub(crate) struct TestDatabase {
    storage: Storage,
    home: &'static Home,
    pool: SqlitePool,
    recording: Arc<Recording>,
    traced: Traced,
}

/// Where the database is.
enum Storage {
    File(Box<TestFile>),
    /// In the pool's one connection.
    Memory,
}

impl TestDatabase {
    /// Copies the template to a file for a test.
    pub(crate) async fn in_a_file(
        template: &Template,
        options: SqlitePoolOptions,
        recording: &Arc<Recording>,
    ) -> Result<Self, Error> {
        let file = TestFile::copy_of(template).await?;
        let traced = Traced::file(&file.path, recording);
        let connect = Traced::pooled(file.options.clone());
        Ok(Self {
            pool: pool(options, recording, connect),
            storage: Storage::File(Box::new(file)),
            home: template.home(),
            recording: Arc::clone(recording),
            traced,
        })
    }

    /// Loads the template into memory for a test.
    pub(crate) async fn in_memory(
        template: &Template,
        options: SqlitePoolOptions,
        acquire_limit: Option<Duration>,
        recording: &Arc<Recording>,
    ) -> Result<Self, Error> {
        let options = memory::pool_options(options, acquire_limit);
        let traced = Traced::in_memory(recording);
        let connect = template.settings().options_in_memory(traced.thread());
        let pool = pool(options, recording, connect);
        {
            let _pause = traced.pause();
            memory::load(template, &pool).await?;
        }
        Ok(Self {
            storage: Storage::Memory,
            home: template.home(),
            pool,
            recording: Arc::clone(recording),
            traced,
        })
    }

    pub(crate) fn pool(&self) -> SqlitePool {
        self.pool.clone()
    }

    /// The options of connections of the application's own making.
    pub(crate) fn connect_options(&self) -> Result<SqliteConnectOptions, Error> {
        Ok(self.file()?.options.clone())
    }

    /// The test's file, which several connections can have.
    fn file(&self) -> Result<&TestFile, Error> {
        match &self.storage {
            Storage::File(file) => Ok(file),
            Storage::Memory => Err(Error::from(Cause::OneConnection)),
        }
    }

    async fn end(&self, verdict: Verdict, keeping: &Keeping) -> Ending {
        let _pause = self.traced.pause();
        match &self.storage {
            Storage::File(file) => {
                self.recording.finish();
                leave(&self.pool);
                let held = released(&self.pool, &self.recording).await;
                let is_kept = keeping.is_due(verdict) && self.keep_file(file, keeping).await;
                file.remove();
                if is_kept {
                    return Ending::Kept;
                }
                Ending::FileRemoved { held }
            }
            Storage::Memory => {
                let is_kept = keeping.is_due(verdict) && self.keep_memory(keeping).await;
                self.recording.finish();
                leave(&self.pool);
                if is_kept {
                    return Ending::Kept;
                }
                let held = released(&self.pool, &self.recording).await;
                Ending::MemoryFreed { held }
            }
        }
    }

    /// Keeps what the test has committed in its file; says whether it did.
    async fn keep_file(&self, file: &TestFile, keeping: &Keeping) -> bool {
        match file.options.connect().await {
            Ok(connection) => self.keep(connection, keeping).await,
            Err(error) => {
                keeping.not_kept(format_args!(
                    "its file could not be opened: {}",
                    chain(&error)
                ));
                false
            }
        }
    }

    /// Keeps what the test has committed in memory, which goes with the connection; says whether it
    /// did.
    async fn keep_memory(&self, keeping: &Keeping) -> bool {
        // The pool has a connection back a moment after its hook has said so.
        let idle = async {
            loop {
                let connection = self.pool.try_acquire();
                if connection.is_some() || self.pool.size() == 0 {
                    return connection;
                }
                tokio::time::sleep(CLOSE_PAUSE).await;
            }
        };
        let idle = tokio::time::timeout(CLOSE_LIMIT, idle).await;
        if let Some(connection) = idle.ok().flatten() {
            self.keep(connection.detach(), keeping).await
        } else {
            keeping.not_kept("the one connection of its database in memory is closed, or held by a task that outlived the test");
            false
        }
    }

    async fn keep(&self, mut connection: SqliteConnection, keeping: &Keeping) -> bool {
        let copied = keep::copy(self.home, &mut connection, self.recording.test()).await;
        connection.close().await.ok();
        match copied {
            Ok(kept) => {
                let about = format!(
                    "what no transaction had committed is not in it; {}",
                    keep::ABOUT
                );
                keeping.kept(keep::command(&kept), about);
                true
            }
            Err(problem) => {
                keeping.not_kept(problem);
                false
            }
        }
    }
}

impl AnyDatabase for TestDatabase {
    fn is_used(&self) -> bool {
        true
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async { Ok(()) })
    }

    fn time_preparing(&self) -> Duration {
        Duration::ZERO
    }

    fn url(&self) -> Result<String, Error> {
        Ok(self.file()?.url())
    }

    fn load<'a>(&'a self, fixtures: &'a Fixtures) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            let _pause = self.traced.pause();
            match &self.storage {
                Storage::File(file) => fixtures::load(fixtures, &file.options).await,
                Storage::Memory => fixtures::load_through(fixtures, &self.pool).await,
            }
        })
    }

    fn end<'a>(&'a self, verdict: Verdict, keeping: &'a Keeping) -> LocalBoxFuture<'a, Ending> {
        Box::pin(TestDatabase::end(self, verdict, keeping))
    }
}

/// A pool of connections that last until the test ends.
fn pool(
    options: SqlitePoolOptions,
    recording: &Arc<Recording>,
    connect: SqliteConnectOptions,
) -> SqlitePool {
    let _runtime = executor::enter();
    // A comment alone is no statement to SQLite.
    attributed(options, recording, " select 1")
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_lazy_with(connect)
}
