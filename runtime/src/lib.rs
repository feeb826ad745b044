//! Fast, parallel, rolled-back integration tests for axum + sqlx applications, on a real PostgreSQL.
//!
//! [`#[db_test]`](macro@db_test) runs an async test on one runtime that all tests share, in a transaction that
//! is rolled back whatever happens, with arguments made by their types ([`FromTest`]).
//! [`#[db_test::session]`](macro@session) says once per test binary what the tests run against ([`Session`]).
//! [`#[db_test::overridable]`](macro@overridable) lets a test replace what an extractor of the application
//! returns ([`Overrides`]).
//!
//! ```no_run
#![doc = include_str!("../tests/docs/quick_start.rs")]
//! # fn main() {}
//! ```
//!
//! # Features
//!
//! | feature | what it brings | default |
//! | --- | --- | --- |
//! | `postgres` | tests with a database of PostgreSQL: everything but `#[db_test::overridable]` and what follows | yes |
//! | `sqlite` | tests with a SQLite database: [`Session::sqlite`](https://github.com/db-test/db-test/blob/main/docs/sqlite.md); nothing has to be installed, SQLite is compiled in | no |
//! | `axum` | `Router`, [`Client`], `Session::app`, and overrides in requests | yes |
//! | `tls` | encrypted connections to a server named by a URL, by rustls | yes |
//! | `download` | PostgreSQL for a machine that has none: one fixed version, downloaded once for all projects of the user, checked by its digest | no |
//!
//! A library or a job queue that has no HTTP takes `default-features = false, features = ["postgres"]`: its tests have pools,
//! and neither axum nor axum-test is compiled. `TestContext::url` and pools lead an application of any other framework to the test's database.
//!
//! Without default features, the crate is what an application compiles into its production binary
//! for `#[db_test::overridable]`: a macro, and a hundred lines that depend on `http` alone.
//!
//! # What is printed, and when
//!
//! A failing test prints a report after its own message: how it ended, its HTTP requests, and the
//! statements that each caused (`DB_TEST_REPORT` asks for more or less of it). What the library does besides (which server
//! and why, templates, lanes, with the time of each step) it tells on standard error when `DB_TEST_LOG`
//! is `info`, `debug` or `trace`, and through [`tracing`](https://docs.rs/tracing), with the target
//! `db_test`, to whatever subscriber there is. Work that takes more than a second says so anyway.

#![cfg_attr(
    not(all(feature = "axum", feature = "tls")),
    allow(
        dead_code,
        reason = "what a build with fewer features does not call is checked in the build with all of them"
    )
)]

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

/// The same as [`db_test`](macro@db_test), by the word that rstest and editors look for.
#[cfg(feature = "harness")]
pub use db_test_macros::db_test as test;
pub use db_test_macros::overridable;
#[cfg(feature = "harness")]
pub use db_test_macros::{FromTest, db_test, session};
pub use overridable::Overridable;

#[cfg(feature = "axum")]
pub use self::{test::app::IntoApp, test::client::Client};
/// The crate that [`Client`] is from, so that its `TestResponse`, its multipart forms and the rest can be named.
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
