//! Taking a lane, and opening the outer transaction on its connection.

use std::sync::Arc;

use super::{Core, Place, parked, transaction};
use crate::{
    Error,
    error::Cause,
    lane::{Cut, Lane},
    log,
};

/// How many broken connections are replaced before a test gives up.
const ATTEMPTS: usize = 3;

impl Core {
    /// Takes a lane from the session.
    pub(super) async fn take(&self) -> Result<(), Error> {
        let take = || async {
            let _lap = self.taking.start();
            let active = self.session.get().await?;
            let lane = active.lanes().take().await?;
            *self.place() = Place::Taken(Box::new(lane));
            Ok(())
        };
        self.taken.get_or_init(take).await.clone()
    }

    /// Opens the outer transaction, replacing a connection that broke while nobody used it.
    pub(super) async fn open(&self) -> Result<(), Error> {
        self.opened.get_or_init(|| self.open_once()).await.clone()
    }

    async fn open_once(&self) -> Result<(), Error> {
        self.take().await?;
        let active = self.session.get().await?;
        let mut place = std::mem::take(&mut *self.place());
        for attempt in 1.. {
            let Place::Taken(lane) = place else { break };
            let Lane { id, mut connection } = *lane;
            match transaction::open(&mut connection, &id).await {
                Ok(outer) => {
                    id.tap.record(&self.recording);
                    *self.place() = Place::Opened {
                        id,
                        outer: Arc::new(outer),
                        parked: Some(parked::unused(connection)),
                    };
                    return Ok(());
                }
                Err(error) => {
                    log::info(format_args!("the connection of {id} was broken: {error}"));
                    active.lanes().discard(id, Cut::Holder);
                    if attempt == ATTEMPTS {
                        let (action, server) = (
                            "open the test's transaction".to_owned(),
                            active.lanes().server().to_string(),
                        );
                        return Err(Error::from(Cause::Statement {
                            action,
                            server,
                            error,
                        }));
                    }
                    place = Place::Taken(Box::new(active.lanes().take().await?));
                }
            }
        }
        Err(Error::from(Cause::TestEnded))
    }
}
