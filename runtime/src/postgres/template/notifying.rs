//! Notifications by function, as triggers send them: replaced in our databases by what tells a test's proxy.
//!
//! The server delivers notifications when a transaction commits, and that of a test never does. The statement `NOTIFY` is
//! seen by the proxy; a call within a function is not. So `pg_notify` is renamed and a function put in its place, before
//! the migrations, so that what they create finds it: a builtin that was only replaced would go on being called, by its
//! object id. On other connections than a proxy's it does what it always did.

use sqlx::{Connection, Executor};

use super::Template;
use crate::{observe::log, postgres::database::OwnDatabase};

/// The setting by which the function knows the connection of a proxy.
pub(crate) const PROXIED: &str = "db_test.proxied";

/// The errors are those of the builtin (`async.c`); the code of the message is the proxy's.
const REPLACE: &str = "alter function pg_catalog.pg_notify(text, text) rename to db_test_pg_notify; \
     create function pg_catalog.pg_notify(text, text) returns void language plpgsql strict volatile parallel restricted as $$ begin \
     if current_setting('db_test.proxied', true) is distinct from 'on' then \
       perform pg_catalog.db_test_pg_notify($1, $2); \
     elsif $1 = '' then raise exception 'channel name cannot be empty' using errcode = '22023'; \
     elsif octet_length($1) >= 64 then raise exception 'channel name too long' using errcode = '22023'; \
     elsif octet_length($2) >= 8000 then raise exception 'payload string too long' using errcode = '22023'; \
     else raise info using errcode = 'DBT01', message = $1, detail = $2; end if; end $$";

/// Replaces the function in a new database, where the server lets us.
pub(super) async fn replace(template: &Template, draft: &OwnDatabase) {
    let server = &template.server;
    let options = server.door_options().database(draft.as_str());
    let Ok(mut connection) = server.connect(&options).await else {
        return;
    };
    if let Err(error) = connection.execute(sqlx::raw_sql(REPLACE)).await {
        log::debug(format_args!(
            "notifications by function are not delivered within tests: {error}"
        ));
    }
    connection.close().await.ok();
}
