//! Opening a lane: finding one that can be claimed, or making one.

use std::{collections::BTreeSet, sync::Arc, time::Instant};

use sqlx::postgres::PgConnectOptions;

use super::{
    Cut, Lane, LaneId, Lanes,
    claim::{self, Claimed},
    policies,
};
use crate::{
    Error,
    database::OwnDatabase,
    error::Cause,
    executor::blocking,
    log,
    postgres::{
        proxy::Proxy,
        upstream::{Session, Upstream},
    },
    server::{ConnectFailure, is},
    template::Ground,
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
        if error.is_out_of_connections() {
            Self::OutOfConnections(error)
        } else {
            Self::Final(error)
        }
    }
}

impl Lanes {
    /// Opens the lane with the smallest number that can be had.
    pub(super) async fn open(&self) -> Result<Lane, Failure> {
        let began = Instant::now();
        let (mut claimed_elsewhere, mut admitted) = (BTreeSet::new(), false);
        for _ in 0..ATTEMPTS {
            let learned = self.server.learn_role(self.template.database()).await;
            learned.map_err(|cause| Failure::from(Error::from(cause)))?;
            if self.template.is_shared() {
                return self.open_shared().await;
            }
            let reservation = self.reserve(&claimed_elsewhere);
            let database = self.template.database().lane(reservation.number);
            let options = self.server.test_options(&database);
            match self.server.session(&options).await {
                Ok(session) => match self.claim(session, &database).await {
                    Ok(Claimed::Ours(session)) => {
                        log::debug(format_args!(
                            "lane {database} opened in {:.1?}",
                            began.elapsed()
                        ));
                        let own = Some((reservation.keep(), database));
                        let session = self.tell_policies(session).await;
                        return self.lane(own, session, &options);
                    }
                    Ok(Claimed::Pooled(cause)) => {
                        return Err(Failure::Final(Error::from(cause)));
                    }
                    Ok(Claimed::Elsewhere { in_use }) => {
                        log::debug(format_args!("lane {database} is another process's"));
                        claimed_elsewhere.insert(reservation.number);
                        claimed_elsewhere.extend(in_use);
                    }
                    Ok(Claimed::Untrusted) => {
                        log::info(format_args!("lane {database} was left by a killed process"));
                        let own = Some((reservation.keep(), database));
                        self.discard(LaneId { own, backend: 0 }, Cut::Nobody);
                    }
                    Err(error) => return Err(self.statement("claim a lane", error)),
                },
                Err(failure) if failure.is("53300") => return Err(self.refused(failure)),
                // Whoever is removing the lane ends every connection to it.
                Err(failure) if failure.is("57P01") => {
                    claimed_elsewhere.insert(reservation.number);
                }
                Err(failure) if !admitted && self.server.refuses_role(&failure) => {
                    admitted = true;
                    self.admit().await?;
                }
                Err(failure) => self.make_room(&database, failure).await?,
            }
        }
        Err(Failure::Final(Error::from(Cause::TemplateVanishes {
            template: self.template.database().clone(),
            server: self.server.to_string(),
        })))
    }

    /// Clones the template after a connection to the lane's database has failed; or finds out that
    /// the failure has another reason.
    async fn make_room(
        &self,
        database: &OwnDatabase,
        failure: ConnectFailure,
    ) -> Result<(), Failure> {
        // What is wrong with the server shows at its door, with a better error.
        if self.template.ensure().await? == Ground::Shared {
            return Ok(());
        }
        if !failure.is("3D000") {
            return Err(self.refused(failure));
        }
        match claim::clone_template(&self.server, self.template.database(), database).await {
            Ok(()) => Ok(()),
            Err(Cause::Statement { error, .. }) if is(&error, "3D000") => {
                Ok(self.template.make_again().await?)
            }
            Err(cause) => Err(Failure::from(Error::from(cause))),
        }
    }

    /// Lets tests be the session's role, which the migrations make.
    async fn admit(&self) -> Result<(), Failure> {
        let admitted = self.server.admit().await;
        admitted.map_err(|cause| Failure::from(Error::from(cause)))
    }

    /// Opens a connection to the one database that all lanes share.
    async fn open_shared(&self) -> Result<Lane, Failure> {
        let options = self.server.shared_options();
        let mut connected = self.server.session(&options).await;
        if let Err(failure) = &connected
            && self.server.refuses_role(failure)
        {
            self.admit().await?;
            connected = self.server.session(&options).await;
        }
        match connected {
            Ok(session) => {
                let prepared = blocking(move || claim::prepare_shared(session)).await;
                let session =
                    prepared.map_err(|error| self.statement("prepare a connection", error))?;
                let session = self.tell_policies(session).await;
                self.lane(None, session, &options)
            }
            Err(failure) => Err(self.refused(failure)),
        }
    }

    /// Starts the proxy of a lane whose connection is ready.
    fn lane(
        &self,
        own: Option<(u32, OwnDatabase)>,
        session: Session,
        options: &PgConnectOptions,
    ) -> Result<Lane, Failure> {
        let backend = session.process_id;
        let id = LaneId { own, backend };
        let proxy = Proxy::start(session, Upstream::of(options), id.release_locks())
            .map_err(|error| self.statement("serve a lane", error.into()))?;
        Ok(Lane { id, proxy })
    }

    /// Claims a lane, without waiting for the server here.
    async fn claim(
        &self,
        session: Session,
        database: &OwnDatabase,
    ) -> Result<Claimed, sqlx::Error> {
        let (server, database) = (Arc::clone(&self.server), database.clone());
        blocking(move || claim::claim(session, &database, &server)).await
    }

    /// Says once which policies do not apply to the tests.
    async fn tell_policies(&self, mut session: Session) -> Session {
        let told = std::mem::replace(&mut self.book().policies_told, true);
        if told {
            return session;
        }
        blocking(move || {
            policies::announce_bypassed(&mut session);
            session
        })
        .await
    }

    fn refused(&self, failure: ConnectFailure) -> Failure {
        Failure::from(Error::from(self.server.explain(failure)))
    }

    fn statement(&self, action: &str, error: sqlx::Error) -> Failure {
        let (action, server) = (action.to_owned(), self.server.to_string());
        Failure::Final(Error::from(Cause::Statement {
            action,
            server,
            error,
        }))
    }

    fn reserve(&self, except: &BTreeSet<u32>) -> Reservation<'_> {
        let mut book = self.book();
        let number = (1..=u32::MAX).find(|n| !book.reserved.contains(n) && !except.contains(n));
        let number = number.expect("there are more numbers than lanes");
        book.reserved.insert(number);
        Reservation {
            lanes: self,
            number,
        }
    }
}

/// A number that no other test of this process can get; free again when dropped.
struct Reservation<'a> {
    lanes: &'a Lanes,
    number: u32,
}

impl Reservation<'_> {
    /// Keeps the number reserved for as long as the lane lives.
    fn keep(self) -> u32 {
        let number = self.number;
        std::mem::forget(self);
        number
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.lanes.book().reserved.remove(&self.number);
    }
}
