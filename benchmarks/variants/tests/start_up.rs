//! Says when the body of a test begins, and when its first request is answered. The runner looks at
//! the clock.

use std::{
    env,
    io::{self, Write},
};

use db_test::{Client, Session, db_test};
use sqlx::migrate::Migrator;
use variants::{app::app, schema};

#[db_test::session]
fn session() -> Session {
    // Something else asks for another template.
    let seed = env::var("START_UP_SEED").unwrap_or_default();
    let migrations = schema::ONE.iter().cloned().collect();
    Session::postgres()
        .migrations(Migrator::with_migrations(migrations))
        .seed_sql(format!("-- {seed}"))
        .app(|cx| app(cx.pool()))
}

/// Not by `println!`, which waits in a buffer.
fn say(word: &str) {
    let mut out = io::stdout();
    writeln!(out, "\n@{word}").expect("somebody reads");
    out.flush().expect("somebody reads");
}

#[test]
fn nothing() {
    say("body");
    say("answered");
}

#[db_test]
async fn takes_nothing() {
    say("body");
    say("answered");
}

#[db_test]
async fn asks_once(client: Client) {
    say("body");
    client.get("/notes/1").await.assert_status_not_found();
    say("answered");
}
