//! What `#[db_test]` above `#[rstest]` generates.

use expect_test::expect;
use proc_macro2::TokenStream;
use quote::quote;

use super::check;
use crate::compile;

#[test]
fn rstest_gets_the_attribute_for_its_cases() {
    let item = quote! {
        /// Doc.
        #[rstest]
        #[case(1)]
        async fn sells(#[case] number: u8, #[from(ada)] owner: Ada, client: Client) {}
    };
    check(
        compile::test(quote!(timeout = "5s"), &item),
        &expect![[r#"
            /// Doc.
            #[rstest]
            #[case(1)]
            #[test_attr(::db_test::macro_support::db_test(timeout = "5s"))]
            async fn sells(#[case] number: u8, #[from(ada)] owner: Ada, #[ignore] client: Client) {}
        "#]],
    );
}

#[test]
fn options_are_not_needed() {
    let item = quote! {
        #[rstest::rstest(number, case(1))]
        async fn sells(number: u8, #[ignore] client: Client) {}
    };
    check(
        compile::test(TokenStream::new(), &item),
        &expect![[r#"
            #[rstest::rstest(number, case(1))]
            #[test_attr(::db_test::macro_support::db_test)]
            async fn sells(number: u8, #[ignore] client: Client) {}
        "#]],
    );
}
