//! The guarantees of db-test, one file each.

mod app;
mod autocommit;
mod child;
mod escapes;
mod exit;
mod injection;
mod leaks;
mod output;
mod overriding;
mod own_database;
mod readme;
mod rollback;
mod servers;
mod transactions;

use db_test::Session;

#[db_test::session]
fn session() -> Session {
    Session::postgres()
        .migrations("tests/migrations")
        .seed_sql("insert into items (name) values ('seeded')")
        .app(|cx| app::app(&cx))
}
