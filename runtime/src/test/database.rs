//! What a test needs of its database, of whatever kind that is.

use std::{any::Any, time::Duration};

use futures_util::future::{BoxFuture, LocalBoxFuture};

use crate::{
    Error,
    postgres::{
        keep::{Keeping, Verdict},
        sandbox::Ending,
    },
    test::fixtures::Fixtures,
};

/// The database of one test, as its life, its report and its overrides know it. Arguments that are of one kind of database
/// alone look behind it.
pub(crate) trait AnyDatabase: Any + Send + Sync {
    /// Whether anything has used it.
    fn is_used(&self) -> bool;

    /// Makes sure that the database is there.
    fn ready(&self) -> BoxFuture<'_, Result<(), Error>>;

    /// The time spent on that, which does not count against the test's limit.
    fn time_preparing(&self) -> Duration;

    /// Where drivers find it; it has to be ready.
    fn url(&self) -> Result<String, Error>;

    /// Runs the fixtures of a test; it has to be ready.
    fn load<'a>(&'a self, fixtures: &'a Fixtures) -> BoxFuture<'a, Result<(), Error>>;

    /// Ends the test's use of its database.
    fn end<'a>(&'a self, verdict: Verdict, keeping: &'a Keeping) -> LocalBoxFuture<'a, Ending>;
}
