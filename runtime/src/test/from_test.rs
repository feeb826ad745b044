//! What a test may take as an argument.

use std::{future::Future, sync::Arc};

#[cfg(feature = "axum")]
use axum::Router;
use sqlx::{
    PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{BoxError, Overrides, Queries, TestContext};
#[cfg(feature = "axum")]
use crate::{Client, test::client};
#[cfg(feature = "sqlite")]
use sqlx::{
    Sqlite, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

/// A type that a test can take as an argument.
///
/// Implement it for what many tests need, and build it from what is there already:
///
/// ```
/// use db_test::{BoxError, Client, FromTest, TestContext};
/// use sqlx::PgPool;
///
/// struct SignedIn {
///     client: Client,
///     user: i64,
/// }
///
/// impl FromTest for SignedIn {
///     async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
///         let pool: PgPool = cx.get().await?;
///         let user = sqlx::query_scalar("insert into users (name) values ('ada') returning id")
///             .fetch_one(&pool)
///             .await?;
///         Ok(Self { client: cx.get().await?, user })
///     }
/// }
/// ```
///
/// A struct that is no more than its parts derives it: `#[derive(FromTest)]`. What has to be undone
/// and is not in the database is registered with [`TestContext::on_end`].
///
/// # Errors
///
/// An error fails the test before its body runs; the report names the argument's type.
#[diagnostic::on_unimplemented(
    message = "a test cannot take an argument of type `{Self}`",
    label = "not something a test is given",
    note = "a test may take `Client`, `Router`, `PgPool`, `PoolConnection<Postgres>`, `PgConnectOptions`, `PgPoolOptions`, `Overrides`, `Queries`, `TestContext`",
    note = "a type of your own implements `db_test::FromTest`, or derives it from its fields; one of another crate goes into your own: `struct Argument({Self});`"
)]
pub trait FromTest: Sized {
    /// Whether it is of a SQLite database: a test that no session function describes runs on the kind of database that its
    /// arguments are of.
    #[doc(hidden)]
    const IS_SQLITE: bool = false;

    /// Makes the value for one test.
    fn from_test(cx: &TestContext) -> impl Future<Output = Result<Self, BoxError>>;
}

#[diagnostic::do_not_recommend]
impl FromTest for TestContext {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        Ok(cx.clone())
    }
}

#[diagnostic::do_not_recommend]
impl FromTest for Overrides {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        Ok(cx.overrides().clone())
    }
}

#[diagnostic::do_not_recommend]
impl FromTest for PgPool {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        cx.ready().await?;
        Ok(cx.pool())
    }
}

#[diagnostic::do_not_recommend]
impl FromTest for PoolConnection<Postgres> {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        cx.ready().await?;
        Ok(cx.pool().acquire().await?)
    }
}

#[diagnostic::do_not_recommend]
impl FromTest for PgConnectOptions {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        cx.ready().await?;
        Ok(cx.connect_options()?)
    }
}

#[diagnostic::do_not_recommend]
impl FromTest for PgPoolOptions {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        Ok(cx.pool_options())
    }
}

#[cfg(feature = "sqlite")]
#[diagnostic::do_not_recommend]
impl FromTest for SqlitePool {
    const IS_SQLITE: bool = true;

    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        Ok(cx.sqlite()?.pool())
    }
}

#[cfg(feature = "sqlite")]
#[diagnostic::do_not_recommend]
impl FromTest for PoolConnection<Sqlite> {
    const IS_SQLITE: bool = true;

    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        Ok(cx.sqlite()?.pool().acquire().await?)
    }
}

#[cfg(feature = "sqlite")]
#[diagnostic::do_not_recommend]
impl FromTest for SqliteConnectOptions {
    const IS_SQLITE: bool = true;

    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        Ok(cx.sqlite()?.connect_options())
    }
}

#[cfg(feature = "sqlite")]
#[diagnostic::do_not_recommend]
impl FromTest for SqlitePoolOptions {
    const IS_SQLITE: bool = true;

    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        Ok(cx.sqlite_pool_options())
    }
}

#[cfg(feature = "axum")]
#[diagnostic::do_not_recommend]
impl FromTest for Router {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        cx.ready().await?;
        cx.router().await
    }
}

#[cfg(feature = "axum")]
#[diagnostic::do_not_recommend]
impl FromTest for Client {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        Ok(client::client(cx.get().await?))
    }
}

#[diagnostic::do_not_recommend]
impl FromTest for Queries {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        Ok(Self::of(Arc::clone(cx.recording())))
    }
}
