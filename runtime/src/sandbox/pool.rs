//! The pool of one connection that the application sees.

use std::sync::Arc;

use sqlx::{PgConnection, PgPool, postgres::PgPoolOptions};

use super::{
    Core,
    checkpoint::{self, Checkpoint},
    greeter,
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
        // The release has just used the connection.
        .test_before_acquire(false)
        .after_connect(move |placeholder, _| {
            let handed = connecting.hand_out(placeholder);
            Box::pin(async move { handed })
        })
        .before_acquire(move |_, _| {
            acquiring.holding.acquired();
            Box::pin(async { Ok(true) })
        })
        .after_release(move |connection, _| {
            let core = Arc::clone(&releasing);
            Box::pin(async move { core.take_in(connection).await.map(|()| true) })
        })
        .connect_lazy_with(greeter::invite(core))
}

impl Core {
    /// Prepares a released connection for its next user.
    async fn take_in(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        self.holding.released();
        let Some(outer) = self.outer() else {
            return Err(sqlx::Error::PoolClosed);
        };
        match checkpoint::advance(connection, &outer).await {
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
