//! Lanes: private databases with one warm connection each.
//!
//! A test has a lane to itself, so there are as many as tests run at once. A lane is claimed by a
//! session-level advisory lock in its own database, which the server drops with the connection,
//! however its process ends. Only a lane whose last user gave it back as it had been taken is
//! trusted: see [`Mark`].

mod claim;
mod failure;
mod finding;
mod hint;
mod inheritance;
mod opening;
mod policies;
mod restore;
mod retire;
mod seclusion;

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tokio::sync::Notify;

use self::{failure::Failure, hint::Hint};
pub(crate) use self::{restore::Restore, retire::Terminate, seclusion::Seclusion};
use crate::{
    Error, executor,
    observe::log,
    postgres::{
        cause::Cause,
        database::{DatabaseName, Mark},
        proxy::Proxy,
        server::Server,
        template::{EmptyTables, Template},
    },
};

/// How long a test waits for a lane when the server is out of connections.
const LANE_LIMIT: Duration = Duration::from_secs(30);

/// The pause between attempts on a server that is out of connections, when no test gives a lane
/// back.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// A private database, and the proxy on the one warm connection to it.
pub(crate) struct Lane {
    pub(crate) id: LaneId,
    pub(crate) proxy: Proxy,
}

/// What names a lane while its connection is elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct LaneId {
    /// `None` in shared mode, where the database is the user's.
    pub(crate) own: Option<DatabaseName>,
    /// What migrations say in a comment on their database.
    comment: Option<String>,
    /// The process id of the connection's backend, which ends the connection from outside.
    pub(crate) backend: i32,
    /// What puts back at a test's end what a rollback does not.
    pub(crate) restore: Restore,
    /// Who else may connect to it.
    pub(crate) seclusion: Seclusion,
    pub(crate) server_version: Option<u32>,
}

impl fmt::Display for LaneId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.own {
            Some(database) => write!(f, "lane {database}"),
            None => write!(f, "the shared lane of backend {}", self.backend),
        }
    }
}

impl LaneId {
    /// The statements that leave a mark on the lane for its next user; none in shared mode.
    pub(crate) fn leave(&self, server: &Server, mark: &Mark) -> Option<String> {
        let database = self.own.as_ref()?;
        let mut sql = mark.statement(database);
        if self.seclusion == Seclusion::Closed {
            sql = format!("{}; {sql}", seclusion::statement(database, true));
        }
        Some(server.as_owner(sql))
    }

    /// An expression that releases the advisory locks a test has left; a `bool`, whether the
    /// connection still has its lane.
    fn release_locks(own: bool) -> &'static str {
        if own {
            claim::RELEASE_LOCKS
        } else {
            "pg_advisory_unlock_all()::text is not null"
        }
    }
}

/// The lanes of a session in this process.
pub(crate) struct Lanes {
    server: Arc<Server>,
    template: Template,
    inventory: Arc<Mutex<Inventory>>,
    given_back: Notify,
    /// The failure that stopped the first test; it stops the others at once.
    dead: OnceLock<Error>,
}

#[derive(Default)]
struct Inventory {
    /// Warm lanes that no test uses; the last one used is the first one reused.
    free: Vec<Lane>,
    /// Lanes that were free when the server was last surveyed, to be claimed.
    known: BTreeSet<DatabaseName>,
    /// Lanes that were tried, and were gone or another process's.
    missed: BTreeSet<DatabaseName>,
    /// When the server was last surveyed; 0 if it was not yet.
    surveyed: i64,
    /// Lanes that this process holds, opens or removes.
    reserved: BTreeSet<DatabaseName>,
    ever_opened: bool,
    /// Whether the warning about policies that do not apply was considered.
    policies_checked: bool,
}

impl Lanes {
    pub(crate) fn new(server: Arc<Server>, template: Template) -> Self {
        let (inventory, given_back, dead) = (Arc::default(), Notify::new(), OnceLock::new());
        Self {
            server,
            template,
            inventory,
            given_back,
            dead,
        }
    }

    pub(crate) fn server(&self) -> &Arc<Server> {
        &self.server
    }

    /// The tables that are empty in the template.
    pub(crate) fn empty_tables(&self) -> &EmptyTables {
        self.template.empty_tables()
    }

    /// Takes a free lane; opens one when all are in use.
    ///
    /// # Errors
    ///
    /// When no lane could be opened. A failure that would be the same for each test, such as a
    /// broken migration, is remembered.
    ///
    /// # Cancel safety
    ///
    /// A lane that was being opened is closed, and can be claimed again.
    pub(crate) async fn take(&self) -> Result<Lane, Error> {
        if let Some(error) = self.dead.get() {
            return Err(error.clone());
        }
        let result = self.take_or_open().await;
        match result {
            Ok(_) => self.inventory().ever_opened = true,
            Err(ref error) if error.is_permanent() && !self.inventory().ever_opened => {
                drop(self.dead.set(error.clone()));
            }
            Err(_) => {}
        }
        result
    }

