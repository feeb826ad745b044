//! The examples of docs/fixtures.md, docs/report.md, docs/roles.md and
//! docs/coming-from-sqlx-test.md, one file a section.

mod arguments;
mod blog;
mod cases;
mod derived;
mod factories;
mod faults;
mod from_sqlx_test;
mod properties;
mod queries;
mod roles;
mod scripts;
mod sessions;
mod snapshots;
mod teardown;

use db_test::Session;

#[db_test::session]
fn session() -> Session {
    Session::postgres()
        .migrations("tests/docs/guide/migrations")
        .seed_sql("insert into users (email, role) values ('root@example.com', 'admin')")
        .app(|cx| blog::app(cx.pool()))
}
