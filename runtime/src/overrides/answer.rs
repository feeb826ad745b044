//! What a closure may return in the place of an extractor.

use crate::Overridable;

/// What a closure given to [`Overrides::set_with`](crate::Overrides::set_with) may return for the
/// extractor `T`: a `T`, or a `Result` with its rejection.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot stand in for the extractor `{T}`",
    label = "expected `{T}`, or a `Result` of it and its rejection"
)]
pub trait IntoAnswer<T: Overridable>: Send + 'static {
    /// The extractor's answer.
    ///
    /// # Errors
    ///
    /// The rejection, if that is what the closure returned.
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
