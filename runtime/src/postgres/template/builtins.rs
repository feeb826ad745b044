//! Builtin functions that mean something else within a test's transaction: replaced in our
//! databases, before the migrations.
//!
//! A builtin that was only replaced would go on being called, by its object id. So it is renamed,
//! and a function of its name put in its place, which is what the migrations find. On other
//! connections than a proxy's it does what the builtin always did. They know a proxy's by the
//! settings that [`Server::session`](crate::postgres::server::Server::session) gives it.

mod clock;
mod notify;

use sqlx::{Connection, Executor};

use super::Template;
use crate::{observe::log, postgres::database::DatabaseName};

/// What is replaced, and what is missing where the server does not let us.
const ALL: [(&str, &str); 2] = [
    (
        notify::REPLACE,
        "notifications by function are not delivered within tests",
    ),
    (clock::REPLACE, "`now()` stands still within tests"),
];

/// Replaces the functions in a new database, where the server lets us.
pub(super) async fn replace(template: &Template, draft: &DatabaseName) {
    let server = &template.server;
    let options = server.maintenance_options().database(draft.as_str());
    let Ok(mut connection) = server.connect(&options).await else {
        return;
    };
    for (sql, without) in ALL {
        if let Err(error) = connection.execute(sqlx::raw_sql(sql)).await {
            log::debug(format_args!("{without}: {error}"));
        }
    }
    connection.close().await.ok();
}
