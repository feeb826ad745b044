//! A lane's database without a transaction around it: `isolation = "database"`.
//!
//! The test gets an ordinary pool of several connections, and what it commits is committed. The
//! lane is thrown away afterwards, and its successor is made off the path of any test.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::join;
use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{
    Error,
    database::Mark,
    error::Cause,
    keep::Keeping,
    lane::{Lane, LaneId, leave},
    outcome::Outcome,
    recording::Recording,
    sandbox::Ending,
    session::{Active, Startable},
    tap::{self, TappedDoor},
};

/// How long the end of a test waits for the connections that its tasks still hold.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// The database of one test.
pub(crate) struct Exclusive {
    active: Arc<Active>,
    /// Keeps the claim while the test runs; its connection is not used for anything else.
    lane: Mutex<Option<Lane>>,
    options: PgConnectOptions,
    owner: PgConnectOptions,
    outside: PgConnectOptions,
    pool: PgPool,
    recording: Arc<Recording>,
    /// Where the statements of all its connections are read.
    _door: Option<TappedDoor>,
}

impl Exclusive {
    /// Takes a lane for a test that will really write to it.
    pub(crate) async fn open(
        session: Startable,
        recording: &Arc<Recording>,
    ) -> Result<Self, Error> {
        let active = session.get().await?;
        let (lane, _) = join(active.lanes().take(), active.cluster()).await;
        let lane = lane?;
        let Some(database) = &lane.id.own else {
            active.lanes().give_back(lane);
            let server = active.lanes().server();
            let (role, server) = (server.owner().to_owned(), server.to_string());
            return Err(Error::from(Cause::NoDatabaseOfItsOwn { role, server }));
        };
        let server = active.lanes().server();
        let (owner, outside) = (
            server.owner_options(database),
            server.outside_options(Some(database)),
        );
        let options = server.test_options(database);
        let door = tap::door(&options, recording);
        if door.is_none() {
            recording.hears_nothing();
        }
        let options = door.as_ref().map_or(options, |door| door.options.clone());
        let limit = session.definition().session.acquire_limit();
        let pool = PgPoolOptions::new()
            .acquire_timeout(limit)
            .after_connect({
                let recording = Arc::clone(recording);
                move |_, _| {
                    recording.handed_out();
                    Box::pin(async { Ok(()) })
                }
            })
            .before_acquire({
                let recording = Arc::clone(recording);
                move |_, _| {
                    recording.handed_out();
                    Box::pin(async { Ok(true) })
                }
            })
            .connect_lazy_with(options.clone());
        Ok(Self {
            active,
            lane: Mutex::new(Some(lane)),
            options,
            owner,
            outside,
            pool,
            recording: Arc::clone(recording),
            _door: door,
        })
    }

    pub(crate) fn pool(&self) -> PgPool {
        self.pool.clone()
    }

    pub(crate) fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// The options of a connection of the database's owner.
    pub(crate) fn owner_options(&self) -> PgConnectOptions {
        self.owner.clone()
    }

    /// The options of a connection that sees what is committed, whatever the test's role may see.
    pub(crate) fn outside(&self) -> PgConnectOptions {
        self.outside.clone()
    }

    /// Closes the pool and gives the database up, or sets it aside. What still holds a connection
    /// then is cut off.
    pub(crate) async fn end(&self, outcome: &Outcome, keeping: &Keeping) -> Ending {
        tokio::time::timeout(CLOSE_LIMIT, self.pool.close())
            .await
            .ok();
        let lane = self
            .lane
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(mut lane) = lane else {
            return Ending::ThrownAway { left: Vec::new() };
        };
        let server = self.active.lanes().server();
        let still_ours = lane.is_still_ours().await;
        let left = self.left_behind(&lane.id).await;
        if let (true, Some(database)) = (still_ours && keeping.wants(outcome), &lane.id.own) {
            leave(&mut lane.connection, server, database, &Mark::leaving())
                .await
                .ok();
            drop(lane.connection);
            if keeping.set_aside(server, &lane.id).await {
                return Ending::Kept;
            }
        }
        Arc::clone(&self.active).replace(lane.id);
        if still_ours {
            Ending::ThrownAway { left }
        } else {
            Ending::TakenAway
        }
    }

    /// What the test has made that is not in its database.
    async fn left_behind(&self, lane: &LaneId) -> Vec<String> {
        let Some(database) = &lane.own else {
            return Vec::new();
        };
        let (server, before) = (self.active.lanes().server(), self.active.cluster().await);
        server.left_behind(before, database, &self.recording).await
    }
}
