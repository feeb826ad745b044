//! A lane's database without a transaction around it: `isolation = "database"`.
//!
//! The test gets an ordinary pool of several connections, and what it commits is committed. The
//! lane is thrown away afterwards, and its successor is made off the path of any test.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{
    Error,
    observe::recording::{Recording, attributed, leave},
    postgres::{
        Active, Place, Startable,
        cause::Cause,
        database::Mark,
        keep::{Keeping, Verdict},
        lane::{Cut, Lane, LaneId},
        relay::Relay,
        sandbox::Ending,
        upstream::Upstream,
    },
};

/// How long the end of a test waits for the connections that its tasks still hold.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// How often they are looked at; a pool says nothing when one is released.
const CLOSE_PAUSE: Duration = Duration::from_millis(1);

/// How long the connection that claims a lane may take to answer.
const CLAIM_LIMIT: Duration = Duration::from_secs(5);

/// The database of one test.
pub(crate) struct OwnDatabase {
    active: Arc<Active>,
    /// Keeps the claim while the test runs; its connection is not used for anything else.
    lane: Mutex<Option<Lane>>,
    options: PgConnectOptions,
    owner: PgConnectOptions,
    outside: PgConnectOptions,
    pool: PgPool,
    recording: Arc<Recording>,
    place: Place,
    /// Where all its connections lead, and their statements are recorded; none when the test has ended.
    relay: Mutex<Option<Relay>>,
}

impl OwnDatabase {
    /// Takes a lane for a test that will really write to it.
    pub(crate) async fn open(
        session: Startable,
        pool_options: PgPoolOptions,
        recording: &Arc<Recording>,
    ) -> Result<Self, Error> {
        let active = session.get().await?;
        let mut lane = active.lanes().take().await?;
        // Not before: the migrations may make roles.
        active.cluster().await;
        let Some(database) = lane.id.own.clone() else {
            active.lanes().give_back(lane);
            let server = active.lanes().server();
            let (role, server) = (server.owner().to_owned(), server.to_string());
            return Err(Error::from(Cause::NoDatabaseOfItsOwn { role, server }));
        };
        let server = active.lanes().server();
        if let Err(error) = server.reopen(&mut lane.id).await {
            active.lanes().discard(lane.id, Cut::Holder);
            return Err(error);
        }
        let (owner, outside) = (
            server.reachable(server.owner_options(&database)),
            server.reachable(server.outside_options(Some(&database))),
        );
        let options = server.test_options(&database);
        let relay = Relay::open(Upstream::of(&options), Some(Arc::clone(recording)))
            .map_err(|error| Error::from(Cause::NoSocket(error)))?;
        let options = relay.place().lead(options);
        let pool = attributed(pool_options, recording, "").connect_lazy_with(options.clone());
        // Its own is thrown away at its end; the next one is cloned while it runs.
        Arc::clone(&active).prepare();
        Ok(Self {
            active,
            lane: Mutex::new(Some(lane)),
            options,
            owner,
            outside,
            pool,
            place: relay.place().clone(),
            relay: Mutex::new(Some(relay)),
            recording: Arc::clone(recording),
        })
    }

    pub(crate) fn pool(&self) -> PgPool {
        self.pool.clone()
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
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

    /// Leaves the pool and gives the database up, or sets it aside. What still holds a connection
    /// then is cut off.
    pub(crate) async fn end(&self, verdict: Verdict, keeping: &Keeping) -> Ending {
        // From now on, who connects is refused.
        drop(locked(&self.relay).take());
        self.recording.finish();
        leave(&self.pool);
        tokio::time::timeout(CLOSE_LIMIT, self.released())
            .await
            .ok();
        let lane = locked(&self.lane).take();
        let Some(Lane { id, proxy }) = lane else {
            return Ending::ThrownAway { left: Vec::new() };
        };
        let server = self.active.lanes().server();
        let left = self.left_behind(&id).await;
        let wanted = keeping.wants(verdict);
        // Without an answer the connection that claims the lane is gone, and its database may have been somebody else's since.
        let last = match &id.own {
            Some(database) if wanted => server.as_owner(Mark::leaving().statement(database)),
            _ => "select 1".to_owned(),
        };
        let closed = tokio::time::timeout(CLAIM_LIMIT, proxy.close(Some(last))).await;
        let still_ours = closed.unwrap_or(false);
        if still_ours && wanted && keeping.set_aside(server, &id).await {
            return Ending::Kept;
        }
        Arc::clone(&self.active).replace(id);
        if still_ours {
            Ending::ThrownAway { left }
        } else {
            Ending::TakenAway
        }
    }

    /// Waits until nobody holds a connection of the pool.
    async fn released(&self) {
        let is_in_use = || self.pool.size() as usize > self.pool.num_idle();
        while self.recording.is_held() && is_in_use() {
            tokio::time::sleep(CLOSE_PAUSE).await;
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

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
