//! The arguments of a test function, made in order before its body runs.
//!
//! A value for each type makes them, so the compiler generates the code once for each list of types
//! in a crate, and not for each test.

use std::{any::type_name, future::Future, pin::Pin};

use crate::{FromTest, TestContext, executor::panics, test::outcome::ArgumentError};

type Making<'a, T> = Pin<Box<dyn Future<Output = Result<T, ArgumentError>> + 'a>>;

/// Makes an argument of type `T`.
#[derive(Debug)]
pub struct Argument<T> {
    make: fn(&TestContext) -> Making<'_, T>,
    is_sqlite: bool,
}

impl<T: FromTest> Argument<T> {
    pub(crate) const fn new() -> Self {
        Self {
            make: |cx| {
                Box::pin(async {
                    let made = panics::caught(Box::pin(async { T::from_test(cx).await })).await;
                    made.and_then(|made| made).map_err(|cause| ArgumentError {
                        type_name: type_name::<T>(),
                        cause,
                    })
                })
            },
            is_sqlite: T::IS_SQLITE,
        }
    }
}

/// Makes all arguments of a test function: a tuple of [`Argument`]s.
pub trait Arguments: 'static {
    /// The arguments, as a tuple.
    type Made: 'static;

    /// Whether one of them belongs to a SQLite database.
    #[doc(hidden)]
    fn is_sqlite(&self) -> bool;

    /// Makes them in order, up to the first that fails.
    fn make(self, cx: &TestContext) -> impl Future<Output = Result<Self::Made, ArgumentError>>;
}

macro_rules! tuple {
    ($($name:ident)*) => {
        impl<$($name: 'static),*> Arguments for ($(Argument<$name>,)*) {
            type Made = ($($name,)*);

            #[allow(non_snake_case, reason = "the tuple's elements")]
            fn is_sqlite(&self) -> bool {
                let ($($name,)*) = self;
                false $(|| $name.is_sqlite)*
            }

            #[allow(non_snake_case, clippy::unused_async, reason = "the empty tuple, too")]
            async fn make(self, _cx: &TestContext) -> Result<Self::Made, ArgumentError> {
                let ($($name,)*) = self;
                Ok(($(($name.make)(_cx).await?,)*))
            }
        }
    };
}

// `#[db_test]` rejects tests with more arguments.
tuple!();
tuple!(A);
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);
tuple!(A B C D E F G);
tuple!(A B C D E F G H);
tuple!(A B C D E F G H I);
tuple!(A B C D E F G H I J);
tuple!(A B C D E F G H I J K);
tuple!(A B C D E F G H I J K L);
