//! What `#[overridable]` generates.

use expect_test::expect;
use proc_macro2::TokenStream;
use quote::quote;

use super::check;
use crate::overridable;

#[test]
fn an_extractor_looks_for_a_set_value_first() {
    let item = quote! {
        impl<S: Send + Sync> FromRequestParts<S> for CurrentUser {
            type Rejection = AuthError;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthError> {
                from_cookies(&parts.headers)
            }
        }
    };
    check(
        overridable::compile(TokenStream::new(), &item),
        &expect![[r#"
            impl<S: Send + Sync> FromRequestParts<S> for CurrentUser {
                type Rejection = AuthError;
                async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthError> {
                    if let ::core::option::Option::Some(overridden) = ::db_test::macro_support::overridden::<
                        Self,
                    >(parts)
                        .await
                    {
                        return overridden;
                    }
                    match parts {
                        parts => from_cookies(&parts.headers),
                    }
                }
            }
            impl ::db_test::macro_support::Overridable for CurrentUser {
                type Rejection = AuthError;
            }
        "#]],
    );
}

#[test]
fn a_generic_extractor_keeps_its_own_parameters() {
    let item = quote! {
        impl<S, T: Clone + FromRef<S>, const N: usize> FromRequestParts<S> for Limited<T, N>
        where
            S: Send + Sync,
            T: Send + Sync + 'static,
        {
            type Rejection = TooMany<T>;

            async fn from_request_parts(_: &mut Parts, state: &S) -> Result<Self, TooMany<T>> {
                Ok(Self(T::from_ref(state)))
            }
        }
    };
    check(
        overridable::compile(TokenStream::new(), &item),
        &expect![[r#"
            impl<S, T: Clone + FromRef<S>, const N: usize> FromRequestParts<S> for Limited<T, N>
            where
                S: Send + Sync,
                T: Send + Sync + 'static,
            {
                type Rejection = TooMany<T>;
                async fn from_request_parts(
                    parts: &mut Parts,
                    state: &S,
                ) -> Result<Self, TooMany<T>> {
                    if let ::core::option::Option::Some(overridden) = ::db_test::macro_support::overridden::<
                        Self,
                    >(parts)
                        .await
                    {
                        return overridden;
                    }
                    match parts {
                        _ => Ok(Self(T::from_ref(state))),
                    }
                }
            }
            impl<T: Clone, const N: usize> ::db_test::macro_support::Overridable for Limited<T, N>
            where
                T: Send + Sync + 'static,
            {
                type Rejection = TooMany<T>;
            }
        "#]],
    );
}
