//! Opening a lane: finding one that can be claimed, or making one.

use std::{sync::Arc, time::Instant};

use sqlx::postgres::PgConnectOptions;

use super::{
    Lane, LaneId, Lanes, Restore, Seclusion,
    claim::{self, Claimed},
    failure::Failure,
    finding::Candidate,
    policies,
};
use crate::{
    Error,
    executor::blocking,
    observe::log,
    postgres::{
        cause::Cause,
        proxy::Proxy,
        server::ConnectFailure,
        sqlstate::{self},
        upstream::{BackendConnection, Upstream},
    },
};

/// How many lanes are looked at before something must be wrong.
const ATTEMPTS: usize = 1000;

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

    /// Connects to a lane and makes it this process's; none if somebody else has it, or it is gone.
    async fn claim(&self, candidate: Candidate<'_>) -> Result<Option<Lane>, Failure> {
        let options = self.server.test_options(&candidate.database);
        let connection = match self.connect(&options).await? {
            Ok(connection) => connection,
            // It is being removed, has been removed, or its removal was interrupted.
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
        match blocking(move || claim::claim(connection, &database, &server)).await {
            Ok(Claimed::Ours {
                connection,
                comment,
                seclusion,
            }) => {
                let connection = self.warn_of_bypassed_policies(connection).await;
                let (connection, restore) = self.restore(connection).await?;
                let mut lane =
                    self.lane(Some((candidate, comment)), connection, &options, restore)?;
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
    ) -> Result<Result<BackendConnection, ConnectFailure>, Failure> {
        match self.server.backend_connection(options).await {
            Err(failure) if self.server.refuses_role(&failure) => {
                let granted = self.server.grant_role().await;
                granted.map_err(|cause| Failure::from(Error::from(cause)))?;
                Ok(self.server.backend_connection(options).await)
            }
            connected => Ok(connected),
        }
    }

    /// Opens a connection to the one database that all lanes share.
    async fn open_shared(&self) -> Result<Lane, Failure> {
        let options = self.server.shared_options();
        let connection = self.connect(&options).await?;
        let connection = connection.map_err(|failure| self.refused(failure))?;
        let prepared = blocking(move || claim::prepare_shared(connection)).await;
        let connection = prepared.map_err(|error| self.statement("prepare a connection", error))?;
        let connection = self.warn_of_bypassed_policies(connection).await;
        self.lane(None, connection, &options, Restore::default())
    }

    /// Starts the proxy of a lane whose connection is ready.
    fn lane(
        &self,
        own: Option<(Candidate<'_>, Option<String>)>,
        connection: BackendConnection,
        options: &PgConnectOptions,
        restore: Restore,
    ) -> Result<Lane, Failure> {
        let (backend, server_version) = (connection.process_id, connection.server_version());
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
        let proxy = Proxy::start(connection, Upstream::of(options), release_locks)
            .map_err(|error| self.statement("serve a lane", error.into()))?;
        id.own = own.map(Candidate::keep);
        Ok(Lane { id, proxy })
    }

    /// Says once which policies do not apply to the tests.
    async fn warn_of_bypassed_policies(
        &self,
        mut connection: BackendConnection,
    ) -> BackendConnection {
        let is_checked = std::mem::replace(&mut self.inventory().policies_checked, true);
        if is_checked {
            return connection;
        }
        blocking(move || {
            policies::warn_of_bypassed(&mut connection);
            connection
        })
        .await
    }

    /// Asks what puts back the sequences of a lane.
    async fn restore(
        &self,
        mut connection: BackendConnection,
    ) -> Result<(BackendConnection, Restore), Failure> {
        let (server, template) = (Arc::clone(&self.server), self.template.database().clone());
        let asked = blocking(move || {
            let restore = Restore::of_clone(&mut connection, &server, &template)?;
            Ok((connection, restore))
        });
        let asked: Result<_, sqlx::Error> = asked.await;
        asked.map_err(|error| self.statement("read the sequences of the template", error))
    }

    fn refused(&self, failure: ConnectFailure) -> Failure {
        Failure::from(Error::from(self.server.explain(failure)))
    }

    pub(super) fn statement(&self, action: &str, error: sqlx::Error) -> Failure {
        Failure::Final(Error::from(self.server.statement_failed(action, error)))
    }
}
