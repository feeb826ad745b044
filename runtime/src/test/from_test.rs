//! The types that a test can take as arguments.

use std::{future::Future, sync::Arc};

#[cfg(feature = "axum")]
use axum::Router;
use sqlx::{
    PgPool, Postgres,
    pool::PoolConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{BoxError, Error, Faults, Overrides, Queries, TestContext, observe::report::chain};
#[cfg(feature = "axum")]
use crate::{
    Client,
    test::{app, client},
};
#[cfg(feature = "sqlite")]
use sqlx::{
    Sqlite, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

/// A type that a test can take as an argument.
///
/// db-test implements it for `PgPool`, `PoolConnection<Postgres>`, `PgConnectOptions`,
/// `PgPoolOptions`, `Router`, [`Client`](crate::Client), [`Overrides`], [`Queries`], [`Faults`] and
/// [`TestContext`], and for the SQLite types with the feature `sqlite`.
/// Implement it for values that many tests need, such as a signed-in client:
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
/// A struct whose fields all implement it can derive it: `#[derive(FromTest)]`. Register clean-up
/// of anything outside the database with [`TestContext::on_end`].
///
/// # Errors
///
/// An error fails the test before its body runs; the report names the argument's type.
#[diagnostic::on_unimplemented(
    message = "a test cannot take an argument of type `{Self}`",
    label = "does not implement `FromTest`",
    note = "a test may take `Client`, `Router`, `PgPool`, `PoolConnection<Postgres>`, `PgConnectOptions`, `PgPoolOptions`, `Overrides`, `Queries`, `Faults`, `TestContext`",
    note = "implement `db_test::FromTest` for a type of yours, or derive it; wrap a type of another crate: `struct Argument({Self});`"
)]
pub trait FromTest: Sized {
    /// Whether the type belongs to a SQLite database. Without a session function, a test runs on
    /// the kind of database that its arguments belong to.
    #[doc(hidden)]
    const IS_SQLITE: bool = false;

    /// Makes the value for one test.
    fn from_test(cx: &TestContext) -> impl Future<Output = Result<Self, BoxError>>;
}

impl TestContext {
    /// Makes a value of any type that a test can take as an argument.
    ///
    /// Use it in [`FromTest`] implementations, to build a value from others.
    ///
    /// # Errors
    ///
    /// The error of the type's [`FromTest`] implementation.
    pub async fn get<T: FromTest>(&self) -> Result<T, BoxError> {
        T::from_test(self).await
    }

    /// Makes one field of a struct that derives [`FromTest`]; called by generated code.
    #[doc(hidden)]
    pub async fn field<T: FromTest>(&self, name: &'static str) -> Result<T, BoxError> {
        let made = T::from_test(self).await;
        made.map_err(|cause| {
            // An error of the session is not the field's: its text needs no more context.
            if cause.is::<Error>() {
                cause
            } else {
                Box::new(FieldError { name, cause })
            }
        })
    }
}

/// A field of a struct that derives `FromTest` could not be made.
#[derive(Debug, thiserror::Error)]
#[error("its field `{name}`: {}", chain(cause.as_ref()))]
struct FieldError {
    name: &'static str,
    cause: BoxError,
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
        Ok(cx.try_pool()?)
    }
}

#[diagnostic::do_not_recommend]
impl FromTest for PoolConnection<Postgres> {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        cx.ready().await?;
        Ok(cx.try_pool()?.acquire().await?)
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
        Ok(cx.sqlite()?.connect_options()?)
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
        app::router(cx).await
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

#[diagnostic::do_not_recommend]
impl FromTest for Faults {
    async fn from_test(cx: &TestContext) -> Result<Self, BoxError> {
        cx.ready().await?;
        Ok(Self::of(cx.faults()?))
    }
}
