//! Fast, parallel, rolled-back integration tests for axum + sqlx applications, on a real
//! PostgreSQL.
//!
//! [`#[db_test]`](macro@db_test) runs an async test in a transaction that is always rolled back.
//! The test's arguments are injected by type ([`FromTest`]). [`#[db_test::session]`](macro@session)
//! declares once for each test binary what its tests run against ([`Session`]).
//! [`#[db_test::overridable]`](macro@overridable) lets a test replace the result of an extractor
//! ([`Overrides`]).
//!
//! ```no_run
#![doc = include_str!("../tests/docs/quick_start/example.rs")]
//! # fn main() {}
//! ```
//!
//! # Features
//!
//! | feature | what it adds | default |
//! | --- | --- | --- |
//! | `postgres` | tests on PostgreSQL: everything except `#[db_test::overridable]` and the features below | yes |
//! | `sqlite` | tests on SQLite: [`Session::sqlite`](https://github.com/db-test/db-test/blob/main/docs/sqlite.md); SQLite is compiled in | no |
//! | `axum` | `Router`, [`Client`], `Session::app`, and overrides in requests | yes |
//! | `tls` | encrypted connections to the server that a URL names, by rustls | yes |
//! | `download` | PostgreSQL for a machine that has none: one fixed version, downloaded once for all projects of the user, checked by its digest | no |
//!
//! For a library or a job queue without HTTP, use `default-features = false, features =
//! ["postgres"]`: axum and axum-test are not compiled then. An application of another framework
//! connects by [`TestContext::url`] or a pool.
//!
//! Without default features, the crate contains only what an application compiles into its
//! production binary for `#[db_test::overridable]`: a macro, and a hundred lines that depend on
//! `http`.
//!
//! # Output
//!
//! A failing test prints a report after its own message: how it ended, its HTTP requests, and the
//! statements of each request. `DB_TEST_REPORT` sets how detailed it is.
//!
//! For diagnostic logging (the server and why it was chosen, templates, lanes, the time of each
//! step), set `DB_TEST_LOG` to `info`, `debug` or `trace`, which prints to standard error; or use a
//! [`tracing`](https://docs.rs/tracing) subscriber, target `db_test`. Steps such as starting the
//! server or making a template are reported without it, if they take more than a second.

#![cfg_attr(
    not(all(feature = "axum", feature = "tls")),
    allow(
        dead_code,
        reason = "what a build with fewer features does not call is checked in the build with all of them"
    )
)]

#[cfg(feature = "harness")]
mod database;
#[cfg(feature = "harness")]
mod environment;
#[cfg(feature = "harness")]
mod error;
#[cfg(feature = "harness")]
mod executor;
#[doc(hidden)]
pub mod macro_support;
#[cfg(feature = "harness")]
mod observe;
mod overridable;
#[cfg(feature = "harness")]
mod overrides;
#[cfg(feature = "harness")]
mod postgres;
#[cfg(feature = "harness")]
mod process;
#[cfg(feature = "harness")]
mod schema;
#[cfg(feature = "harness")]
mod session;
#[cfg(feature = "harness")]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "harness")]
mod test;

/// The same as [`db_test`](macro@db_test), under the name that rstest and editors look for.
#[cfg(feature = "harness")]
pub use db_test_macros::db_test as test;
pub use db_test_macros::overridable;
#[cfg(feature = "harness")]
pub use db_test_macros::{FromTest, db_test, session};
pub use overridable::Overridable;

#[cfg(feature = "axum")]
pub use self::{test::app::IntoApp, test::client::Client};
/// The crate of [`Client`], for its other types, such as `TestResponse` and multipart forms.
#[cfg(feature = "axum")]
pub use axum_test;

#[cfg(feature = "sqlite")]
pub use self::session::SqliteDatabase;
#[cfg(feature = "harness")]
pub use self::{
    error::{BoxError, Error},
    observe::queries::{Queries, Query, QueryCount},
    overrides::{IntoAnswer, OverrideRequest, Overrides, Overriding},
    postgres::sandbox::Savepoint,
    session::{Database, Flavor, Isolation, Migrations, Session},
    test::context::TestContext,
    test::faults::{Fault, Faults},
    test::from_test::FromTest,
    test::teardown::Teardown,
};
