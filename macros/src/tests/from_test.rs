//! What `#[derive(FromTest)]` generates.

use expect_test::expect;
use quote::quote;

use super::check;
use crate::from_test;

#[test]
fn named_fields_are_made_in_order() {
    let item = quote! {
        pub(crate) struct Shop {
            client: Client,
            r#type: Option<Kind>,
        }
    };
    check(
        from_test::compile(item),
        &expect![[r##"
            #[automatically_derived]
            #[allow(unused_variables, clippy::unused_async)]
            impl ::db_test::macro_support::FromTest for Shop {
                async fn from_test(
                    cx: &::db_test::macro_support::TestContext,
                ) -> ::core::result::Result<Self, ::db_test::macro_support::BoxError> {
                    ::core::result::Result::Ok(Self {
                        client: cx.field("client").await?,
                        r#type: cx.field("r#type").await?,
                    })
                }
            }
        "##]],
    );
}

#[test]
fn a_tuple_struct_is_made_like_a_call() {
    check(
        from_test::compile(quote!(
            struct SignedIn(Client);
        )),
        &expect![[r##"
            #[automatically_derived]
            #[allow(unused_variables, clippy::unused_async)]
            impl ::db_test::macro_support::FromTest for SignedIn {
                async fn from_test(
                    cx: &::db_test::macro_support::TestContext,
                ) -> ::core::result::Result<Self, ::db_test::macro_support::BoxError> {
                    ::core::result::Result::Ok(Self(cx.field("0").await?))
                }
            }
        "##]],
    );
}

#[test]
fn a_unit_struct_has_nothing_to_make() {
    check(
        from_test::compile(quote!(
            struct Marker;
        )),
        &expect![[r#"
            #[automatically_derived]
            #[allow(unused_variables, clippy::unused_async)]
            impl ::db_test::macro_support::FromTest for Marker {
                async fn from_test(
                    cx: &::db_test::macro_support::TestContext,
                ) -> ::core::result::Result<Self, ::db_test::macro_support::BoxError> {
                    ::core::result::Result::Ok(Self)
                }
            }
        "#]],
    );
}
