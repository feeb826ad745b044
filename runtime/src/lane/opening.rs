//! Opening a lane: finding one that can be claimed, or making one.

use std::{collections::BTreeSet, time::Instant};

use sqlx::PgConnection;

use super::{
    Cut, Lane, LaneId, Lanes,
    claim::{self, Claimed},
    policies,
};
use crate::{
    Error,
    database::OwnDatabase,
    error::Cause,
    log,
    server::{ConnectFailure, is},
    tap::Tap,
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
            match self.server.connect_tapped(&options).await {
                Ok((connection, tap)) => {
                    match claim::claim(connection, &tap, &database, &self.server).await {
                        Ok(Claimed::Ours {
                            mut connection,
                            backend,
                        }) => {
                            self.tell_policies(&mut connection).await;
                            log::debug(format_args!(
                                "lane {database} opened in {:.1?}",
                                began.elapsed()
                            ));
                            let own = Some((reservation.keep(), database));
                            return Ok(Lane {
                                id: LaneId::new(own, backend, tap),
                                connection,
                            });
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
                            let (backend, tap) = (0, Tap::default());
                            self.discard(LaneId::new(own, backend, tap), Cut::Nobody);
                        }
                        Err(error) => return Err(self.statement("claim a lane", error)),
                    }
                }
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
        let mut connected = self.server.connect_tapped(&options).await;
        if let Err(failure) = &connected
            && self.server.refuses_role(failure)
        {
            self.admit().await?;
            connected = self.server.connect_tapped(&options).await;
        }
        match connected {
            Ok((mut connection, tap)) => {
                let backend = claim::prepare_shared(&mut connection, &tap).await;
                let backend =
                    backend.map_err(|error| self.statement("prepare a connection", error))?;
                self.tell_policies(&mut connection).await;
                Ok(Lane {
                    id: LaneId::new(None, backend, tap),
                    connection,
                })
            }
            Err(failure) => Err(self.refused(failure)),
        }
    }

    /// Says once which policies do not apply to the tests.
    async fn tell_policies(&self, connection: &mut PgConnection) {
        let told = std::mem::replace(&mut self.book().policies_told, true);
        if !told {
            policies::announce_bypassed(connection).await;
        }
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
