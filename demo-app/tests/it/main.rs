//! The tour of db-test. `users` and `auth` are tests as one writes them every day; the other
//! files show what stands behind them, next to what the usual Python set-up does:
//!
//! | pytest, `SQLAlchemy` and `FastAPI` | here |
//! | --- | --- |
//! | one event loop for the session | `runtime` |
//! | one engine for the session, its connections checked | `session` |
//! | migrations once per session | `migrations` |
//! | the outer transaction is rolled back whatever happens | `rollback` |
//! | `create_savepoint`: handlers may commit | `bookings` |
//! | overrides inject the session, bypass authentication, and are cleared | `overrides` |
//! | the client works in process, without a port | `client` |
//! | `TEST_DB_URL` | `server` |
//! | beyond it: what a failing test prints | `report` |
//! | several connections, a race, a listener | `concurrency` |
//! | mistake 1: a function-scoped engine, and the loop is closed | `mistakes` |
//! | mistake 2: the application makes its own engine | `mistakes` |
//!
//! `ada` and `outbox` are arguments that tests of this application like to take. `child` (a crate
//! beside `runtime`) runs a test that is meant to fail, and `listening` finds open ports.

mod ada;
mod auth;
mod bookings;
mod client;
mod concurrency;
#[cfg(target_os = "linux")]
mod listening;
mod migrations;
mod mistakes;
mod outbox;
mod overrides;
mod report;
mod rollback;
mod runtime;
mod server;
mod session;
mod users;

use db_test::{Overrides, Session};
use demo_app::{AppState, CurrentUser, app, database, mailer::SmtpMailer, users::User};
use serde_json::{from_value, json};

use self::outbox::Outbox;

/// What every test of this binary starts from.
#[db_test::session]
fn session() -> Session {
    Session::postgres()
        .migrations(&database::MIGRATOR)
        .seed_sql(include_str!("seed.sql"))
        .app(|cx| {
            let mailer = cx.overridden_or(SmtpMailer::from_env);
            app(AppState {
                db: cx.pool(),
                mailer,
            })
        })
        .overrides(Outbox::collect)
        .overrides(|overrides| overrides.set(test_user()))
}

/// The user of the seed, who is signed in unless a test says otherwise.
fn test_user() -> CurrentUser {
    let user = json!({ "id": 0, "email": "test@example.com", "name": "Test" });
    CurrentUser(from_value::<User>(user).expect("a user"))
}

/// Undoes the session's override, for tests of what happens without:
/// `overrides = crate::signed_out`.
fn signed_out(overrides: &Overrides) {
    overrides.remove::<CurrentUser>();
}