    async fn take_or_open(&self) -> Result<Lane, Error> {
        let started = Instant::now();
        loop {
            let waiting = self.given_back.notified();
            while let Some(lane) = self.free() {
                if lane.proxy.is_alive() {
                    return Ok(lane);
                }
                log::info(format_args!("the connection of {} was lost", lane.id));
                self.discard(lane.id, Terminate::OwnConnection);
            }
            let failure = match self.open().await {
                Ok(lane) => return Ok(lane),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::OutOfConnections(failure)) => failure,
            };
            if started.elapsed() > LANE_LIMIT {
                return Err(self.no_lane(&failure, LANE_LIMIT));
            }
            log::info(format_args!(
                "the server is out of connections, waiting for a lane"
            ));
            tokio::time::timeout(RETRY_PAUSE, waiting).await.ok();
        }
    }

    /// A lane that nobody uses, if there is one.
    pub(crate) fn take_warm(&self) -> Option<Lane> {
        let lane = self.free()?;
        if lane.proxy.is_alive() {
            return Some(lane);
        }
        // `take` discards it, where waiting is possible.
        self.inventory().free.push(lane);
        None
    }

    fn free(&self) -> Option<Lane> {
        self.inventory().free.pop()
    }

    /// Gives back a lane that is proved to be unchanged.
    pub(crate) fn give_back(&self, lane: Lane) {
        if lane.id.seclusion == Seclusion::Reopened {
            return self.discard(lane.id, Terminate::All);
        }
        self.inventory().free.push(lane);
        self.given_back.notify_one();
    }

    /// Gives up a lane whose state is not known: terminates what is still connected and drops its
    /// database in the background. The next test that needs a lane clones the template.
    pub(crate) fn discard(&self, id: LaneId, terminate: Terminate) {
        log::info(format_args!("{id} is dropped"));
        let (server, inventory) = (Arc::clone(&self.server), Arc::clone(&self.inventory));
        executor::spawn_in_background(async move {
            retire::retire(&server, &id, terminate).await;
            if let Some(database) = &id.own {
                locked(&inventory).reserved.remove(database);
            }
        });
    }

    /// Whether no warm lane is waiting for a test.
    pub(crate) fn is_empty(&self) -> bool {
        self.inventory().free.is_empty()
    }

    /// Opens a lane ahead of need.
    pub(crate) async fn open_spare(&self) -> Result<Lane, Error> {
        self.open().await.map_err(|failure| match failure {
            Failure::Final(error) => error,
            Failure::OutOfConnections(error) => self.no_lane(&error, Duration::ZERO),
        })
    }

    /// Closes every connection cleanly and marks its lane as clean.
    pub(crate) async fn close(&self) {
        let free = std::mem::take(&mut self.inventory().free);
        let given_back = free.iter().filter_map(|lane| lane.id.own.clone()).collect();
        let closing = free.into_iter().map(|Lane { id, proxy }| {
            let mark = Mark::clean().with(id.comment.clone());
            proxy.close(id.leave(&self.server, &mark))
        });
        join_all(closing).await;
        self.note(given_back);
    }

    /// Notes for the next process which lanes were given back, by this one and the last ones.
    fn note(&self, given_back: BTreeSet<DatabaseName>) {
        let Some(file) = self.server.lanes_of(self.template.database()) else {
            return;
        };
        let mut hint = Hint::read(&file).unwrap_or_default();
        let inventory = self.inventory();
        hint.surveyed = inventory.surveyed.max(hint.surveyed);
        hint.lanes.retain(|lane| !inventory.missed.contains(lane));
        hint.lanes.extend(given_back);
        // Without the file the next process surveys the server.
        hint.write(&file).ok();
    }

    fn no_lane(&self, last: &Error, after: Duration) -> Error {
        let server = self.server.to_string();
        let last = last
            .to_string()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned();
        Error::from(Cause::NoLane {
            server,
            seconds: after.as_secs(),
            last,
        })
    }

    fn inventory(&self) -> MutexGuard<'_, Inventory> {
        locked(&self.inventory)
    }
}

fn locked(inventory: &Mutex<Inventory>) -> MutexGuard<'_, Inventory> {
    inventory.lock().unwrap_or_else(PoisonError::into_inner)
}
