//! Closures and rejections that replace what an extractor returns.

use std::{future::ready, sync::Arc};

use http::request::Parts;

use super::Overrides;
use crate::{Overridable, overridable::Answered};

/// The return types of closures given to [`Overrides::set_with`](crate::Overrides::set_with) for
/// the extractor `T`: `T`, or `Result<T, T::Rejection>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot replace the extractor `{T}`",
    label = "expected `{T}`, or a `Result` of it and its rejection"
)]
pub trait IntoAnswer<T: Overridable>: Send + 'static {
    /// Converts it into the result of the extractor.
    ///
    /// # Errors
    ///
    /// When the closure returned the extractor's rejection.
    fn into_answer(self) -> Result<T, T::Rejection>;
}

impl<T: Overridable> IntoAnswer<T> for T {
    fn into_answer(self) -> Result<T, T::Rejection> {
        Ok(self)
    }
}

impl<T: Overridable> IntoAnswer<T> for Result<T, T::Rejection> {
    fn into_answer(self) -> Self {
        self
    }
}

impl Overrides {
    /// Replaces the overridable extractor `T` by a closure, which gets each request and returns a
    /// `T` or a `Result<T, T::Rejection>`.
    ///
    /// ```
    /// # use axum::{extract::FromRequestParts, http::{StatusCode, request::Parts}};
    /// # use db_test::Overrides;
    /// struct CurrentUser(String);
    /// # #[db_test::overridable]
    /// # impl<S: Sync> FromRequestParts<S> for CurrentUser {
    /// #     type Rejection = StatusCode;
    /// #     async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, StatusCode> {
    /// #         Err(StatusCode::UNAUTHORIZED)
    /// #     }
    /// # }
    ///
    /// fn named_by_the_path(overrides: &Overrides) {
    ///     overrides.set_with(|parts| CurrentUser(parts.uri.path().replace('/', "")));
    /// }
    /// # named_by_the_path(&Overrides::default());
    /// ```
    ///
    /// An extractor without `#[overridable]` is a compile error:
    ///
    /// ```compile_fail,E0277
    /// # use db_test::Overrides;
    /// struct Unmarked;
    ///
    /// fn refused(overrides: &Overrides) {
    ///     overrides.set_with::<Unmarked, _>(|_| Unmarked);
    /// }
    /// ```
    pub fn set_with<T, A>(&self, make: impl Fn(&Parts) -> A + Send + Sync + 'static)
    where
        T: Overridable,
        A: IntoAnswer<T>,
    {
        self.answer::<T, _>(move |parts| ready(make(parts).into_answer()));
    }

    /// Like [`set_with`](Self::set_with), with a closure that returns a future, which may query the
    /// database.
    ///
    /// The future cannot borrow from the request: copy what it needs before `async move`.
    ///
    /// ```
    /// # use axum::{extract::FromRequestParts, http::{StatusCode, request::Parts}};
    /// # use db_test::Overrides;
    /// # struct CurrentUser(String);
    /// # #[db_test::overridable]
    /// # impl<S: Sync> FromRequestParts<S> for CurrentUser {
    /// #     type Rejection = StatusCode;
    /// #     async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, StatusCode> {
    /// #         Err(StatusCode::UNAUTHORIZED)
    /// #     }
    /// # }
    /// # use sqlx::PgPool;
    /// fn the_first_user(overrides: &Overrides, pool: PgPool) {
    ///     overrides.set_with_async(move |_| {
    ///         let pool = pool.clone();
    ///         async move {
    ///             let name = sqlx::query_scalar("select name from users").fetch_one(&pool);
    ///             name.await.map(CurrentUser).map_err(|_| StatusCode::UNAUTHORIZED)
    ///         }
    ///     });
    /// }
    /// ```
    pub fn set_with_async<T, A, F>(&self, make: impl Fn(&Parts) -> F + Send + Sync + 'static)
    where
        T: Overridable,
        A: IntoAnswer<T>,
        F: Future<Output = A> + Send + 'static,
    {
        self.answer::<T, _>(move |parts| {
            let making = make(parts);
            async { making.await.into_answer() }
        });
    }

    /// Makes the overridable extractor `T` reject every request.
    ///
    /// ```
    /// # use axum::{extract::FromRequestParts, http::{StatusCode, request::Parts}};
    /// # use db_test::Overrides;
    /// # struct CurrentUser(String);
    /// # #[db_test::overridable]
    /// # impl<S: Sync> FromRequestParts<S> for CurrentUser {
    /// #     type Rejection = StatusCode;
    /// #     async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, StatusCode> {
    /// #         Err(StatusCode::UNAUTHORIZED)
    /// #     }
    /// # }
    /// fn signed_out(overrides: &Overrides) {
    ///     overrides.reject::<CurrentUser>(|| StatusCode::UNAUTHORIZED);
    /// }
    /// # signed_out(&Overrides::default());
    /// ```
    pub fn reject<T: Overridable>(
        &self,
        rejection: impl Fn() -> T::Rejection + Send + Sync + 'static,
    ) {
        self.reject_with::<T>(move |_| rejection());
    }

    /// Like [`reject`](Self::reject), with a rejection that depends on the request.
    pub fn reject_with<T: Overridable>(
        &self,
        rejection: impl Fn(&Parts) -> T::Rejection + Send + Sync + 'static,
    ) {
        self.answer::<T, _>(move |parts| ready(Err(rejection(parts))));
    }

    fn answer<T, F>(&self, answer: impl Fn(&Parts) -> F + Send + Sync + 'static)
    where
        T: Overridable,
        F: Future<Output = Result<T, T::Rejection>> + Send + 'static,
    {
        let mut entry = self.entry::<T>(true);
        let record = Arc::clone(&entry.record);
        let answered = Answered::<T>::by(move |parts| {
            record.was_read();
            answer(parts)
        });
        entry.insert_by(move |extensions| {
            extensions.insert(answered.clone());
        });
        self.insert::<T>(entry);
    }
}
