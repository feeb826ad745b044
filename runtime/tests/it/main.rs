//! The guarantees of db-test, one file each.

mod answering;
mod app;
mod authenticating;
mod autocommit;
mod breaking;
mod cluster;
mod deriving;
mod encrypted;
mod encrypting;
mod escapes;
mod exit;
mod faults;
mod fixtures;
mod flavors;
mod further;
mod given_roles;
mod healing;
mod inheritance;
mod injection;
mod keeping;
mod leaks;
mod locales;
mod logging;
mod long;
mod moving_clock;
mod on_request;
mod one_request;
mod out_of_files;
mod output;
mod override_end;
mod overriding;
mod own_connections;
mod own_database;
mod own_pool;
mod panicking;
mod place;
#[cfg(unix)]
mod poolers;
mod queries;
mod readme;
mod roles;
mod rollback;
mod savepoints;
mod seed_functions;
mod self_connections;
mod sequences;
mod servers;
mod shared;
mod standing_clock;
mod starving;
mod stated;
mod teardown;
mod templates;
mod trace;
mod transactions;
mod unused_overrides;
mod used_again;
mod without_sockets;

use std::env;

use db_test::{BoxError, Session};

/// The variables by which a test makes its child start from something else.
const MIGRATIONS: &str = "DB_TEST_CHILD_MIGRATIONS";
const SEED: &str = "DB_TEST_CHILD_SEED";
const SLOW_SEED: &str = "DB_TEST_CHILD_SLOW_SEED";

#[db_test::session]
fn session() -> Session {
    let migrations = env::var(MIGRATIONS).unwrap_or("tests/migrations".to_owned());
    let session = Session::postgres()
        .migrations(migrations.as_str())
        .app(|cx| app::app(&cx));
    match env::var(SEED).as_deref() {
        Ok("none") => session,
        Ok("code") => session.seed(|pool| async move {
            let seconds: f64 = env::var(SLOW_SEED)?.parse()?;
            sqlx::query("select pg_sleep($1)")
                .bind(seconds)
                .execute(&pool)
                .await?;
            Ok::<_, BoxError>(())
        }),
        Ok(name) => session.seed_sql(format!("insert into items (name) values ('{name}')")),
        Err(_) => session.seed_sql("insert into items (name) values ('seeded')"),
    }
}
