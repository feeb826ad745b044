//! A session that has been started: its server and its lanes.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::OnceCell;

use crate::{
    Error, executor,
    postgres::{
        lane::{LaneId, Lanes, Terminate},
        server::{Cluster, Login},
    },
};

/// The started part of a session, made by the first test that needs it and shared by the others.
pub(crate) struct Active {
    lanes: Lanes,
    /// What belonged to the whole server before the first test that could add to it.
    cluster: OnceCell<Cluster>,
    has_schema: bool,
    /// Whether a test's own database could not be used again, so that another one is cloned while
    /// the next test runs.
    clones: AtomicBool,
    /// Whether a lane is being prepared for a test to come.
    is_preparing: AtomicBool,
}

/// What is started, once.
pub(crate) type Started = OnceCell<Result<Arc<Active>, Error>>;

/// Starts the databases of a session.
pub(crate) trait Start: Sync {
    /// The databases, once they are started.
    fn started(&self) -> &Started;

    fn start(&'static self) -> Pin<Box<dyn Future<Output = Result<Active, Error>> + Send>>;

    fn login(&self) -> &Login;
}

/// A session that is started when it is first needed.
#[derive(Clone, Copy)]
pub(crate) struct Startable(&'static dyn Start);

impl Active {
    pub(crate) fn new(lanes: Lanes, has_schema: bool) -> Self {
        Self {
            lanes,
            cluster: OnceCell::new(),
            has_schema,
            clones: AtomicBool::new(false),
            is_preparing: AtomicBool::new(false),
        }
    }

    /// Whether there are migrations or a seed.
    pub(crate) fn has_schema(&self) -> bool {
        self.has_schema
    }

    pub(crate) fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    /// What belonged to the whole server before the first test that could add to it.
    pub(crate) async fn cluster(&self) -> &Cluster {
        let server = self.lanes.server();
        self.cluster.get_or_init(|| server.cluster()).await
    }

    /// Gives up a lane that cannot be used again, off the path of any test. From now on, one is
    /// prepared while another one is used: not at once, because this may have been the last test of
    /// the process.
    pub(crate) fn discard(&self, id: LaneId) {
        self.clones.store(true, Ordering::Relaxed);
        self.lanes.discard(id, Terminate::All);
    }

    /// Prepares a lane for a test to come, off the path of any test, where none is free and lanes
    /// are used up.
    pub(crate) fn prepare(self: Arc<Self>) {
        if !self.clones.load(Ordering::Relaxed) {
            return;
        }
        if !self.lanes.is_empty() || self.is_preparing.swap(true, Ordering::AcqRel) {
            return;
        }
        executor::spawn_in_background(async move {
            if let Ok(lane) = self.lanes.open_spare().await {
                self.lanes.give_back(lane);
            }
            self.is_preparing.store(false, Ordering::Release);
        });
    }
}

impl Startable {
    pub(crate) fn of(session: &'static dyn Start) -> Self {
        Self(session)
    }

    /// The started session.
    ///
    /// A failure that would be the same again is remembered: what stopped one test stops the others
    /// at once.
    pub(crate) async fn get(self) -> Result<Arc<Active>, Error> {
        let start = || async {
            match self.0.start().await.map(Arc::new) {
                Err(error) if !error.is_permanent() => Err(error),
                result => Ok(result),
            }
        };
        self.0.started().get_or_try_init(start).await?.clone()
    }

    /// The session, if it has been started.
    pub(crate) fn started(self) -> Option<Arc<Active>> {
        self.0.started().get()?.clone().ok()
    }

    pub(crate) fn login(self) -> &'static Login {
        self.0.login()
    }
}
