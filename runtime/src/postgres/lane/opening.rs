//! Opening a lane: finding one that can be claimed, or making one.

use std::{sync::Arc, time::Instant};

use sqlx::{Connection, postgres::PgConnectOptions};

use super::{
    Lane, LaneId, Lanes, Restore, Seclusion,
    claim::{self, Claimed},
    hint::Hint,
    policies,
};
use crate::{
    Error,
    error::Kind,
    executor::{self, blocking},
    observe::log,
    postgres::{
        cause::Cause,
        database::{Fate, Mark, OwnDatabase, survey},
        proxy::Proxy,
        server::ConnectFailure,
        sqlstate::{self, is},
        template::{LaneSource, clean_up},
        upstream::{Session, Upstream},
    },
};

/// How many lanes are looked at before something must be wrong.
const ATTEMPTS: usize = 1000;

/// Why no lane was opened.
pub(super) enum Failure {
    Final(Error),
    OutOfConnections(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if error.is(Kind::OutOfConnections) {
            Self::OutOfConnections(error)
        } else {
            Self::Final(error)
        }
    }
}

impl Lanes {
    /// Claims a lane that nobody uses, or clones the template.
    pub(super) async fn open(&self) -> Result<Lane, Failure> {
        let began = Instant::now();
        for _ in 0..ATTEMPTS {
            let learned = self.server.learn_role(self.template.database()).await;
            learned.map_err(|cause| Failure::from(Error::from(cause)))?;
            if self.template.is_shared() {
                return self.open_shared().await;
            }
            let Some(candidate) = self.find_or_clone().await? else {
                continue;
            };
            let database = candidate.database.clone();
            if let Some(lane) = self.claim(candidate).await? {
                log::debug(format_args!(
                    "{} opened in {:.1?}",
                    lane.id,
                    began.elapsed()
                ));
                return Ok(lane);
            }
            self.inventory().missed.insert(database);
        }
        Err(Failure::Final(Error::from(Cause::TemplateVanishes {
            template: self.template.database().to_string(),
            server: self.server.to_string(),
        })))
    }

