//! A session that has been started: its server and its lanes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use futures_util::future::join;
use tokio::sync::OnceCell;

use super::Definition;
use crate::{
    Error, executor,
    observe::log,
    postgres::{
        keep,
        lane::{Cut, LaneId, Lanes},
        server::{Cluster, Server},
        template::Template,
    },
};

/// The started part of a session, made by the first test that needs it and shared by the others.
pub(crate) struct Active {
    lanes: Lanes,
    /// What belonged to the whole server before the first test that could add to it.
    cluster: OnceCell<Cluster>,
    has_schema: bool,
    /// Whether a lane is being prepared for a test to come.
    is_preparing: AtomicBool,
}

/// A session that is started when it is first needed.
#[derive(Clone, Copy)]
pub(crate) struct Startable(&'static Definition);

impl Active {
    pub(crate) fn of(definition: &'static Definition) -> Startable {
        Startable(definition)
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

    /// Gives up a lane that a test has really written to, and prepares another one, both off the
    /// path of any test.
    pub(crate) fn replace(self: Arc<Self>, id: LaneId) {
        self.lanes.discard(id, Cut::Everybody);
        self.prepare();
    }

    /// Prepares a lane for a test to come, where none is free, off the path of any test.
    pub(crate) fn prepare(self: Arc<Self>) {
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

    async fn start(definition: &'static Definition) -> Result<Self, Error> {
        let began = Instant::now();
        // The files are read on another thread meanwhile.
        let (migrator, server) = join(
            definition
                .session
                .migrations
                .load(&definition.crate_dir, definition.had_migrations),
            Server::find(&definition.crate_dir, &definition.session.login),
        )
        .await;
        let (migrator, server) = (migrator?, Arc::new(server?));
        let migrations = migrator.iter().count();
        let session = &definition.session;
        let has_schema = migrations > 0 || session.seed.is_some() || !session.seed_sql.is_empty();
        keep::attend_to(&server).await;
        let template = Template::new(
            &definition.session,
            &definition.crate_dir,
            migrator,
            Arc::clone(&server),
        );
        log::info(format_args!(
            "session {} started on {server} in {:.1?}: {} migrations, template {}",
            definition.name,
            began.elapsed(),
            migrations,
            template.database()
        ));
        Ok(Self {
            lanes: Lanes::new(server, template),
            cluster: OnceCell::new(),
            has_schema,
            is_preparing: AtomicBool::new(false),
        })
    }
}

impl Startable {
    /// The started session.
    ///
    /// A failure that would be the same again is remembered: what stopped one test stops the others at once.
    pub(crate) async fn get(self) -> Result<Arc<Active>, Error> {
        let start = || async {
            match Box::pin(Active::start(self.0)).await.map(Arc::new) {
                Err(error) if !error.is_lasting() => Err(error),
                result => Ok(result),
            }
        };
        self.0.active.get_or_try_init(start).await?.clone()
    }

    /// The session, if it has been started.
    pub(crate) fn started(self) -> Option<Arc<Active>> {
        self.0.active.get()?.clone().ok()
    }

    pub(crate) fn definition(self) -> &'static Definition {
        self.0
    }
}
