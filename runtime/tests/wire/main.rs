//! What goes over the wire between a test and its server, counted by a relay that stands between
//! them.

#![cfg(unix)]

mod app;
mod counting;
mod line;
mod messages;
mod observed;
mod recording;
mod relay;

use std::env;

use db_test::Session;

/// The variable that gives a child a template of its own, whose lanes nobody else has claimed.
const TEMPLATE: &str = "DB_TEST_CHILD_TEMPLATE";

#[db_test::session]
fn session() -> Session {
    let name = env::var(TEMPLATE).unwrap_or_default();
    Session::postgres()
        .migrations("tests/docs/migrations")
        .seed_sql(format!("-- {name}"))
        .app(|cx| app::app(cx.pool()))
}
