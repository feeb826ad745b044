//! Removing what killed processes left of a template, of its drafts and its lanes.

use std::sync::Arc;

use sqlx::Connection;

use crate::{
    observe::log,
    postgres::{
        database::{DatabaseName, Purpose, Sessions, remove},
        server::Server,
    },
};

/// Removes databases that nobody uses any more. Nothing waits for this, and what fails is tried
/// again by the next process.
pub(crate) async fn clean_up(server: Arc<Server>, abandoned: Vec<DatabaseName>) {
    let Ok(mut maintenance) = server.maintenance().await else {
        return;
    };
    for database in abandoned {
        log::info(format_args!(
            "{database} was left by a killed process; removing it"
        ));
        let sessions = match database.purpose() {
            Purpose::Draft => Sessions::Ended,
            Purpose::Lane | Purpose::Template => Sessions::Respected,
        };
        if let Err(error) = remove(&mut maintenance, &database, sessions).await {
            log::debug(format_args!("{database} is not removed yet: {error}"));
            if error.as_database_error().is_none() {
                return;
            }
        }
    }
    maintenance.close().await.ok();
}
