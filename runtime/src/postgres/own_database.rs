//! A lane's database without a transaction around it: `isolation = "database"`.
//!
//! The test gets an ordinary pool of several connections, and what it commits is committed.
//! Afterwards the lane is cleared ([`undo`]) or, where that cannot be, thrown away and cloned anew,
//! both off the path of any test.

mod counts;
mod undo;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use self::undo::Before;
use crate::{
    Error,
    database::{
        Ending,
        keeping::{Keeping, Verdict},
    },
    executor,
    observe::{
        log,
        recording::{Recording, attributed, leave, released},
    },
    postgres::{
        Active, Endpoint, Startable,
        cause::Cause,
        database::Mark,
        keep,
        lane::{Lane, LaneId, Seclusion, Terminate},
        pool_mark,
        proxy::Watch,
        relay::Relay,
        upstream::Upstream,
    },
};

/// How long the connection that claims a lane may take to answer.
const CLAIM_LIMIT: Duration = Duration::from_secs(5);

/// The database of one test.
pub(crate) struct OwnDatabase {
    active: Arc<Active>,
    /// Keeps the claim while the test runs; its connection is not used for anything else meanwhile.
    lane: Mutex<Option<(Lane, Option<Before>)>>,
    options: PgConnectOptions,
    owner: PgConnectOptions,
    outside: PgConnectOptions,
    pool: PgPool,
    recording: Arc<Recording>,
    endpoint: Endpoint,
    /// Where all its connections lead, and their statements are recorded; none when the test has
    /// ended.
    relay: Mutex<Option<Relay>>,
}

impl OwnDatabase {
    /// Takes a lane for a test that will really write to it.
    pub(crate) async fn open(
        session: Startable,
        pool_options: PgPoolOptions,
        watch: Watch,
    ) -> Result<Self, Error> {
        let recording = Arc::clone(&watch.recording);
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
        let before = match lane.id.seclusion {
            Seclusion::None => Before::look(&lane, active.lanes().empty_tables()).await,
            _ => None,
        };
        let server = active.lanes().server();
        if let Err(error) = server.reopen(&mut lane.id).await {
            active.lanes().discard(lane.id, Terminate::OwnConnection);
            return Err(error);
        }
        let (owner, outside) = (
            server.reachable(server.owner_options(&database)),
            server.reachable(server.outside_options(Some(&database))),
        );
        let options = server.test_options(&database);
        let relay = Relay::open(Upstream::of(&options), Some(watch))
            .map_err(|error| Error::from(Cause::NoSocket(error)))?;
        let options = relay.endpoint().lead(options);
        let pool = attributed(pool_options, &recording, "");
        let pool = pool.connect_lazy_with(pool_mark::marked(options.clone()));
        Arc::clone(&active).prepare();
        Ok(Self {
            active,
            lane: Mutex::new(Some((lane, before))),
            options,
            owner,
            outside,
            pool,
            endpoint: relay.endpoint().clone(),
            relay: Mutex::new(Some(relay)),
            recording,
        })
    }

    pub(crate) fn pool(&self) -> PgPool {
        self.pool.clone()
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
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

    /// Leaves the pool and has the database cleared, or sets it aside. What still holds a
    /// connection then is cut off.
    pub(crate) async fn end(&self, verdict: Verdict, keeping: &Keeping) -> Ending {
        // From now on, who connects is refused.
        drop(locked(&self.relay).take());
        self.recording.finish();
        leave(&self.pool);
        released(&self.pool, &self.recording).await;
        let lane = locked(&self.lane).take();
        let Some((lane, before)) = lane else {
            return Ending::Cleared { left: Vec::new() };
        };
        let left = self.left_behind(&lane.id).await;
        if keeping.is_due(verdict) {
            return self.set_aside(lane, keeping, left).await;
        }
        let question = lane.proxy.ask("select 1".to_owned());
        let answer = tokio::time::timeout(CLAIM_LIMIT, question).await;
        if !matches!(answer, Ok(Ok(_))) {
            // The connection that claims the lane is gone, so its database may have been another
            // process's since.
            self.active.discard(lane.id);
            return Ending::TakenAway;
        }
        self.clear(lane, before);
        Ending::Cleared { left }
    }

    /// Sets the database aside, to be looked at.
    async fn set_aside(&self, lane: Lane, keeping: &Keeping, left: Vec<String>) -> Ending {
        let Lane { id, proxy } = lane;
        let server = self.active.lanes().server();
        let mark = |database| server.as_owner(Mark::leaving().statement(database));
        let closing = proxy.close(id.own.as_ref().map(mark));
        let closed = tokio::time::timeout(CLAIM_LIMIT, closing).await;
        let is_ours = closed.unwrap_or(false);
        if let Some(database) = &id.own
            && is_ours
            && keep::set_aside(keeping, server, database).await
        {
            return Ending::Kept;
        }
        self.active.discard(id);
        if is_ours {
            Ending::Cleared { left }
        } else {
            Ending::TakenAway
        }
    }

    /// Undoes what the test has committed, off the path of any test, and gives the lane back; gives
    /// it up where that cannot be.
    fn clear(&self, lane: Lane, before: Option<Before>) {
        // Without counts nobody knows what was written.
        let before = before.filter(|_| !self.sent("track_counts"));
        let active = Arc::clone(&self.active);
        executor::spawn_in_background(async move {
            let lanes = active.lanes();
            let cleared = match &before {
                Some(before) => {
                    before
                        .restore(&lane, lanes.server(), lanes.empty_tables())
                        .await
                }
                None => Err("what the test has changed is not known".to_owned()),
            };
            match cleared {
                Ok(()) => lanes.give_back(lane),
                Err(reason) => {
                    log::debug(format_args!("{} is not used again: {reason}", lane.id));
                    lane.proxy.close(None).await;
                    active.discard(lane.id);
                }
            }
        });
    }

    /// Whether a statement of the test contains this word.
    fn sent(&self, word: &str) -> bool {
        let log = self.recording.log();
        let mut sent = log.statements.iter();
        sent.any(|statement| statement.sql().to_lowercase().contains(word))
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
