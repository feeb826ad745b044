//! The pool of one connection that the application sees.

use std::sync::{Arc, atomic::Ordering};

use sqlx::{PgConnection, PgPool, postgres::PgPoolOptions};

use super::{
    Core,
    checkpoint::Checkpoint,
    greeter,
    parked::{self, Parked},
};
use crate::report::chain;

/// Makes the pool around a sandbox's connection. It connects when it is first used.
pub(super) fn around(core: &Arc<Core>) -> PgPool {
    let (connecting, acquiring, releasing) = (Arc::clone(core), Arc::clone(core), Arc::clone(core));
    PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(core.session.definition().session.acquire_limit())
        // Both would replace the one connection that there is.
        .idle_timeout(None)
        .max_lifetime(None)
        // The connection is looked at below, and replacing it is no use.
        .test_before_acquire(false)
        .after_connect(move |placeholder, _| {
            let core = Arc::clone(&connecting);
            Box::pin(async move {
                // A failure is told by the greeter when the pool tries again.
                let opened = core.open().await;
                opened.map_err(|_| sqlx::Error::PoolClosed)?;
                core.hand_out(placeholder).await
            })
        })
        .before_acquire(move |placeholder, _| {
            let core = Arc::clone(&acquiring);
            // Where there is no connection to hand out, the greeter is asked, and says why.
            Box::pin(async move { Ok(core.hand_out(placeholder).await.is_ok()) })
        })
        .after_release(move |connection, _| {
            let core = Arc::clone(&releasing);
            Box::pin(async move { core.take_in(connection) })
        })
        .connect_lazy_with(greeter::invite(core))
}

impl Core {
    /// Hands the lane's connection to the pool, in the place of the placeholder.
    async fn hand_out(&self, placeholder: &mut PgConnection) -> Result<(), sqlx::Error> {
        let connection = self.settled().await.ok_or(sqlx::Error::PoolClosed)??;
        *self.placeholder() = Some(std::mem::replace(placeholder, connection));
        self.holding.acquired();
        self.recording.handed_out();
        Ok(())
    }

    /// The parked connection, when its checkpoint has been moved; `None` when there is none.
    ///
    /// # Cancel safety
    ///
    /// The connection stays parked.
    pub(super) async fn settled(&self) -> Option<Result<PgConnection, sqlx::Error>> {
        let mut hand = Hand {
            core: self,
            parked: Some(self.take_parked()?),
        };
        let (connection, checkpoint) = hand.parked.as_mut()?.await;
        hand.parked = None;
        Some(self.note(checkpoint).map(|()| connection))
    }

    /// Takes the lane's connection back from the pool, which keeps the placeholder. Says whether
    /// the placeholder can be used again.
    fn take_in(&self, released: &mut PgConnection) -> Result<bool, sqlx::Error> {
        self.holding.released();
        let (Some(outer), Some(id), Some(placeholder)) =
            (self.outer(), self.lane_id(), self.placeholder().take())
        else {
            return Err(sqlx::Error::PoolClosed);
        };
        let connection = std::mem::replace(released, placeholder);
        self.park(parked::after_use(connection, outer, &id.tap));
        let returns = self.returns.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(!returns.is_multiple_of(greeter::CREDIT))
    }

    /// Remembers what the end of the test has to tell.
    fn note(&self, checkpoint: Result<Checkpoint, sqlx::Error>) -> Result<(), sqlx::Error> {
        match checkpoint {
            Ok(Checkpoint::Moved) => {}
            Ok(Checkpoint::Violated(error)) => self.trouble().violation = Some(error),
            Ok(Checkpoint::Lost(escape)) => {
                self.trouble().escape.get_or_insert(escape);
            }
            Err(error) => {
                self.trouble().broken.get_or_insert(chain(&error));
                return Err(error);
            }
        }
        Ok(())
    }
}

/// A connection on its way to the pool, which is parked again if the acquire is given up.
struct Hand<'a> {
    core: &'a Core,
    parked: Option<Parked>,
}

impl Drop for Hand<'_> {
    /// Assumes that nothing else has been parked meanwhile: there is one connection.
    fn drop(&mut self) {
        if let Some(parked) = self.parked.take() {
            self.core.park(parked);
        }
    }
}
