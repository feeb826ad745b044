//! The lane's connection between two hand-outs.

use std::sync::Arc;

use futures_util::{FutureExt, future::BoxFuture};
use sqlx::PgConnection;

use super::{
    checkpoint::{self, Checkpoint},
    transaction::Outer,
};
use crate::tap::Tap;

/// A connection whose checkpoint is being moved, or has been.
///
/// Whoever wants the connection awaits it. Meanwhile the server works on the query, and the
/// application goes on without waiting for it.
pub(super) type Parked = BoxFuture<'static, (PgConnection, Result<Checkpoint, sqlx::Error>)>;

/// Parks a connection that was not used since its last checkpoint.
pub(super) fn unused(connection: PgConnection) -> Parked {
    async { (connection, Ok(Checkpoint::Moved)) }.boxed()
}

/// Parks a released connection, and sends the query that moves its checkpoint, or leaves that to
/// the tap.
pub(super) fn after_use(mut connection: PgConnection, outer: Arc<Outer>, tap: &Tap) -> Parked {
    if checkpoint::is_sure_to_move(&mut connection, &outer) && tap.defer_move() {
        return unused(connection);
    }
    let mut moving = async move {
        let checkpoint = checkpoint::advance(&mut connection, &outer).await;
        (connection, checkpoint)
    }
    .boxed();
    // The first poll sends. Where that was enough, what it gave is kept for whoever comes.
    match (&mut moving).now_or_never() {
        Some(done) => std::future::ready(done).boxed(),
        None => moving,
    }
}