    /// Finds a lane to claim, or clones one; none if that is to be tried again.
    async fn find_or_clone(&self) -> Result<Option<Candidate<'_>>, Failure> {
        self.take_hint();
        if let Some(known) = self.reserve_known() {
            return Ok(Some(known));
        }
        self.survey().await?;
        if let Some(known) = self.reserve_known() {
            return Ok(Some(known));
        }
        if self.template.ensure().await? == LaneSource::Shared {
            return Ok(None);
        }
        let database = self.template.database().new_lane();
        let candidate = self.reserve(database);
        let cloning =
            claim::clone_template(&self.server, self.template.database(), &candidate.database);
        match cloning.await {
            Ok(()) => Ok(Some(candidate)),
            // Another process has removed it as stale, or was killed while it did.
            Err(Cause::Statement { error, .. })
                if is(&error, sqlstate::INVALID_CATALOG_NAME)
                    || is(&error, sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE) =>
            {
                self.template.make_again().await?;
                Ok(None)
            }
            Err(cause) => Err(Failure::from(Error::from(cause))),
        }
    }

    /// Tries what the last process has noted, before the server is asked.
    fn take_hint(&self) {
        let file = self.server.lanes_of(self.template.database());
        let mut inventory = self.inventory();
        if inventory.surveyed == 0
            && let Some(hint) = file.and_then(|file| Hint::read(&file))
        {
            inventory.surveyed = hint.surveyed;
            inventory.known.extend(hint.lanes);
        }
    }

    /// Asks the server which lanes nobody uses, and has removed what killed processes left.
    async fn survey(&self) -> Result<(), Failure> {
        let maintenance = self.server.maintenance().await;
        let mut maintenance = maintenance.map_err(|cause| Failure::from(Error::from(cause)))?;
        let found = survey(&mut maintenance, self.template.database().family()).await;
        maintenance.close().await.ok();
        let found =
            found.map_err(|error| self.statement("list the databases of the template", error))?;
        let (now, mut abandoned) = (Mark::now(), Vec::new());
        self.inventory().surveyed = now;
        for found in found {
            match found.fate(now) {
                Fate::Free => drop(self.inventory().known.insert(found.database)),
                Fate::InUse => {}
                // What this process itself is removing looks the same.
                Fate::Abandoned if self.inventory().reserved.contains(&found.database) => {}
                Fate::Abandoned => abandoned.push(found.database),
            }
        }
        if !abandoned.is_empty() {
            executor::spawn_in_background(clean_up(Arc::clone(&self.server), abandoned));
        }
        Ok(())
    }

    /// Connects to a lane and makes it this process's; none if somebody else has it, or it is gone.
    async fn claim(&self, candidate: Candidate<'_>) -> Result<Option<Lane>, Failure> {
        let options = self.server.test_options(&candidate.database);
        let session = match self.connect(&options).await? {
            Ok(session) => session,
            // It is being removed, which ends every connection to it, or was, or a process was killed in the middle of
            // that.
            Err(failure)
                if [
                    sqlstate::ADMIN_SHUTDOWN,
                    sqlstate::INVALID_CATALOG_NAME,
                    sqlstate::OBJECT_NOT_IN_PREREQUISITE_STATE,
                ]
                .iter()
                .any(|code| failure.is(code)) =>
            {
                return Ok(None);
            }
            Err(failure) => return Err(self.refused(failure)),
        };
        let (server, database) = (Arc::clone(&self.server), candidate.database.clone());
        match blocking(move || claim::claim(session, &database, &server)).await {
            Ok(Claimed::Ours {
                session,
                comment,
                seclusion,
            }) => {
                let session = self.warn_of_bypassed_policies(session).await;
                let (session, restore) = self.restore(session).await?;
                let mut lane = self.lane(Some((candidate, comment)), session, &options, restore)?;
                self.server
                    .seclude(&mut lane.id, seclusion)
                    .await
                    .map_err(Failure::Final)?;
                Ok(Some(lane))
            }
            Ok(Claimed::Pooled(cause)) => Err(Failure::Final(Error::from(cause))),
            Ok(Claimed::NotOurs) => {
                log::debug(format_args!(
                    "lane {} is another process's",
                    candidate.database
                ));
                Ok(None)
            }
            Err(error) => Err(self.statement("claim a lane", error)),
        }
    }

    /// Connects as the tests do; the role that the migrations make may have to be granted first.
    async fn connect(
        &self,
        options: &PgConnectOptions,
    ) -> Result<Result<Session, ConnectFailure>, Failure> {
        match self.server.session(options).await {
            Err(failure) if self.server.refuses_role(&failure) => {
                let granted = self.server.grant_role().await;
                granted.map_err(|cause| Failure::from(Error::from(cause)))?;
                Ok(self.server.session(options).await)
            }
            connected => Ok(connected),
        }
    }

    /// Opens a connection to the one database that all lanes share.
    async fn open_shared(&self) -> Result<Lane, Failure> {
        let options = self.server.shared_options();
        let session = self.connect(&options).await?;
        let session = session.map_err(|failure| self.refused(failure))?;
        let prepared = blocking(move || claim::prepare_shared(session)).await;
        let session = prepared.map_err(|error| self.statement("prepare a connection", error))?;
        let session = self.warn_of_bypassed_policies(session).await;
        self.lane(None, session, &options, Restore::default())
    }

    /// Starts the proxy of a lane whose connection is ready.
    fn lane(
        &self,
        own: Option<(Candidate<'_>, Option<String>)>,
        session: Session,
        options: &PgConnectOptions,
        restore: Restore,
    ) -> Result<Lane, Failure> {
        let (backend, server_version) = (session.process_id, session.server_version());
        let (own, comment) = own.unzip();
        let mut id = LaneId {
            own: None,
            comment: comment.flatten(),
            backend,
            restore,
            seclusion: Seclusion::None,
            server_version,
        };
        let release_locks = LaneId::release_locks(own.is_some());
        let proxy = Proxy::start(session, Upstream::of(options), release_locks)
            .map_err(|error| self.statement("serve a lane", error.into()))?;
        id.own = own.map(Candidate::keep);
        Ok(Lane { id, proxy })
    }

    /// Says once which policies do not apply to the tests.
    async fn warn_of_bypassed_policies(&self, mut session: Session) -> Session {
        let is_checked = std::mem::replace(&mut self.inventory().policies_checked, true);
        if is_checked {
            return session;
        }
        blocking(move || {
            policies::warn_of_bypassed(&mut session);
            session
        })
        .await
    }

    /// Asks what puts back the sequences of a lane.
    async fn restore(&self, mut session: Session) -> Result<(Session, Restore), Failure> {
        let (server, template) = (Arc::clone(&self.server), self.template.database().clone());
        let asked = blocking(move || {
            let restore = Restore::of_clone(&mut session, &server, &template)?;
            Ok((session, restore))
        });
        let asked: Result<_, sqlx::Error> = asked.await;
        asked.map_err(|error| self.statement("read the sequences of the template", error))
    }

    fn refused(&self, failure: ConnectFailure) -> Failure {
        Failure::from(Error::from(self.server.explain(failure)))
    }

    fn statement(&self, action: &str, error: sqlx::Error) -> Failure {
        Failure::Final(Error::from(self.server.statement_failed(action, error)))
    }

    /// Reserves a lane of which the server has said that nobody uses it.
    fn reserve_known(&self) -> Option<Candidate<'_>> {
        let mut inventory = self.inventory();
        while let Some(database) = inventory.known.pop_first() {
            if !inventory.reserved.contains(&database) {
                drop(inventory);
                return Some(self.reserve(database));
            }
        }
        None
    }

    fn reserve(&self, database: OwnDatabase) -> Candidate<'_> {
        self.inventory().reserved.insert(database.clone());
        Candidate {
            lanes: self,
            database,
        }
    }
}

/// A lane that no other test of this process can get; given up when dropped.
struct Candidate<'a> {
    lanes: &'a Lanes,
    database: OwnDatabase,
}

impl Candidate<'_> {
    /// Keeps the lane reserved for as long as it lives.
    fn keep(mut self) -> OwnDatabase {
        let kept = self.database.clone();
        // What is dropped then is no lane's name.
        self.database = self.lanes.template.database().clone();
        kept
    }
}

impl Drop for Candidate<'_> {
    fn drop(&mut self) {
        self.lanes.inventory().reserved.remove(&self.database);
    }
}
