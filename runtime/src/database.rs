//! The interface between a test and its database, of any kind.

pub(crate) mod cause;
mod ending;
pub(crate) mod fixtures;
pub(crate) mod keeping;

use std::{any::Any, time::Duration};

use futures_util::future::{BoxFuture, LocalBoxFuture};

pub(crate) use self::ending::Ending;
use self::{
    fixtures::Fixtures,
    keeping::{Keeping, Verdict},
};
use crate::Error;

/// The database of one test, as its life and its report see it. Arguments that belong to one kind
/// of database downcast it.
pub(crate) trait AnyDatabase: Any + Send + Sync {
    /// Whether the test has used it.
    fn is_used(&self) -> bool;

    /// Waits until the database exists.
    fn ready(&self) -> BoxFuture<'_, Result<(), Error>>;

    /// The time that took, which does not count against the test's limit.
    fn time_preparing(&self) -> Duration;

    /// The URL for drivers. The database must be ready.
    fn url(&self) -> Result<String, Error>;

    /// Runs the fixtures of a test. The database must be ready.
    fn load<'a>(&'a self, fixtures: &'a Fixtures) -> BoxFuture<'a, Result<(), Error>>;

    /// Ends the test's use of its database.
    fn end<'a>(&'a self, verdict: Verdict, keeping: &'a Keeping) -> LocalBoxFuture<'a, Ending>;
}
